"""What Great Expectations found, as verdicts: one per suite and date. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import Any

from trueup.expectations.suites import Expectation, Suite
from trueup.results.finding import SEVERITIES
from trueup.results.rule import Rule
from trueup.results.verdict import Verdict
from trueup.window import Window

_NAMED = 3
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Validation:
    """What Great Expectations said of one expectation, of all days together.

    ``unexpected_count``: the rows that are not as expected; ``missing_count``: those that it passed over as NULL, None
    where it does not say. ``problem``: why it could not say anything ("" when it could).
    """

    is_met: bool
    unexpected_count: int = 0
    missing_count: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Examined:
    """What the warehouse counted on one date: rows, and of each expectation those that it examined and those that
    are not as expected.
    """

    row_count: int = 0
    counts: tuple[int, ...] = ()
    unexpected: tuple[int, ...] = ()


@dataclass(frozen=True)
class Examples:
    """A few rows of one date that are not as expected, by the place of the expectation in its suite.

    ``row_count``: how many rows of the date are not as one or another expectation says.
    """

    row_count: int = 0
    rows: Mapping[int, tuple[Row, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class SuiteRun:
    """One suite as it was run. ``needed_dates``: those on which its table must have rows; ``problem``: why it could
    not be run ("" when it was).
    """

    suite: Suite
    examined: Mapping[date, Examined] = field(default_factory=dict)
    examples: Mapping[date, Examples] = field(default_factory=dict)
    validations: tuple[Validation, ...] = ()
    needed_dates: frozenset[date] = frozenset()
    problem: str = ""

    @property
    def wrong_places(self) -> tuple[int, ...]:
        """The places of the expectations that the warehouse found rows against, on any day."""
        places = range(len(self.suite.expectations))
        return tuple(place for place in places if any(one.unexpected[place] for one in self.examined.values()))

    @property
    def problems(self) -> tuple[str, ...]:
        """Of each expectation that was validated, why it could not be examined ("" when it could)."""
        return tuple(_problem(self, place, one) for place, one in enumerate(self.validations))

    @property
    def unexamined(self) -> tuple[str, ...]:
        """The expectations that examined nothing on any day, or could not."""
        problems = self.problems or [self.problem or "no rows"] * len(self.suite.expectations)
        return tuple(
            one.says
            for place, one in enumerate(self.suite.expectations)
            if problems[place] or not any(day.counts[place] for day in self.examined.values())
        )

    @property
    def failed_count(self) -> int:
        """How many expectations are not met."""
        return sum(not one.is_met and not problem for one, problem in zip(self.validations, self.problems, strict=True))


@dataclass(frozen=True)
class Told:
    """What a verdict tells beside what was found. ``page``: where Data Docs tell more; ``query``: of the SQL that
    shows the rows of a date that are not as the expectations in some places say.
    """

    rule: Rule
    page: str
    query: Callable[[date, Sequence[int]], str]


@dataclass(frozen=True)
class _Fault:
    """One expectation that is not met on one date."""

    place: int
    expectation: Expectation
    unexpected_count: int
    examined_count: int
    examples: tuple[Row, ...]


def judge_suite(run: SuiteRun, window: Window, told: Told) -> tuple[Verdict, ...]:
    """Per checked day the verdict on a suite."""
    return tuple(_judge_day(run, day, told) for day in window.dates)


def not_validated(suite: Suite, window: Window, reason: str, is_blocking: bool) -> tuple[Verdict, ...]:
    """A suite that was not run, for every day."""
    return tuple(_not_run(suite, day, reason, is_blocking) for day in window.dates)


def _problem(run: SuiteRun, place: int, said: Validation) -> str:
    """Why an expectation was not examined: Great Expectations says so, or saw other rows than the warehouse counts."""
    if said.problem:
        return said.problem
    says, days = run.suite.expectations[place].says, run.examined.values()
    unexpected = sum(day.unexpected[place] for day in days)
    if said.unexpected_count != unexpected or said.is_met != (unexpected == 0):
        return (
            f"it sees {said.unexpected_count} rows that are not as expected, the warehouse counts {unexpected} ({says})"
        )
    if said.missing_count is None or run.suite.expectations[place].examines_nulls:
        return ""
    missing = sum(day.row_count - day.counts[place] for day in days)
    if said.missing_count != missing:
        return f"it passes over {said.missing_count} rows that are NULL, the warehouse counts {missing} ({says})"
    return ""


def _judge_day(run: SuiteRun, day: date, told: Told) -> Verdict:
    suite, examined = run.suite, run.examined.get(day, Examined())
    if run.problem:
        return _not_run(suite, day, run.problem, True)
    if not examined.row_count:
        is_needed = day in run.needed_dates
        must = ", and must have" if is_needed else ""
        return _not_run(suite, day, f"{suite.name} has no rows that day{must}", is_needed)
    faults = _faults(run, day)
    problems = list(dict.fromkeys(one for one in run.problems if one))
    # An error is told. Anything less must not hide that the rest could not be examined.
    if problems and not any(one.expectation.severity == "error" for one in faults):
        return _not_run(suite, day, f"Great Expectations could not examine {suite.name}: {problems[0]}", True)
    if faults:
        return _failed(run, day, faults, problems, told)
    if not any(examined.counts):
        return _not_run(suite, day, f"every value of {suite.name} is NULL", False)
    return Verdict(day, suite.rule, suite.name, "passed", examined_count=examined.row_count)


def _not_run(suite: Suite, day: date, reason: str, is_blocking: bool) -> Verdict:
    return Verdict(day, suite.rule, suite.name, "not_run", reason=reason, is_blocking=is_blocking)


def _faults(run: SuiteRun, day: date) -> list[_Fault]:
    """The expectations that are not met on a day and were examined, the worst first."""
    examined, examples, problems = run.examined[day], run.examples.get(day, Examples()), run.problems
    faults = [
        _Fault(place, one, count, examined.counts[place], examples.rows.get(place, ()))
        for place, one in enumerate(run.suite.expectations)
        if (count := examined.unexpected[place]) and not problems[place]
    ]
    return sorted(faults, key=lambda one: SEVERITIES.index(one.expectation.severity))


def _failed(run: SuiteRun, day: date, faults: Sequence[_Fault], problems: Sequence[str], told: Told) -> Verdict:
    suite, row_count = run.suite, run.examined[day].row_count
    # At least as many rows are wrong as one expectation finds.
    wrong = max(run.examples.get(day, Examples()).row_count, *(one.unexpected_count for one in faults), 0)
    named = "; ".join(f"{one.expectation.says} ({one.unexpected_count} not)" for one in faults[:_NAMED])
    more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return Verdict(
        game_date=day,
        rule=suite.rule,
        subject=suite.name,
        outcome="failed",
        severity=faults[0].expectation.severity,
        summary=f"{wrong} of {row_count} rows of {suite.name} are not as expected: {named}{more}.",
        observed=wrong,
        expected=0,
        detail={
            "expectation_count": len(suite.expectations),
            "failed_expectations": [_fault_detail(suite, one) for one in faults],
            "data_docs": told.page,
            **({"could_not_examine": problems} if problems else {}),
        },
        remedy=told.rule.remedy(suite.name, day),
        examined_count=row_count,
        query=told.query(day, sorted(one.place for one in faults)),
    )


def _fault_detail(suite: Suite, fault: _Fault) -> dict[str, Any]:
    one = fault.expectation
    shown = dict.fromkeys([*suite.keys, *one.columns, one.judged_column])
    return {
        "expectation": one.says,
        "severity": one.severity,
        "unexpected_count": fault.unexpected_count,
        "examined_count": fault.examined_count,
        "examples": [{name: _plain(row[name]) for name in shown if name != "game_date"} for row in fault.examples],
    }


def _plain(value: Any) -> Any:
    """A cell as JSON can hold it: it knows no NaN and no infinity."""
    is_plain = isinstance(value, str | int | None) or (isinstance(value, float) and isfinite(value))
    return value if is_plain else str(value)
