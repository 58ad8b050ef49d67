"""The results of suites as verdicts, one per suite and date, and the port to Great Expectations. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import Any, Protocol

from trueup.expectations.suites import Expectation, Suite
from trueup.results.finding import SEVERITIES
from trueup.results.reference import Rule
from trueup.results.verdict import Verdict
from trueup.window import Window

# The folder of Great Expectations' pages, beside the report.
DATA_DOCS = "data_docs"
_NAMED = 3
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Validation:
    """Great Expectations' result for one expectation, for all days together.

    ``unexpected_count``: rows that are not as expected; ``missing_count``: skipped NULLs, None if not reported.
    ``problem``: why the expectation could not be validated, or "".
    """

    is_met: bool
    unexpected_count: int = 0
    missing_count: int | None = None
    problem: str = ""


class Validator(Protocol):
    """One run of Great Expectations."""

    def validate(
        self, suite: Suite, query: str, row_count: int, parameters: Mapping[str, Any], wrong_places: Collection[int]
    ) -> tuple[Validation, ...]:
        """Validate the ``row_count`` rows of a query; one Validation per expectation of the suite, in order.

        ``wrong_places``: places of the expectations for which the warehouse found wrong rows.
        """

    def build_docs(self) -> Mapping[str, str]:
        """Write Data Docs. Returns the page of each suite, and the index under "", relative to the report's folder."""

    def publish_docs(self) -> None:
        """Replace the last run's Data Docs by these."""


@dataclass(frozen=True)
class Examined:
    """The warehouse's counts for one date: rows, and per expectation the examined and the unexpected rows."""

    row_count: int = 0
    counts: tuple[int, ...] = ()
    unexpected: tuple[int, ...] = ()


@dataclass(frozen=True)
class Examples:
    """Unexpected rows of a date, by the place of the expectation. ``row_count``: rows that violate at least one."""

    row_count: int = 0
    rows: Mapping[int, tuple[Row, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class SuiteRun:
    """One run of a suite. ``needed_dates``: those that must have rows; ``problem``: why it could not run, or ""."""

    suite: Suite
    examined: Mapping[date, Examined] = field(default_factory=dict)
    examples: Mapping[date, Examples] = field(default_factory=dict)
    validations: tuple[Validation, ...] = ()
    needed_dates: frozenset[date] = frozenset()
    problem: str = ""

    @property
    def wrong_places(self) -> tuple[int, ...]:
        """The places of the expectations for which the warehouse found wrong rows on any day."""
        places = range(len(self.suite.expectations))
        return tuple(place for place in places if any(one.unexpected[place] for one in self.examined.values()))

    @property
    def problems(self) -> tuple[str, ...]:
        """For each validated expectation, why it could not be examined, or ""."""
        return tuple(_problem(self, place, one) for place, one in enumerate(self.validations))

    @property
    def unexamined(self) -> tuple[str, ...]:
        """The expectations that examined nothing on any day, or could not be examined."""
        problems = self.problems or [self.problem or "no rows"] * len(self.suite.expectations)
        return tuple(
            one.says
            for place, one in enumerate(self.suite.expectations)
            if problems[place] or not any(day.counts[place] for day in self.examined.values())
        )

    @property
    def failed_count(self) -> int:
        """The number of expectations that are not met."""
        return sum(not one.is_met and not problem for one, problem in zip(self.validations, self.problems, strict=True))


@dataclass(frozen=True)
class VerdictContext:
    """What a verdict adds. ``page``: in Data Docs; ``query``: SQL for the rows of a date that violate some places."""

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


def judge_suite(run: SuiteRun, window: Window, context: VerdictContext) -> tuple[Verdict, ...]:
    """The verdict on a suite for each checked day."""
    return tuple(_judge_day(run, day, context) for day in window.dates)


def not_validated(suite: Suite, window: Window, reason: str) -> tuple[Verdict, ...]:
    """The verdicts on a suite that is left out: not_run for every day, not blocking."""
    return tuple(_not_run(suite, day, reason, False) for day in window.dates)


def _problem(run: SuiteRun, place: int, result: Validation) -> str:
    """Why an expectation was not examined: Great Expectations failed, or its counts differ from BigQuery's."""
    if result.problem:
        return result.problem
    says, days = run.suite.expectations[place].says, run.examined.values()
    unexpected = sum(day.unexpected[place] for day in days)
    if result.unexpected_count != unexpected or result.is_met != (unexpected == 0):
        return f"it finds {result.unexpected_count} rows that are not as expected, the warehouse {unexpected} ({says})"
    if result.missing_count is None or run.suite.expectations[place].examines_nulls:
        return ""
    missing = sum(day.row_count - day.counts[place] for day in days)
    if result.missing_count != missing:
        return f"it skips {result.missing_count} rows that are NULL, the warehouse {missing} ({says})"
    return ""


def _judge_day(run: SuiteRun, day: date, context: VerdictContext) -> Verdict:
    suite, examined = run.suite, run.examined.get(day, Examined())
    if run.problem:
        return _not_run(suite, day, run.problem, True)
    if not examined.row_count:
        is_needed = day in run.needed_dates
        required = ", but must have some" if is_needed else ""
        return _not_run(suite, day, f"{suite.name} has no rows that day{required}", is_needed)
    faults = _faults(run, day)
    problems = list(dict.fromkeys(one for one in run.problems if one))
    # Unexamined expectations block, unless another expectation found an error.
    if problems and not any(one.expectation.severity == "error" for one in faults):
        return _not_run(suite, day, f"Great Expectations could not examine {suite.name}: {problems[0]}", True)
    if faults:
        return _failed(run, day, faults, problems, context)
    if not any(examined.counts):
        return _not_run(suite, day, f"every value of {suite.name} is NULL", False)
    return Verdict(day, suite.rule, suite.name, "passed", examined_count=examined.row_count)


def _not_run(suite: Suite, day: date, reason: str, is_blocking: bool) -> Verdict:
    return Verdict(day, suite.rule, suite.name, "not_run", reason=reason, is_blocking=is_blocking)


def _faults(run: SuiteRun, day: date) -> list[_Fault]:
    """The expectations that were examined and are not met on a day, worst first."""
    examined, examples, problems = run.examined[day], run.examples.get(day, Examples()), run.problems
    faults = [
        _Fault(place, one, count, examined.counts[place], examples.rows.get(place, ()))
        for place, one in enumerate(run.suite.expectations)
        if (count := examined.unexpected[place]) and not problems[place]
    ]
    return sorted(faults, key=lambda one: SEVERITIES.index(one.expectation.severity))


def _failed(
    run: SuiteRun, day: date, faults: Sequence[_Fault], problems: Sequence[str], context: VerdictContext
) -> Verdict:
    suite, row_count = run.suite, run.examined[day].row_count
    # A row can violate several expectations: each count is only a lower bound.
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
            "data_docs": context.page,
            **({"could_not_examine": problems} if problems else {}),
        },
        remedy=context.rule.remedy(suite.name, day),
        examined_count=row_count,
        query=context.query(day, sorted(one.place for one in faults)),
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
    """A cell as a JSON value; NaN and infinity become text."""
    is_plain = isinstance(value, str | int | None) or (isinstance(value, float) and isfinite(value))
    return value if is_plain else str(value)
