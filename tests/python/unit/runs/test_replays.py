"""Whether a replay is as its scenario expects, and how it is told to people and machines."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any, get_args

import pytest
from rich.console import Console

from helpers.report_cases import AS_OF, DAY, WINDOW, finding, outcome
from trueup.cli.replay import print_replay
from trueup.reporting.json_form import plain_findings, to_json
from trueup.results.report import Report, Status, SuiteResult
from trueup.runs.replayed import Replay, replays_to_json
from trueup.scenario.scenario import ExpectedFinding, Scenario, compare

PASSED = outcome("DUP001")
BLOCKED = outcome("LATE001", "not_run", "scraper_run_log is not there", blocking=True)
FOUND = finding("DUP001", "player_game_summary", observed=72.0)
WARNED = finding("DUP005", "player_game_summary", severity="warn")
WANTED = ExpectedFinding("DUP001", "error", DAY, "player_game_summary", 72.0)
SUITE = SuiteResult("suite", "EXP001", 3, 0, (), "")


def report(*outcomes: Any, **fields: Any) -> Report:
    return Report(WINDOW, "local", outcomes=outcomes or (PASSED,), **fields)


def replay(made: Report, *expect: ExpectedFinding, status: Status | None = None) -> Replay:
    scenario = Scenario("night", "A night", AS_OF, DAY, DAY, {}, expect, frozenset(), {}, {}, None, status=status)
    return Replay(scenario, made, compare(expect, plain_findings(made.findings)))


HEALTHY = report()
FINDINGS = report(findings=(FOUND,))
TROUBLED = report(problems=("BigQuery does not answer.",))
UNSEEN = report(PASSED, BLOCKED)
NOTHING = Report(WINDOW, "local", problems=("dbt stopped.",))


# Without a status


@pytest.mark.parametrize(("made", "expect"), [(HEALTHY, ()), (FINDINGS, (WANTED,)), (UNSEEN, ())])
def test_exactly_the_expected_findings_are_a_match(made: Report, expect: tuple[ExpectedFinding, ...]) -> None:
    assert replay(made, *expect).is_match


@pytest.mark.parametrize(
    "made",
    [
        TROUBLED,
        NOTHING,
        replace(report(PASSED, outcome("EXP001", "not_run", "no model", blocking=True)), suites=(SUITE,)),
    ],
)
def test_what_could_not_be_checked_is_no_match(made: Report) -> None:
    assert not replay(made).is_match
    assert replay(made).problems


def test_a_finding_less_and_a_finding_more_are_no_match() -> None:
    assert not replay(HEALTHY, WANTED).is_match
    assert not replay(FINDINGS).is_match


# With a status


@pytest.mark.parametrize(
    ("made", "expect", "status"),
    [
        (HEALTHY, (), "healthy"),
        (FINDINGS, (WANTED,), "findings"),
        (replace(FINDINGS, problems=("No documents.",)), (WANTED,), "findings"),
        (replace(FINDINGS, outcomes=(PASSED, BLOCKED)), (WANTED,), "findings"),
        (TROUBLED, (), "could_not_check"),
        (UNSEEN, (), "could_not_check"),
        (NOTHING, (), "could_not_check"),
    ],
)
def test_a_stated_status_that_is_met_is_a_match_whatever_could_not_be_checked(
    made: Report, expect: tuple[ExpectedFinding, ...], status: Status
) -> None:
    one = replay(made, *expect, status=status)
    assert one.is_match
    assert one.status_difference == ""


@pytest.mark.parametrize("made", [HEALTHY, FINDINGS, TROUBLED, UNSEEN, NOTHING])
def test_every_other_status_than_the_stated_is_no_match_and_says_both(made: Report) -> None:
    expect = [WANTED] if made is FINDINGS else []
    for status in set(get_args(Status)) - {made.status}:
        one = replay(made, *expect, status=status)
        assert not one.is_match
        assert one.problems[0] == f"status expected {status}, was {made.status}"


def test_a_met_status_does_not_excuse_a_difference_of_findings() -> None:
    assert not replay(TROUBLED, WANTED, status="could_not_check").is_match
    assert not replay(FINDINGS, status="findings").is_match
    assert not replay(report(findings=(FOUND, WARNED)), WANTED, status="findings").is_match


def test_with_a_status_each_reason_of_what_could_not_be_checked_is_reported_once() -> None:
    twice = report(PASSED, BLOCKED, BLOCKED, problems=("No documents.",))
    told = ("No documents.", "LATE001: scraper_run_log is not there")
    assert replay(twice, status="could_not_check").problems == told
    assert replay(twice).problems == ("No documents.",)


# As text and as JSON


def text(one: Replay) -> str:
    out = StringIO()
    print_replay(one, Console(file=out, width=200))
    return out.getvalue()


def test_a_match_is_one_line() -> None:
    assert text(replay(FINDINGS, WANTED)) == "✔ night: found exactly the 1 planted finding\n"
    assert text(replay(HEALTHY, status="healthy")) == "✔ night: found nothing, as expected\n"
    assert text(replay(UNSEEN, status="could_not_check")) == (
        "✔ night: found nothing, as expected; could not check, as expected\n"
    )


def test_a_difference_of_status_is_reported_in_plain_words_with_its_reasons() -> None:
    assert text(replay(UNSEEN, status="healthy")).splitlines() == [
        "✘ night: A night",
        "    status expected healthy, was could_not_check",
        "    could not check: LATE001: scraper_run_log is not there",
    ]
    assert "status" not in text(replay(TROUBLED))


def test_json_is_a_list_of_one_object_for_each_scenario() -> None:
    missing = ExpectedFinding("DUP002", "error", DAY, "t")
    made = report(findings=(WARNED, FOUND))
    first, second = json.loads(
        replays_to_json([replay(made, missing, replace(WANTED, observed=71.0), status="healthy"), replay(HEALTHY)])
    )
    plain = json.loads(to_json(made))["findings"]
    assert list(first) == ["name", "status", "findings", "missing", "unexpected", "problems"]
    assert (first["name"], first["status"]) == ("night", "findings")
    assert first["findings"] == plain
    assert first["unexpected"] == plain
    assert first["missing"] == [
        {"rule": "DUP001", "severity": "error", "game_date": "2026-02-03", "subject": "player_game_summary",
         "observed": 71.0},
        {"rule": "DUP002", "severity": "error", "game_date": "2026-02-03", "subject": "t"},
    ]  # fmt: skip
    assert first["problems"] == ["status expected healthy, was findings"]
    assert second == {
        "name": "night", "status": "healthy", "findings": [], "missing": [], "unexpected": [], "problems": [],
    }  # fmt: skip


def test_json_of_no_scenario_is_an_empty_list() -> None:
    assert json.loads(replays_to_json([])) == []
