"""A scenario seen at every moment: each finding is told within five minutes of its becoming true, and not before.

When it becomes true is said here once more, from the design and the files of a scenario, by other code than the rules.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from golden import NIGHTS
from helpers.nights import scenario_of
from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.gateways.embedded import EmbeddedWarehouse, Endpoint
from trueup.reporting.json_form import plain_findings
from trueup.results.finding import Finding
from trueup.results.reference import load_reference
from trueup.results.told import Told
from trueup.runs.pulse.pulse import run_pulse
from trueup.runs.replay import loaded
from trueup.runs.timeline import timeline
from trueup.scenario.moments import documents_at, moments, rows_at
from trueup.scenario.scenario import Scenario, compare
from trueup.schemas import read_table_schemas
from trueup.window import EASTERN

pytestmark = pytest.mark.slow

SCHEMAS = read_table_schemas(PROJECT / "models")
RULES = {code for code, rule in load_reference(PROJECT / "seeds").rules.items() if rule.is_in_pulse}
WITHIN = timedelta(minutes=5)
# In CI two; TRUEUP_TIMELINES=all for all of them (half an hour).
CHOSEN = ("incident-2026-02-03", "scraper-failed")
NAMES = sorted(NIGHTS) if os.environ.get("TRUEUP_TIMELINES") == "all" else CHOSEN


@dataclass(frozen=True)
class Oracle:
    """When findings of a scenario become true."""

    scenario: Scenario

    def since(self, finding: Finding) -> datetime | None:
        """The first moment at which the design calls it wrong; None if this oracle does not know the rule."""
        judge = getattr(self, f"_{finding.rule.lower()}", None)
        return judge(finding) if judge else None

    def until(self, told: Told) -> list[datetime]:
        """The moments at which what was told may have become right: of late scrapers (whose run may have begun before)
        and of documents that came the one, else each change of the data.
        """
        if told.rule in ("LATE002", "LATE003"):
            return [self._late001(told)]
        if told.rule == "DONE007" and told.game_date.isoformat() in self.scenario.documents["phase3_completion"]:
            return self._reported(told)[:1]
        return moments(self.scenario, SCHEMAS)

    def _clock(self, day: date, clock: time, days: int = 1) -> datetime:
        return datetime.combine(day + timedelta(days=days), clock, EASTERN).astimezone(UTC)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.scenario.tables.get(table, ()))

    def _document(self, finding: Finding | Told) -> Mapping[str, Any]:
        return self.scenario.documents["phase3_completion"][finding.game_date.isoformat()]

    def _reported(self, finding: Finding | Told) -> list[datetime]:
        """When each processor delivered, in order."""
        reports = [one for key, one in self._document(finding).items() if not key.startswith("_")]
        return sorted(
            read(one["completed_at"])
            for one in reports
            if one["status"] in ("success", "complete", "completed", "partial")
        )

    def _runs(self, finding: Finding | Told) -> list[dict[str, Any]]:
        day = finding.game_date.isoformat()
        found = [
            one for one in self._rows("nba_orchestration.scraper_run_history") if one["scraper_name"] == finding.subject
        ]
        return [one for one in found if one.get("game_date") in (None, day)]

    def _late001(self, finding: Finding | Told) -> datetime:
        useful = [
            read(one["completed_at"])
            for one in self._runs(finding)
            if one.get("completed_at")
            and one.get("status") in (None, "success")
            and one.get("record_count") not in ("0", 0)
        ]
        return min(one for one in useful if one > self._clock(finding.game_date, time(8)))

    def _late002(self, finding: Finding) -> datetime:
        return self._clock(finding.game_date, time(10))

    _late003 = _late004 = _late002

    def _done007(self, finding: Finding) -> datetime:
        return self._clock(finding.game_date, time(8))

    _sched001 = _done007

    def _done001(self, finding: Finding) -> datetime:
        delivered, stored = self._reported(finding), int(self._document(finding)["_completed_count"])
        if stored < len(delivered):
            return delivered[stored]
        return read(self._document(finding)["_last_update"])

    def _trig001(self, finding: Finding) -> datetime:
        return max(self._reported(finding)) + timedelta(minutes=30)

    def _trig002(self, finding: Finding) -> datetime:
        return read(self._document(finding)["_triggered_at"])

    def _trig004(self, finding: Finding) -> datetime:
        return read(self._document(finding)["_triggered_at"]) + timedelta(minutes=30)

    def _dup001(self, finding: Finding) -> datetime:
        """The second row of the first key that has two."""
        seen: dict[tuple[Any, ...], int] = {}
        schema = SCHEMAS[f"nba_analytics.{finding.subject}"]
        written = str(schema.meta["newest_by"])
        for row in sorted(self._rows(schema.name), key=lambda one: one.get(written) or ""):
            key = tuple(row.get(column) for column in schema.meta["grain"])
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > 1:
                # What has no time was there from the beginning.
                begin = datetime.combine(self.scenario.first_date, time(), EASTERN)
                return read(row[written]) if row.get(written) else begin
        raise AssertionError(finding)

    def _lock001(self, finding: Finding) -> datetime:
        lock = self.scenario.documents["processing_leases"][f"{finding.subject}_{finding.game_date}"]
        return read(lock["renewed_at"]) + timedelta(seconds=lock["lease_seconds"]) + timedelta(minutes=1)


def read(value: Any) -> datetime:
    text = value["$timestamp"] if isinstance(value, Mapping) else value
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


@pytest.fixture(scope="module")
def two(endpoint: Endpoint) -> Iterator[tuple[Endpoint, ...]]:
    """Two warehouses for the pulses, beside that of the run."""
    with EmbeddedWarehouse() as one, EmbeddedWarehouse() as other:
        yield one.endpoint, other.endpoint


@functools.cache
def seen(name: str, state_dir: Path, two: tuple[Endpoint, ...]) -> tuple[list[Told], list[Finding]]:
    """What is told, and the findings of a pulse at the end, on the whole data."""
    scenario = scenario_of(name)
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        told = list(timeline(work, scenario, two))
        last = run_pulse(work, state_dir / "last")
    return told, list(last.findings)


@pytest.mark.parametrize("name", NAMES)
def test_each_finding_is_told_within_five_minutes_and_not_before(
    name: str, two: tuple[Endpoint, ...], state_dir: Path
) -> None:
    scenario = scenario_of(name)
    told, last = seen(name, state_dir, two)
    expected_by_pulse = [one for one in scenario.expect if one.rule in RULES]
    assert not compare(expected_by_pulse, plain_findings(last)).missing
    oracle = Oracle(scenario)
    still_open: dict[tuple[str, date, str], Told] = {}
    for one in told:
        key = (one.rule, one.game_date, one.subject)
        if one.kind == "closed":
            assert any(since <= one.at < since + WITHIN for since in oracle.until(one)), f"closed for no reason: {one}"
            del still_open[key]
        else:
            assert one.kind == "worse" or key not in still_open, f"told twice: {one}"
            still_open[key] = one
    over = datetime.combine(scenario.last_date + timedelta(days=2), time(), EASTERN)
    if scenario.as_of < over:  # later pulses do not look at these days
        expected = {
            (one.rule, one.game_date, one.subject)
            for one in last
            if one.severity in ("error", "warn") and not one.waived_because
        }
        assert {key for key in still_open if key[0] != "could_not_check"} == expected
    for finding in last:
        key = (finding.rule, finding.game_date, finding.subject)
        if key in still_open and (since := oracle.since(finding)) is not None:
            first = next(one.at for one in told if (one.rule, one.game_date, one.subject) == key)
            assert since <= first <= since + WITHIN, f"{finding.rule}: true since {since}, told {first}"


def test_the_incident_is_told_and_closed_as_it_went(two: tuple[Endpoint, ...], state_dir: Path) -> None:
    told, _ = seen("incident-2026-02-03", state_dir, two)
    clocks = [
        (f"{one.at.astimezone(EASTERN):%H:%M}", one.kind, one.rule) for one in told if one.rule != "could_not_check"
    ]
    assert list(dict.fromkeys(clocks)) == [
        ("08:00", "told", "DONE007"),
        ("10:00", "told", "LATE002"),
        ("10:00", "told", "LATE004"),
        ("14:45", "told", "LATE001"),
        ("14:45", "closed", "LATE002"),
        ("15:05", "told", "DONE001"),
        ("15:05", "told", "DUP001"),
        ("15:05", "closed", "DONE007"),
        ("15:40", "told", "TRIG001"),
    ]


def test_what_time_alone_makes_a_problem_is_told_in_time(two: tuple[Endpoint, ...], state_dir: Path) -> None:
    """Without any data, nothing can be judged: a problem as soon as the reports are due, and with no other change."""
    scenario = replace(scenario_of("scraper-failed"), tables={}, documents={})
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        told = [(f"{one.at.astimezone(EASTERN):%d %H:%M}", one.kind, one.rule) for one in timeline(work, scenario, two)]
    assert told == [("04 08:00", "told", "could_not_check")]


def test_a_row_is_there_from_its_write_on_and_before_as_it_was_first_written() -> None:
    scenario = scenario_of("rewritten-later")
    changes = moments(scenario, SCHEMAS)
    assert changes == sorted(changes)
    whole = rows_at(scenario, SCHEMAS, changes[-1])
    assert {name: len(rows) for name, rows in whole.items()} == {
        name: len(rows) for name, rows in scenario.tables.items()
    }
    assert not any(rows_at(scenario, SCHEMAS, changes[0] - timedelta(seconds=1)).values())


def test_a_document_grows_with_its_reports() -> None:
    scenario = scenario_of("incident-2026-02-03")
    counts = [
        (document["_completed_count"], len([key for key in document if not key.startswith("_")]))
        for at in reported(scenario)
        for document in documents_at(scenario, at)["phase3_completion"].values()
    ]
    assert counts == [(1, 1), (2, 2), (3, 3), (3, 4), (3, 5)]


def reported(scenario: Scenario) -> Iterator[datetime]:
    (document,) = scenario.documents["phase3_completion"].values()
    yield from sorted(read(one["completed_at"]) for key, one in document.items() if not key.startswith("_"))


def test_a_document_in_versions_is_the_newest_one_at_each_moment() -> None:
    scenario = scenario_of("clean-twin-2026-02-03")
    ((key, last),) = scenario.documents["phase3_completion"].items()
    early = datetime(2026, 2, 4, 2, tzinfo=UTC)
    versions = {key: last, f"{key}@20260204T020000Z": {"_completed_count": 0}}
    changed = replace(scenario, documents={"phase3_completion": versions})
    assert documents_at(changed, early - timedelta(seconds=1)) == {}
    assert documents_at(changed, early)["phase3_completion"] == {key: {"_completed_count": 0}}
    assert documents_at(changed, scenario.as_of)["phase3_completion"] == {key: last}
    assert early in moments(changed, SCHEMAS)
