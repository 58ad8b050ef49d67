"""Reports, findings and outcomes for the tests of alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from helpers import report_cases
from trueup.reporting.alerts.change import find_change
from trueup.reporting.alerts.state import Sent
from trueup.results.finding import Finding
from trueup.results.outcome import Outcome, RuleOutcome
from trueup.results.report import Kind, Report
from trueup.window import Window

NIGHT = date(2026, 2, 3)
# 08:00 in New York.
MORNING = datetime(2026, 2, 4, 13, 0, tzinfo=UTC)


def listed(sent: Sent, one: Report, name: str) -> dict[str, list[Any]]:
    """A field (``subject``, ``rule``) of the findings in each list of a change that is not empty."""
    change = find_change(sent, one)
    assert change.is_news == bool(change.new or change.worse or change.resolved or change.is_daily)
    noted = {key: [one.finding for one in getattr(change, key)] for key in ("new", "worse", "ongoing")}
    gone = {key: [one.row for one in getattr(change, key)] for key in ("resolved", "not_looked_at")}
    return {key: [getattr(item, name) for item in items] for key, items in {**noted, **gone}.items() if items}


def finding(
    rule: str = "DUP001", subject: str = "player_game_summary", game_date: date = NIGHT, **changes: Any
) -> Finding:
    fields = {"summary": "72 excess rows.", "observed": 72.0, "remedy": "dbt run", **changes}
    return report_cases.finding(rule, subject, game_date, **fields)


def outcome(
    rule: str = "DUP001",
    said: Outcome = "passed",
    examined_count: int = 692,
    reason: str = "",
    is_blocking: bool = False,
    game_date: date = NIGHT,
) -> RuleOutcome:
    return RuleOutcome(rule, game_date, said, examined_count, reason, is_blocking)


def report(
    *findings: Finding,
    outcomes: Sequence[RuleOutcome] | None = None,
    as_of: datetime = MORNING,
    first_date: date = NIGHT - timedelta(days=6),
    last_date: date = NIGHT,
    target: str = "prod",
    problems: Sequence[str] = (),
    kind: Kind = "check",
    open_dates: Sequence[date] = (),
) -> Report:
    """A report. Without ``outcomes``, all rules ran, and those of its findings failed."""
    if outcomes is None:
        failed = {(one.rule, one.game_date) for one in findings}
        rules = sorted({"DUP001", "DONE001", "LATE001", *(rule for rule, _ in failed)})
        dates = sorted({NIGHT, *(day for _, day in failed)})
        outcomes = [
            outcome(rule, "failed" if (rule, day) in failed else "passed", game_date=day)
            for rule in rules
            for day in dates
        ]
    return Report(
        Window(first_date, last_date, as_of),
        target,
        findings=findings,
        outcomes=tuple(outcomes),
        problems=tuple(problems),
        kind=kind,
        open_dates=tuple(open_dates),
    )
