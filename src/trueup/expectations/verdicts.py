"""What Great Expectations found, as verdicts: one per suite and date. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from trueup.expectations.queries import rows_query
from trueup.expectations.suites import Expectation, Suite
from trueup.reference import Rule
from trueup.report import SEVERITIES
from trueup.settings import Window
from trueup.verdicts import Verdict

_NAMED = 3
_EXAMPLES = 5
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Validation:
    """What Great Expectations said of one expectation. ``unexpected``: the rows, keys and values;
    ``problem``: why it could not say anything ("" when it could).
    """

    is_met: bool
    unexpected: tuple[Row, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Examined:
    """What there was to examine on one date: rows, and of each expectation those that are not NULL."""

    row_count: int = 0
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fault:
    """One expectation that is not met on one date."""

    expectation: Expectation
    rows: tuple[Row, ...]
    examined_count: int


def judge_suite(
    suite: Suite,
    validations: Sequence[Validation],
    examined: Mapping[date, Examined],
    window: Window,
    rule: Rule,
    dataset: str,
    page: str,
) -> tuple[Verdict, ...]:
    """Per checked day the verdict on a suite.

    ``validations`` are in the order of the suite's expectations; ``page`` is where Data Docs tell more.
    """
    return tuple(
        _judge_day(suite, validations, examined.get(day, Examined()), day, rule, dataset, page) for day in window.dates
    )


def not_validated(suite: Suite, window: Window, reason: str, is_blocking: bool) -> tuple[Verdict, ...]:
    """A suite that was not run, for every day."""
    return tuple(
        Verdict(day, suite.rule, suite.name, "not_run", reason=reason, is_blocking=is_blocking) for day in window.dates
    )


def unexamined(suite: Suite, validations: Sequence[Validation], examined: Mapping[date, Examined]) -> tuple[str, ...]:
    """The expectations that examined nothing on any day, or could not."""
    return tuple(
        one.says
        for index, (one, validation) in enumerate(zip(suite.expectations, validations, strict=True))
        if validation.problem or not any(day.counts[index] for day in examined.values())
    )


def _judge_day(
    suite: Suite, validations: Sequence[Validation], examined: Examined, day: date, rule: Rule, dataset: str, page: str
) -> Verdict:
    def not_run(reason: str, is_blocking: bool) -> Verdict:
        return Verdict(day, suite.rule, suite.name, "not_run", reason=reason, is_blocking=is_blocking)

    if not examined.row_count:
        return not_run(f"{suite.name} has no rows that day", False)
    faults = [
        Fault(one, _ordered(suite, rows), examined.counts[index])
        for index, (one, validation) in enumerate(zip(suite.expectations, validations, strict=True))
        if (rows := tuple(row for row in validation.unexpected if str(row.get("game_date"))[:10] == day.isoformat()))
    ]
    problems = list(dict.fromkeys(one.problem for one in validations if one.problem))
    if faults:
        verdict = _failed(suite, faults, examined, day, rule, page)
        detail = {**verdict.detail, **({"could_not_examine": problems} if problems else {})}
        return replace(verdict, detail=detail, query=rows_query(suite, dataset, day, _rows(faults)))
    if problems:
        return not_run(f"Great Expectations could not examine {suite.name}: {problems[0]}", True)
    if not any(examined.counts):
        return not_run(f"every value of {suite.name} is NULL", False)
    return Verdict(day, suite.rule, suite.name, "passed", examined_count=examined.row_count)


def _failed(suite: Suite, faults: Sequence[Fault], examined: Examined, day: date, rule: Rule, page: str) -> Verdict:
    faults = sorted(faults, key=lambda one: SEVERITIES.index(one.expectation.severity))
    rows = len({tuple(str(row.get(key)) for key in suite.keys) for row in _rows(faults)})
    told = "; ".join(f"{one.expectation.says} ({len(one.rows)} not)" for one in faults[:_NAMED])
    more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return Verdict(
        game_date=day,
        rule=suite.rule,
        subject=suite.name,
        outcome="failed",
        severity=faults[0].expectation.severity,
        summary=f"{rows} of {examined.row_count} rows of {suite.name} are not as expected: {told}{more}.",
        observed=rows,
        expected=0,
        detail={
            "expectation_count": len(suite.expectations),
            "failed_expectations": [
                {
                    "expectation": one.expectation.says,
                    "severity": one.expectation.severity,
                    "unexpected_count": len(one.rows),
                    "examined_count": one.examined_count,
                    "examples": [_example(row) for row in one.rows[:_EXAMPLES]],
                }
                for one in faults
            ],
            "data_docs": page,
        },
        remedy=rule.remedy(suite.name, day),
        examined_count=examined.row_count,
    )


def _ordered(suite: Suite, rows: Sequence[Row]) -> tuple[Row, ...]:
    """By their keys: the same rows give the same finding, in whatever order they came."""
    return tuple(sorted(rows, key=lambda row: [str(row.get(key)) for key in suite.keys]))


def _rows(faults: Sequence[Fault]) -> list[Row]:
    return [row for one in faults for row in one.rows]


def _example(row: Row) -> dict[str, Any]:
    return {
        key: value if isinstance(value, str | int | float | bool | None) else str(value)
        for key, value in row.items()
        if key != "game_date"
    }
