"""Every golden night on the embedded warehouse, against exactly what it expects.

Most of them stand in one warehouse, each moved to a day of its own, and one run checks them all, another one those
that ask for the suites; nights that need a moment, settings or sources of their own are replayed one by one.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from golden import NIGHTS
from helpers.nights import moved, placed, scenario_of, together
from helpers.replaying import Silent, replay
from helpers.support import PROJECT, csv_rows
from trueup.gateways.warehouse import Warehouse
from trueup.results.finding import by_severity
from trueup.results.outcome import RuleOutcome
from trueup.results.reference import load_reference
from trueup.results.report import Report
from trueup.runs.build import build_evidence, building
from trueup.runs.check import run_check
from trueup.runs.expectations import check_expectations
from trueup.runs.pulse.pulse import run_pulse
from trueup.runs.reconcile import judged_report, reconcile
from trueup.runs.replay import loaded
from trueup.runs.replayed import Replay
from trueup.runs.wiring import open_workplace
from trueup.runs.workplace import Workplace
from trueup.scenario.scenario import ExpectedFinding, Scenario, compare
from trueup.schemas import read_table_schemas

SCHEMAS = read_table_schemas(PROJECT / "models")
RULES = load_reference(PROJECT / "seeds").rules
DAY = date(2026, 2, 3)
# Days of standard time, so that a clock time stays the same time; between two nights there is a third day.
FIRST_DAY, LAST_DAY = date(2025, 11, 5), date(2026, 3, 5)
# One of the nights that ask for the suites is two days long.
NIGHTS_APART = {False: 2, True: 3}
# Looked at on the morning after, when others would not be over.
ALONE = ("same-day-three-of-five", "too-early")
# What it finds is dated the last checked day.
LAST = "undated-rows"
# What these say of a night grows with the moment it is looked at.
WAITING = ("LATE002", "LATE003", "LOCK001")
WAIVERS = "known_exceptions.csv"


def is_shared(one: Scenario) -> bool:
    """Whether a night can stand beside others: of its own it may have documents, rows and waivers."""
    seeds = {path.name for path in one.seeds.iterdir()} if one.seeds else set()
    return not (one.vars or one.optional or seeds - {WAIVERS}) and one.name not in ALONE


ALL = [scenario_of(name, frozenset(RULES)) for name in sorted(NIGHTS, key=lambda name: name == LAST)]
# Those of each run; the nights on which the clocks change keep their days.
TOGETHER = {
    with_suites: [one for one in ALL if is_shared(one) and one.expectations == with_suites]
    for with_suites in (False, True)
}
SHARED = [one.name for nights in TOGETHER.values() for one in nights]


@dataclass(frozen=True)
class Run:
    """All nights of one run. ``failed``: the rules and days of which ``dbt test`` says that they did not pass;
    ``alone``: what ``trueup expectations``, or else ``trueup reconcile``, reports of the same nights; ``pulse``: what
    ``trueup pulse`` reports of them, without anything that was built.
    """

    report: Report
    failed: frozenset[tuple[str, date]]
    alone: Report
    pulse: Report


def shift_of(one: Scenario) -> int:
    """By how many days a night is moved in the run that it shares."""
    if one.first_date != DAY:
        return 0
    movable = [other.name for other in TOGETHER[one.expectations] if other.first_date == DAY]
    first = FIRST_DAY + timedelta(days=NIGHTS_APART[one.expectations] * movable.index(one.name))
    assert first < LAST_DAY, "a clock time would be another one"
    return (first - DAY).days


@pytest.fixture(scope="module")
def runs(endpoint: str, state_dir: Path) -> dict[bool, Run]:
    assert endpoint
    return {with_suites: checked(TOGETHER[with_suites], with_suites, state_dir) for with_suites in (False, True)}


def checked(nights: list[Scenario], with_suites: bool, state_dir: Path) -> Run:
    """All these nights in one warehouse, and one run that checks them."""
    shifts = {one.name: shift_of(one) for one in nights}
    tables, documents = together(placed(one, shifts[one.name], 1000 * (index + 1)) for index, one in enumerate(nights))
    last = max(one.last_date + timedelta(days=shifts[one.name]) for one in nights)
    as_of = datetime(last.year, last.month, last.day, 15, 30, tzinfo=UTC) + timedelta(days=6)
    seeds = state_dir / f"seeds-{with_suites}"
    seeds.mkdir()
    write_waivers(seeds / WAIVERS, nights, shifts, as_of)
    scenario = replace(
        nights[0], name="all-nights", tables=tables, documents=documents, status=None, last_date=last, as_of=as_of,
        first_date=min(one.first_date + timedelta(days=shifts[one.name]) for one in nights), seeds=seeds,
    )  # fmt: skip
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        report = run_check(work, with_tests=False, with_expectations=with_suites)
        assert report.outcomes, report.problems
        work.dbt.run(["compile", "--select", "rule_outcomes"])
        assert isinstance(work.tables, Warehouse)
        failed = frozenset(failed_tests(work.tables, state_dir))
        with open_workplace(replace(work.settings, run_id="alone"), Silent(), state_dir / "docs") as alone:
            others = check_expectations(alone) if with_suites else documents_alone(alone)
        return Run(report, failed, others, run_pulse(work, state_dir / f"pulse-{with_suites}"))


def documents_alone(work: Workplace) -> Report:
    """What ``trueup reconcile`` reports."""
    with building(work):
        build_evidence(work)
        return judged_report(work, reconcile(work))


def write_waivers(file: Path, nights: Sequence[Scenario], shifts: Mapping[str, int], as_of: datetime) -> None:
    """The waivers of all nights: each about its night where it stands now, and in force or ended as it was there."""
    with file.open("w", newline="", encoding="utf-8") as written:
        rows = csv.DictWriter(written, ("rule", "subject", "game_date", "reason", "until"))
        rows.writeheader()
        for one in nights:
            if one.seeds:
                for row in csv_rows(one.seeds / WAIVERS):
                    left = date.fromisoformat(row["until"]) - one.as_of.date()
                    rows.writerow({**moved(row, shifts[one.name]), "until": as_of.date() + left})


def failed_tests(tables: Warehouse, state_dir: Path) -> Iterator[tuple[str, date]]:
    """The rules and days on which a dbt test of a rule has a row: dbt itself only counts them."""
    for path in (state_dir / "dbt" / "compiled").rglob("no_findings_*.sql"):
        rule = path.stem.removeprefix("no_findings_")
        yield from ((rule, row["game_date"]) for row in tables.query(path.read_text(encoding="utf-8")))


@pytest.mark.slow
@pytest.mark.parametrize("with_suites", [False, True])
def test_the_pulse_says_of_every_night_what_the_check_says(with_suites: bool, runs: dict[bool, Run]) -> None:
    check, pulse = runs[with_suites].report, runs[with_suites].pulse
    rules = {code for code, rule in RULES.items() if rule.is_in_pulse}
    assert {one.rule for one in pulse.outcomes} == rules
    assert by_severity(pulse.findings) == by_severity(one for one in check.findings if one.rule in rules)
    assert in_order(pulse.outcomes) == in_order(one for one in check.outcomes if one.rule in rules)
    assert not pulse.problems


def in_order(outcomes: Iterable[RuleOutcome]) -> list[RuleOutcome]:
    return sorted(outcomes, key=lambda one: (one.game_date, one.rule))


@pytest.mark.parametrize("name", SHARED)
def test_a_golden_night_has_exactly_its_findings_beside_all_others(name: str, runs: dict[bool, Run]) -> None:
    scenario = scenario_of(name)
    shift = timedelta(days=shift_of(scenario))
    report = runs[scenario.expectations].report
    window = replace(report.window, first_date=scenario.first_date + shift, last_date=scenario.last_date + shift)
    night = replace(
        report,
        window=window,
        findings=tuple(one for one in report.findings if one.game_date in window.dates),
        outcomes=tuple(one for one in report.outcomes if one.game_date in window.dates),
        problems=(),
    )
    waited = (report.window.as_of - scenario.as_of - shift).total_seconds() / 60
    found = compare([later(one, shift, waited) for one in scenario.expect], [asdict(one) for one in night.findings])
    assert not found.missing
    assert not found.unexpected
    expects_errors = any(one.severity == "error" for one in scenario.expect)
    assert night.status == (scenario.status or ("findings" if expects_errors else "healthy"))
    _holds_what_every_report_holds(night)


def later(one: ExpectedFinding, shift: timedelta, waited: float) -> ExpectedFinding:
    """The same finding in the shared run, which looks at the night later."""
    observed = one.observed + waited if one.observed is not None and one.rule in WAITING else one.observed
    return replace(one, game_date=one.game_date + shift, subject=moved(one.subject, shift.days), observed=observed)


@pytest.mark.parametrize("with_suites", [False, True])
def test_dbt_test_and_the_check_agree_on_every_rule_of_every_night(with_suites: bool, runs: dict[bool, Run]) -> None:
    run = runs[with_suites]
    errors = {(one.rule, one.game_date) for one in run.report.findings if one.severity == "error"}
    unseen = {(one.rule, one.game_date) for one in run.report.blocked}
    tested = {rule for rule, one in RULES.items() if one.family not in ("service_levels", "reporting")}
    assert run.failed == {key for key in errors | unseen if key[0] in tested}


@pytest.mark.parametrize("with_suites", [False, True])
def test_reconcile_and_expectations_alone_agree_with_the_check(with_suites: bool, runs: dict[bool, Run]) -> None:
    whole, alone = runs[with_suites].report, runs[with_suites].alone
    # A part of SCHED002 is judged in SQL, and EXP004 only where the report is.
    rules = {one.rule for one in alone.outcomes} - {"SCHED002", "EXP004"}
    assert len(rules) == (3 if with_suites else 14)

    def said(report: Report) -> tuple[set[Any], set[Any]]:
        findings = {
            (one.rule, one.game_date, one.subject, one.severity, one.waived_because, one.observed)
            for one in report.findings
        }
        outcomes = {(one.rule, one.game_date, one.outcome, one.is_blocking) for one in report.outcomes}
        return {one for one in findings if one[0] in rules}, {one for one in outcomes if one[0] in rules}

    assert said(alone) == said(whole)
    assert any(one.waived_because for one in alone.findings)


@functools.cache
def replayed(name: str, state_dir: Path) -> tuple[Scenario, Report]:
    return replay(name, state_dir)


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("name", [one.name for one in ALL if not is_shared(one)])
def test_a_golden_night_has_exactly_its_findings(name: str, state_dir: Path) -> None:
    scenario, report = replayed(name, state_dir)
    found = compare(scenario.expect, [asdict(finding) for finding in report.findings])
    made = Replay(scenario, report, found)
    assert not found.missing
    assert not found.unexpected
    assert made.is_match, made.problems
    if scenario.status is None:
        expects_errors = any(one.severity == "error" for one in scenario.expect)
        assert report.status == ("findings" if expects_errors else "healthy")
    if report.problems:  # only a night that states its status may have any: then not every rule has an outcome
        return
    _holds_what_every_report_holds(report)
    told = {one.rule: one.outcome for one in report.outcomes if one.rule.startswith("EXP")}
    failed = {one.rule for one in scenario.expect}
    asked = {rule: "failed" if rule in failed else "passed" for rule in told}
    if not report.blocked:
        assert told == (asked if scenario.expectations else dict.fromkeys(told, "not_run"))


def _holds_what_every_report_holds(report: Report) -> None:
    keys = [(one.rule, one.game_date) for one in report.outcomes]
    assert sorted(keys) == sorted((rule, day) for rule in RULES for day in report.window.dates)
    failed = {(one.rule, one.game_date) for one in report.outcomes if one.outcome == "failed"}
    assert failed == {(one.rule, one.game_date) for one in report.findings}
    for outcome in report.outcomes:
        assert (outcome.examined_count > 0) or outcome.outcome != "passed"
        assert outcome.outcome != "not_run" or outcome.reason
    for finding in report.findings:
        assert finding.summary.endswith(".")
        assert finding.remedy
        assert finding.query.startswith("select ")
    assert len({one.fingerprint for one in report.findings}) == len(report.findings)


def test_every_rule_has_a_planted_fault_somewhere() -> None:
    planted = {one.rule for night in ALL for one in night.expect}
    # What trueup itself writes cannot be planted in its sources; test_expectations.py contradicts its tables.
    of_our_own = {"EXP003", "EXP004"}
    assert planted == {code for code in RULES if not code.startswith("SLO")} - of_our_own


def test_the_numbers_of_the_incident_are_reported(runs: dict[bool, Run]) -> None:
    report, shift = runs[True].report, shift_of(scenario_of("incident-2026-02-03"))
    day = DAY + timedelta(days=shift)
    found = {(one.rule, one.subject): one for one in report.findings if one.game_date == day}
    duplicates = found["DUP001", "player_game_summary"].detail
    assert (duplicates["group_count"], duplicates["exact_copies"], duplicates["cause"]) == (72, 72, "racing_writers")
    assert found["LATE004", "nbac_gamebook_player_stats"].expected == 10
    assert found["TRIG001", day.isoformat()].detail["phase4_rows"] == 0
    states = {level.rule: (level.state, level.value) for level in report.service_levels if level.game_date == day}
    assert states["SLO001"] == ("alert", 0.0)
    assert states["SLO002"] == ("alert", 0.0)
    assert states["SLO003"][0] == "alert"
    assert states["SLO004"] == ("met", 0.0)
    assert states["SLO005"] == ("not_run", None)


@pytest.mark.usefixtures("endpoint")
def test_missing_optional_sources_are_not_run_and_reported(state_dir: Path) -> None:
    _, report = replayed("missing-optional-sources", state_dir)
    outcomes = {one.rule: one for one in report.outcomes}
    assert outcomes["SLO004"].outcome == "not_run"
    assert not outcomes["SLO004"].is_blocking
    assert sum("optional source" in note for note in report.notes) == 2
    assert report.exit_code == 0
