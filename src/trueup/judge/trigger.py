"""TRIG001 to TRIG004: was phase 4 started at the right time, and did it write."""

from datetime import datetime, timedelta
from typing import Any

from trueup.completion.document import Document
from trueup.completion.roster import RosterEntry
from trueup.judge.case import NO_GAMES, Case
from trueup.plural import duration
from trueup.results.verdict import Verdict, timestamp_text
from trueup.window import EASTERN

_RULES = ("TRIG001", "TRIG002", "TRIG003", "TRIG004")
_IN_FUTURE = "the document has a time in the future"


def judge_trigger(case: Case, document: Document) -> list[Verdict]:
    """TRIG001 to TRIG004 for a document that can be read."""
    if case.is_free_day:
        return [case.not_run(rule, NO_GAMES) for rule in _RULES]
    completed_at, is_complete = completion(case, document)
    return [
        _not_started(case, document, completed_at, is_complete),
        _started_late(case, document, completed_at, is_complete),
        _started_early(case, document),
        _wrote_nothing(case, document, completed_at),
    ]


def completion(case: Case, document: Document) -> tuple[datetime | None, bool]:
    """The time at which the completion rule was first satisfied (None: unknown), and whether it is satisfied."""
    roster, rule = case.roster(document), case.settings.completion_rule
    delivered = case.delivered(document)
    if not rule.is_satisfied(roster, delivered):
        return None, False
    return rule.satisfied_at(roster, {entry: _delivered_at(case, document, entry) for entry in delivered}), True


def _delivered_at(case: Case, document: Document, entry: RosterEntry) -> datetime | None:
    """The time in the report, else the table's first write, else the document's last update."""
    report = document.reports[entry.processor_name]
    rows = case.day.processors.get(entry.processor_name)
    return report.completed_at or (rows.first_written_at if rows else None) or document.last_update_at


def _is_next_day_over(case: Case) -> bool:
    """Whether the Eastern day after the games is over. If a time is unknown, the grace period ends then."""
    return case.settings.as_of.astimezone(EASTERN).date() > case.day.game_date + timedelta(days=1)


def _minutes(span: timedelta) -> float:
    return float(span // timedelta(minutes=1))


def _not_started(case: Case, document: Document, completed_at: datetime | None, is_complete: bool) -> Verdict:
    """TRIG001: the night is complete, but phase 4 was not started."""
    key, as_of = case.document_id, case.settings.as_of
    if document.is_triggered:
        return case.passed("TRIG001", key)
    if not is_complete:
        # Blocking, because reports are due, phase 4 has not run, and there may be no finding that explains it.
        is_stuck = case.is_due_with_games and not case.has_phase4_output(document)
        reason = "the night is not complete, and phase 4 wrote nothing" if is_stuck else "the night is not complete"
        return case.not_run("TRIG001", reason, is_blocking=is_stuck)
    if completed_at is not None and completed_at > as_of and case.is_due_with_games:
        return case.not_run("TRIG001", _IN_FUTURE, is_blocking=True)
    if completed_at is not None:
        is_over = as_of > completed_at + case.settings.trigger_grace
        waited: float | None = max(0.0, _minutes(as_of - completed_at))
    else:
        is_over, waited = _is_next_day_over(case), None
    if not is_over:
        return case.not_run("TRIG001", "within the grace period")
    since = "at an unknown time" if waited is None else f"{duration(int(waited))} ago"
    phase4 = case.day.phase4
    if not phase4.is_source_present:
        output = "its output table is missing"
    else:
        output = "its output exists anyway" if phase4.row_count else "it has written nothing"
    return case.failed(
        "TRIG001",
        key,
        f"The night was complete {since}, but phase 4 was not started; {output}.",
        observed=waited,
        expected=_minutes(case.settings.trigger_grace),
        detail={
            "completed_at": timestamp_text(completed_at),
            "phase4_rows": phase4.row_count if phase4.is_source_present else None,
        },
    )


def _started_late(case: Case, document: Document, completed_at: datetime | None, is_complete: bool) -> Verdict:
    """TRIG002: phase 4 was started late. A report after the trigger is a normal rerun."""
    key, settings = case.document_id, case.settings
    if not document.is_triggered:
        return case.not_run("TRIG002", "not triggered")
    if not is_complete:
        return case.not_run("TRIG002", "triggered before the night was complete: see TRIG003")
    if document.triggered_at is None or completed_at is None:
        return case.not_run("TRIG002", "the document has no start or completion time")
    delay = max(timedelta(0), document.triggered_at - completed_at)
    facts: dict[str, Any] = {"observed": _minutes(delay), "expected": _minutes(settings.trigger_warn)}
    if delay <= settings.trigger_warn:
        return case.passed("TRIG002", key, **facts)
    return case.failed(
        "TRIG002",
        key,
        f"Phase 4 was started {duration(int(_minutes(delay)))} after the night was complete.",
        "error" if delay > settings.trigger_error else "warn",
        detail={"completed_at": timestamp_text(completed_at), "triggered_at": timestamp_text(document.triggered_at)},
        **facts,
    )


def _started_early(case: Case, document: Document) -> Verdict:
    """TRIG003: phase 4 was started although a required processor has neither a report nor rows."""
    key = case.document_id
    if not document.is_triggered:
        return case.not_run("TRIG003", "not triggered")
    required = [entry.processor_name for entry in case.settings.completion_rule.required(case.roster(document))]
    missing, unseen = [], []
    for name in required:
        rows = case.day.processors.get(name)
        if document.has_delivered(name) or (rows is not None and rows.row_count > 0):
            continue
        if rows is None or not rows.is_source_present:
            unseen.append(name)
        else:
            missing.append(name)
    # A missing processor is a finding, even if tables of other processors are missing.
    if unseen and not missing:
        return case.not_run("TRIG003", f"the table of {', '.join(unseen)} is missing", is_blocking=True)
    if not missing:
        return case.passed("TRIG003", key, len(required))
    return case.failed(
        "TRIG003",
        key,
        f"Phase 4 was started although {', '.join(missing)} has neither a report nor rows.",
        observed=float(len(required) - len(missing) - len(unseen)),
        expected=float(len(required)),
        detail={"missing": missing, "unseen": unseen, "mode": case.mode(document)},
    )


def _wrote_nothing(case: Case, document: Document, completed_at: datetime | None) -> Verdict:
    """TRIG004: phase 4 was triggered but wrote nothing. Output from before the trigger counts."""
    key, phase4, settings = case.document_id, case.day.phase4, case.settings
    if not document.is_triggered:
        return case.not_run("TRIG004", "not triggered")
    if not phase4.is_source_present:
        return case.not_run("TRIG004", "player_daily_cache is missing", is_blocking=True)
    started_at = document.triggered_at or completed_at
    if started_at is not None and started_at > settings.as_of and case.is_due_with_games:
        return case.not_run("TRIG004", _IN_FUTURE, is_blocking=True)
    deadline = started_at + settings.phase4_within if started_at else None
    is_written = case.has_phase4_output(document) and (
        document.triggered_at is None
        or deadline is None
        or phase4.first_written_at is None
        or phase4.first_written_at <= deadline
    )
    if is_written:
        return case.passed("TRIG004", key, phase4.row_count)
    has_time = settings.as_of < deadline if deadline is not None else not _is_next_day_over(case)
    if has_time:
        return case.not_run("TRIG004", "phase 4 may still write in time")
    at = document.triggered_at
    since = "" if at is None else f" at {at.astimezone(EASTERN):%Y-%m-%d %H:%M} ET"
    late = "" if not case.has_phase4_output(document) else " in time"
    return case.failed(
        "TRIG004",
        key,
        f"The document says that phase 4 was started{since}, but phase 4 wrote nothing{late}.",
        observed=float(phase4.row_count),
        detail={
            "triggered_at": timestamp_text(document.triggered_at),
            "first_written_at": timestamp_text(phase4.first_written_at),
        },
    )
