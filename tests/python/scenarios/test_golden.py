"""Every golden night, end to end on the embedded warehouse, against exactly what it expects."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from replaying import replay
from support import PROJECT, SCENARIOS
from trueup.reference import load_reference
from trueup.report import Report
from trueup.scenarios import compare, find_scenarios, load_scenario
from trueup.schemas import read_table_schemas

NAMES = [folder.name for folder in find_scenarios([SCENARIOS])]
RULES = load_reference(PROJECT / "seeds").rules


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("name", NAMES)
def test_a_golden_night_has_exactly_its_findings(name: str, state_dir: Path) -> None:
    scenario, report = replay(name, state_dir)
    found = compare(scenario.expect, [asdict(finding) for finding in report.findings])
    assert not report.problems
    assert not found.missing
    assert not found.unexpected
    _holds_what_every_report_holds(report)
    told = {one.rule: one.outcome for one in report.outcomes if one.rule.startswith("EXP")}
    failed = {one.rule for one in scenario.expect}
    asked = {rule: "failed" if rule in failed else "passed" for rule in told}
    assert told == (asked if scenario.expectations else dict.fromkeys(told, "not_run"))
    expects_errors = any(one.severity == "error" for one in scenario.expect)
    assert report.status == ("findings" if expects_errors else "healthy")


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
    schemas = read_table_schemas(PROJECT / "models")
    planted = {one.rule for name in NAMES for one in load_scenario(SCENARIOS / name, schemas, frozenset(RULES)).expect}
    # What trueup itself writes cannot be planted in its sources; test_expectations.py contradicts its tables.
    of_our_own = {"EXP003", "EXP004"}
    assert planted == {code for code in RULES if not code.startswith("SLO")} - of_our_own


@pytest.mark.usefixtures("endpoint")
def test_the_numbers_of_the_incident_are_told(state_dir: Path) -> None:
    _, report = replay("incident-2026-02-03", state_dir)
    found = {(one.rule, one.subject): one for one in report.findings}
    duplicates = found["DUP001", "player_game_summary"].detail
    assert (duplicates["group_count"], duplicates["exact_copies"], duplicates["cause"]) == (
        72,
        72,
        "racing_writers",
    )
    assert found["LATE004", "nbac_gamebook_player_stats"].expected == 10
    assert found["TRIG001", "2026-02-03"].detail["phase4_rows"] == 0
    states = {level.rule: (level.state, level.value) for level in report.service_levels}
    assert states["SLO001"] == ("alert", 0.0)
    assert states["SLO002"] == ("alert", 0.0)
    assert states["SLO003"][0] == "alert"
    assert states["SLO004"] == ("met", 0.0)
    assert states["SLO005"] == ("not_run", None)


@pytest.mark.usefixtures("endpoint")
def test_missing_optional_sources_are_not_run_and_told(state_dir: Path) -> None:
    _, report = replay("missing-optional-sources", state_dir)
    outcomes = {one.rule: one for one in report.outcomes}
    assert outcomes["SLO004"].outcome == "not_run"
    assert not outcomes["SLO004"].is_blocking
    assert sum("optional source" in note for note in report.notes) == 2
    assert report.exit_code == 0
