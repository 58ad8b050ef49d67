"""Whether what a run has built is all that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from helpers.support import PROJECT
from trueup.results.outcome import Outcome, RuleOutcome
from trueup.results.reference import Reference, load_reference
from trueup.results.report import unseen_days
from trueup.runs.answers import RULE_TEST, unrun_checks
from trueup.window import Window

REFERENCE = load_reference(PROJECT / "seeds")
TESTED = [code for code, rule in REFERENCE.rules.items() if rule.family not in ("service_levels", "reporting")]
NEEDED = {"games": "model", "unique_games": "test"}
CHECKS = {**NEEDED, "no_warnings_all": "test", **{f"{RULE_TEST}{code}": "test" for code in TESTED}}
DAY = date(2026, 2, 3)


@dataclass
class Result:
    name: str


def problems(without: str = "", rules: dict[str, Any] | None = None, with_tests: bool = True) -> list[str]:
    reference = Reference(REFERENCE.rules if rules is None else rules)
    work = cast(Any, SimpleNamespace(dbt=SimpleNamespace(checks=CHECKS), reference=reference))
    results = cast(Any, [Result(name) for name in NEEDED if name != without])
    return list(unrun_checks(work, results, with_tests))


def test_a_whole_run_has_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize("name", NEEDED)
def test_a_model_or_test_without_a_result_is_reported(name: str) -> None:
    (problem,) = problems(without=name)
    assert problem.startswith(f"1 of {len(NEEDED)} models and tests")
    assert f" {name}." in problem


def test_tests_are_not_missed_where_none_were_asked_for() -> None:
    assert problems(without="unique_games", with_tests=False) == []
    assert len(problems(without="games", with_tests=False)) == 1


@pytest.mark.parametrize("code", TESTED)
def test_every_rule_that_is_missing_from_the_seed_is_reported(code: str) -> None:
    rules = {key: rule for key, rule in REFERENCE.rules.items() if key != code}
    (problem,) = problems(rules=rules)
    assert problem.startswith(f"seeds/rules.csv has no rule {code}")


def test_a_rule_that_dbt_has_no_test_of_is_reported() -> None:
    rules = {**REFERENCE.rules, "NEW001": REFERENCE.rules["DUP001"]}
    assert "rule_outcomes.yml has no rule NEW001" in problems(rules=rules)[0]


def outcome(day: date, said: Outcome) -> RuleOutcome:
    return RuleOutcome("DUP001", day, said, 1, "no rows that day", False)


def window(as_of: datetime) -> Window:
    return Window(DAY, DAY + timedelta(days=1), as_of)


def test_a_day_on_which_nothing_was_examined_is_reported_and_one_that_is_not_over() -> None:
    later = window(datetime(2026, 2, 6, 15, tzinfo=UTC))
    both = [outcome(DAY, "passed"), outcome(DAY + timedelta(days=1), "failed")]
    assert list(unseen_days(both, later)) == []
    nothing = [outcome(DAY, "passed"), outcome(DAY + timedelta(days=1), "not_run")]
    assert list(unseen_days(nothing, later)) == ["Nothing could be examined on 2026-02-04 (no rows that day)."]
    early = window(datetime(2026, 2, 5, 4, 59, tzinfo=UTC))  # one minute before midnight Eastern
    (told,) = unseen_days(both, early)
    assert told.startswith("2026-02-04 is not over as of 2026-02-05T04:59:00+00:00")
    # Found 2026-11-26: a day was over by New York's clock wherever the platform was.
    over_in_new_york = window(datetime(2026, 2, 5, 7, 59, tzinfo=UTC))
    assert list(unseen_days(both, over_in_new_york)) == []
    (told,) = unseen_days(both, over_in_new_york, ZoneInfo("America/Los_Angeles"))
    assert told.startswith("2026-02-04 is not over")
