"""A search for ways to make trueup say healthy wrongly, to cry wolf, and to repair what it must not.

Hypothesis spoils one thing of each of several hundred good nights; all of them stand in one warehouse, each on a day
of its own, and one run checks them. TRUEUP_SPOILINGS says how many (by hand: 2000).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from golden.night import (
    CACHE,
    DEFENSE,
    GAMEBOOK,
    OFFENSE,
    PGS,
    PROCESSORS,
    RUNS,
    SCHEDULE,
    UPCOMING_PLAYER,
    Night,
    name_of,
)
from helpers.proved_repairs import may_set, may_start
from helpers.replaying import Silent, plain_scenario
from helpers.spoilings import (
    ERROR,
    HARMLESS,
    WARNED,
    Effect,
    Spoiling,
    as_rows,
    broken_night,
    days_of,
    null,
    small_night,
    spoilings,
)
from helpers.support import PROJECT
from trueup.completion.store import DOCUMENTS
from trueup.repair.documents.plan import Plan, plan_repair
from trueup.results.report import Report, unseen_days
from trueup.runs.check import run_check
from trueup.runs.reconcile import read_evidence
from trueup.runs.replay import loaded
from trueup.runs.variables import judge_settings
from trueup.window import Window

# The partition column of each table whose cells are spoiled.
PARTITIONED = {
    **dict.fromkeys((PGS, OFFENSE, DEFENSE, UPCOMING_PLAYER, GAMEBOOK, SCHEDULE), "game_date"),
    CACHE: "cache_date",
    RUNS: "started_at",
    PROCESSORS: "data_date",
}
COUNT = int(os.environ.get("TRUEUP_SPOILINGS", "250"))


@dataclass(frozen=True)
class Spoiled:
    """A night of each kind with the same thing spoiled. ``plans``: what a repair would do, by kind of night."""

    spoiling: Spoiling | None
    effect: Effect
    day: date
    broken_night: Night
    report: Report
    whole: Report
    plan: Plan

    def __str__(self) -> str:
        told = [f"{one.severity} {one.rule} {one.subject}" for one in self.report.findings]
        blocked = [f"blocked {one.rule}: {one.reason}" for one in self.report.blocked]
        return f"{self.spoiling} on {self.day} must be {self.effect}, was {self.report.status}: {told + blocked}"


def drawn(count: int) -> list[Spoiling]:
    """Spoilings as hypothesis draws them."""
    found: list[Spoiling] = []

    @settings(
        max_examples=count, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(spoilings)
    def draw(one: Spoiling) -> None:
        found.append(one)

    draw()
    return found


@pytest.fixture(scope="module")
def nights(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> list[Spoiled]:
    assert endpoint
    return list(checked([None, *drawn(COUNT)], tmp_path_factory.mktemp("search")))


def checked(chosen: list[Spoiling | None], state_dir: Path) -> Iterator[Spoiled]:
    """Every spoiling on a good night and on one to be repaired, all of them in one warehouse and one run."""
    days = [day for number in range(len(chosen)) for day in days_of(number)]
    built: list[Night] = []
    effects: list[Effect] = []
    for number, spoiling in enumerate(chosen):
        for night in (small_night(days[2 * number], 2 * number), broken_night(days[2 * number + 1], 2 * number + 1)):
            effects.append(spoiling.on(night) if spoiling else HARMLESS)
            built.append(night)
    as_of = datetime(days[-1].year, days[-1].month, days[-1].day, 15, 30, tzinfo=UTC) + timedelta(days=6)
    documents = {one.day.isoformat(): one.document for one in built if one.document is not None}
    scenario = plain_scenario("spoiled", (days[0], days[-1]), as_of, as_rows(built), documents={DOCUMENTS: documents})
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        report = run_check(work, with_tests=False, with_expectations=False)
        assert [one for one in report.problems if "examined" not in one] == []
        found = read_evidence(work.tables, work.settings.window, work.settings.run_id)
        evidence = {one.game_date: one for one in found}
        with work.completions(DOCUMENTS) as store:
            snapshots = store.read([day.isoformat() for day in days])
        how = judge_settings(work.settings)
        for number, spoiling in enumerate(chosen):
            good, broken = days[2 * number], days[2 * number + 1]
            plan = plan_repair(evidence[broken], snapshots.get(broken.isoformat()), work.reference, how, "search")
            yield Spoiled(
                spoiling, effects[2 * number], good, built[2 * number + 1], of_day(report, good), report, plan
            )


def of_day(report: Report, day: date) -> Report:
    """What the report says of one day."""
    window = Window(day, day, report.window.as_of)
    outcomes = tuple(one for one in report.outcomes if one.game_date == day)
    # Rows without a date are reported on the last checked day, whichever day they were meant for.
    findings = tuple(one for one in report.findings if one.game_date == day)
    return replace(
        report, window=window, findings=findings, outcomes=outcomes, problems=tuple(unseen_days(outcomes, window))
    )


def undated_table(one: Spoiled) -> str:
    """The table in which the spoiled row belongs to no date, if so: then the last day says so, and no other can."""
    table, column = one.spoiling.arguments[:2] if one.spoiling and one.spoiling.does is null else ("", "")
    return table if column and PARTITIONED.get(table) == column else ""


def test_no_spoiled_night_is_called_healthy_wrongly(nights: list[Spoiled]) -> None:
    wrong = [
        str(one) for one in nights if one.effect == ERROR and one.report.status == "healthy" and not undated_table(one)
    ]
    assert not wrong, "\n".join(wrong)


def test_rows_without_a_date_are_told_on_the_last_day(nights: list[Spoiled]) -> None:
    tables = {name_of(table) for one in nights if (table := undated_table(one))}
    told = {one.subject for one in nights[-1].whole.findings if one.rule == "DUP003"}
    assert tables
    assert tables <= told


def test_what_is_only_worth_a_warning_is_told(nights: list[Spoiled]) -> None:
    silent = [
        str(one)
        for one in nights
        if one.effect == WARNED and not any(finding.severity != "info" for finding in one.report.findings)
    ]
    assert not silent, "\n".join(silent)


def test_nothing_is_said_of_what_is_harmless(nights: list[Spoiled]) -> None:
    wolves = [
        str(one)
        for one in nights
        if one.effect == HARMLESS
        and (one.report.status != "healthy" or any(finding.severity != "info" for finding in one.report.findings))
    ]
    assert not wolves, "\n".join(wolves)


def test_nothing_is_repaired_or_started_that_the_night_does_not_prove(nights: list[Spoiled]) -> None:
    assert nights[0].plan.start is not None, "the unspoiled night is repaired, phase 4 and all"
    assert len(nights[0].plan.edits) == 2
    wrong = [
        f"{one.spoiling} on {one.broken_night.day}: {one.plan}"
        for one in nights
        if (one.plan.start and not may_start(one.broken_night))
        or not all(may_set(one.broken_night, edit.field) for edit in one.plan.edits)
    ]
    assert not wrong, "\n".join(wrong)
    assert sum(one.plan.start is not None for one in nights) > 1, "harmless spoilings keep nobody from it"
