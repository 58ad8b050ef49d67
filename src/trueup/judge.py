"""The judge: what the documents say against what the rows say. Pure functions, one date at a time."""

from __future__ import annotations

from datetime import date
from typing import Any

from trueup.case import NO_DOCUMENT, NO_GAMES, NOT_DUE, Case, JudgeSettings
from trueup.completions import Snapshot
from trueup.documents import Document, Unreadable, read_document
from trueup.evidence import DayEvidence, ProcessorEvidence
from trueup.judge_trigger import judge_trigger
from trueup.reference import Reference
from trueup.verdicts import Verdict, moment_text

# The families of rules on documents.
FAMILIES = frozenset({"completion", "trigger"})
# Of the rules on the schedule, what the documents say is judged here; what rows and runs say, in SQL.
_UNSCHEDULED = "SCHED002"


def judge(
    day: DayEvidence, snapshot: Snapshot | None, reference: Reference, settings: JudgeSettings
) -> tuple[Verdict, ...]:
    """Every rule on documents for one date: at least one verdict each, at most one per subject."""
    case = Case(day, reference, settings)
    document = read_document(snapshot, reference) if snapshot is not None else None
    verdicts = [*_presence(case, document), *_games(case, document), _unscheduled(case, document)]
    if isinstance(document, Document):
        verdicts += [_count_agrees(case, document), *_reports(case, document)]
        verdicts += judge_trigger(case, document)
    else:
        reason = "the document cannot be read" if document else NO_DOCUMENT
        if document is None and case.is_free_day:
            reason = NO_GAMES
        told = {verdict.rule for verdict in verdicts}
        # A waiver of what explains it leaves the rest unseen.
        left = [rule for rule in judged_rules(reference) if rule not in told]
        verdicts += [case.not_run(rule, reason, is_blocking=case.is_due_with_games) for rule in left]
    return tuple(verdicts)


def not_judged(game_date: date, reference: Reference, reason: str) -> tuple[Verdict, ...]:
    """Verdicts of a date whose document could not be fetched: nothing was run, and that is told."""
    return tuple(
        Verdict(game_date, rule, game_date.isoformat(), "not_run", reason=reason, is_blocking=True)
        for rule in judged_rules(reference)
    )


def judged_rules(reference: Reference) -> list[str]:
    """The rules of which every date owes a verdict."""
    return [rule.code for rule in reference.rules.values() if rule.family in FAMILIES or rule.code == _UNSCHEDULED]


def _presence(case: Case, document: Document | Unreadable | None) -> list[Verdict]:
    """DONE007 and DONE008: is there a document, and can it be read."""
    game_day, key = case.day.game_day, case.document_id
    if isinstance(document, Unreadable):
        problems = document.problems
        unreadable = case.failed(
            "DONE008",
            key,
            "error",
            f"The document cannot be read: {'; '.join(problems[:3])}"
            + (f"; and {len(problems) - 3} more." if len(problems) > 3 else "."),
            observed=float(len(problems)),
            expected=0.0,
            detail={"problems": list(problems)},
        )
        return [case.passed("DONE007", key), unreadable]
    if document is not None:
        return [case.passed("DONE007", key), case.passed("DONE008", key)]
    if not game_day.is_schedule_known:
        missing = case.not_run("DONE007", game_day.schedule_problem, is_blocking=True)
    elif game_day.final_game_count == 0:
        missing = case.not_run("DONE007", NO_GAMES if case.is_free_day else "no final games yet")
    elif not case.settings.are_reports_due(case.day.game_date):
        missing = case.not_run("DONE007", NOT_DUE)
    else:
        missing = case.failed(
            "DONE007",
            key,
            "error",
            f"{game_day.final_game_count} games were played and there is no completion document.",
            observed=0.0,
            expected=1.0,
            detail={"final_games": game_day.final_game_count},
        )
    return [missing]


def _games(case: Case, document: Document | Unreadable | None) -> list[Verdict]:
    """DONE009: the games of the schedule are in the processors' tables."""
    readable = document if isinstance(document, Document) else None
    verdicts = []
    for entry in case.roster(readable):
        name = entry.processor_name
        rows = case.day.processors.get(name)
        reason, is_blocking = _games_unknown(case, rows)
        if reason:
            verdicts.append(case.not_run("DONE009", reason, name, is_blocking))
        elif rows is None or rows.games_found_count >= rows.games_expected_count:
            verdicts.append(case.passed("DONE009", name))
        elif readable and readable.has_delivered(name) and rows.row_count == 0:
            verdicts.append(case.not_run("DONE009", "no rows at all: see DONE003", name))
        else:
            verdicts.append(
                case.failed(
                    "DONE009",
                    name,
                    "error",
                    f"{rows.table_name} has {rows.games_found_count} of the "
                    f"{rows.games_expected_count} games of the schedule.",
                    observed=float(rows.games_found_count),
                    expected=float(rows.games_expected_count),
                    detail={"rows": rows.row_count},
                )
            )
    return verdicts


def _games_unknown(case: Case, rows: ProcessorEvidence | None) -> tuple[str, bool]:
    """Why DONE009 cannot be examined ("" when it can), and whether that blocks."""
    # First of all: on a free day there is nothing to examine, whichever tables are there.
    if case.is_free_day:
        return NO_GAMES, False
    if rows is None or not rows.is_source_present:
        return "the table is not there", True
    if not case.day.game_day.is_schedule_known:
        return case.day.game_day.schedule_problem, True
    if rows.games_expected_count == 0:
        return "no final games yet", False
    if not case.settings.are_reports_due(case.day.game_date):
        return NOT_DUE, False
    return "", False


def _unscheduled(case: Case, document: Document | Unreadable | None) -> Verdict:
    """SCHED002: reports on a day that has no game at all in the schedule. One that brought nothing is no evidence."""
    game_day = case.day.game_day
    if not isinstance(document, Document):
        if document is None and case.is_free_day and case.settings.are_reports_due(game_day.game_date):
            return case.passed(_UNSCHEDULED, case.document_id)  # that there is none is what was looked for
        return case.not_run(_UNSCHEDULED, "the document cannot be read" if document else NO_DOCUMENT)
    if not game_day.is_covered:
        return case.not_run(_UNSCHEDULED, game_day.schedule_problem, is_blocking=True)
    reports = [one for one in document.reports.values() if one.is_delivered and one.record_count != 0]
    if game_day.listed_game_count or not reports:
        if not document.reports:
            return case.not_run(_UNSCHEDULED, "nobody has reported")
        return case.passed(_UNSCHEDULED, case.document_id, len(document.reports))
    names = sorted(one.processor_name for one in reports)
    return case.failed(
        _UNSCHEDULED,
        case.document_id,
        "error",
        f"{len(names)} processors have reported, and the schedule has no game on this date.",
        observed=float(len(names)),
        expected=0.0,
        detail={"reported": names},
    )


def _count_agrees(case: Case, document: Document) -> Verdict:
    """DONE001: the stored count is that of the processors that delivered. Strangers never count."""
    known = case.reference.processors
    delivered = sorted(name for name in document.reports if name in known and document.has_delivered(name))
    stored = document.completed_count
    facts: dict[str, Any] = {
        "observed": None if stored is None else float(stored),
        "expected": float(len(delivered)),
        "detail": {"delivered": delivered, "mode": case.mode(document)},
    }
    if stored is None and not delivered:
        return case.not_run("DONE001", "nobody has delivered, and nothing is counted")
    if stored == len(delivered):
        return case.passed("DONE001", case.document_id, max(1, len(delivered)), **facts)
    counts = "does not count completed processors" if stored is None else f"counts {stored} completed processors"
    return case.failed(
        "DONE001",
        case.document_id,
        "error",
        f"The document {counts}; {len(delivered)} have delivered.",
        **facts,
    )


def _reports(case: Case, document: Document) -> list[Verdict]:
    """DONE002 to DONE006: each processor's report against its rows."""
    expected = {entry.processor_name for entry in case.roster(document)}
    known = case.reference.processors
    verdicts: list[Verdict] = []
    for name in sorted(expected | set(document.reports)):
        if name not in known:
            verdicts.append(_stranger(case, document, name))
            continue
        rows = case.day.processors.get(name)
        if name in expected:
            verdicts.append(_unreported(case, document, name, rows))
        if name in document.reports:
            verdicts += _reported(case, document, name, rows)
    if not any(verdict.rule == "DONE006" for verdict in verdicts):
        verdicts.append(
            case.passed("DONE006", case.document_id, len(document.reports))
            if document.reports
            else case.not_run("DONE006", "nobody has reported")
        )
    told = {verdict.rule for verdict in verdicts}
    verdicts += [
        case.not_run(rule, "no processor of the roster has delivered")
        for rule in ("DONE002", "DONE003", "DONE004", "DONE005")
        if rule not in told
    ]
    return verdicts


def _stranger(case: Case, document: Document, name: str) -> Verdict:
    return case.failed(
        "DONE006",
        name,
        "warn",
        f"{name} has reported {document.reports[name].status!r}; no mode expects it.",
        detail={"expected": sorted(case.reference.processors)},
    )


def _unreported(case: Case, document: Document, name: str, rows: ProcessorEvidence | None) -> Verdict:
    """DONE002: rows without a report."""
    if document.has_delivered(name):
        return case.passed("DONE002", name)
    if name in document.reports:
        return case.not_run("DONE002", "it reported a failure: see DONE005", name)
    if case.is_free_day:
        return case.not_run("DONE002", NO_GAMES, name)
    if rows is None or not rows.is_source_present:
        return case.not_run("DONE002", "the table is not there", name, is_blocking=True)
    if not case.settings.are_reports_due(case.day.game_date):
        return case.not_run("DONE002", NOT_DUE, name)
    if not case.day.game_day.is_schedule_known:
        # Without a schedule no coverage is full: an unknown day expects 0 games, and any row would do.
        return case.not_run("DONE002", case.day.game_day.schedule_problem, name, is_blocking=True)
    if not rows.is_complete:
        return case.not_run("DONE002", "neither a report nor all rows: see DONE009", name)
    how = "a backfill wrote them" if rows.is_backfill else "its report is lost"
    return case.failed(
        "DONE002",
        name,
        "info" if rows.is_backfill else "error",
        f"{rows.table_name} has {rows.row_count} rows for all {rows.games_found_count} games, "
        f"but {name} has not reported: {how}.",
        observed=0.0,
        expected=float(rows.grain_count),
        detail={"rows": rows.row_count, "is_backfill": rows.is_backfill},
    )


def _reported(case: Case, document: Document, name: str, rows: ProcessorEvidence | None) -> list[Verdict]:
    """DONE003, DONE004 and DONE005: a report without rows, with other rows, or of a failure."""
    report = document.reports[name]
    if not report.is_delivered:
        failure = case.failed(
            "DONE005",
            name,
            "error",
            f"{name} reported the status {report.status!r}.",
            detail={"status": report.status, "completed_at": moment_text(report.completed_at)},
        )
        return [failure]
    fine = case.passed("DONE005", name)
    if rows is None or not rows.is_source_present:
        gone = "the table is not there"
        return [
            fine,
            case.not_run("DONE003", gone, name, is_blocking=True),
            case.not_run("DONE004", gone, name, is_blocking=True),
        ]
    if rows.row_count == 0:
        uncounted = case.not_run("DONE004", "no rows to compare with", name)
        return [fine, _no_rows(case, name, rows, report.record_count), uncounted]
    there = case.passed("DONE003", name, rows.row_count)
    if report.record_count is None:
        return [fine, there, case.not_run("DONE004", "the report has no record_count", name)]
    if report.is_incremental:
        return [fine, there, case.not_run("DONE004", "the report counts changes only", name)]
    facts: dict[str, Any] = {"observed": float(report.record_count), "expected": float(rows.grain_count)}
    if report.record_count == rows.grain_count:
        return [fine, there, case.passed("DONE004", name, **facts)]
    differs = case.failed(
        "DONE004",
        name,
        "warn",
        f"{name} reported {report.record_count} records; {rows.table_name} has {rows.grain_count} distinct ones.",
        detail={"rows": rows.row_count},
        **facts,
    )
    return [fine, there, differs]


def _no_rows(case: Case, name: str, rows: ProcessorEvidence, record_count: int | None) -> Verdict:
    if rows.games_expected_count == 0 and (case.day.game_day.is_schedule_known or record_count == 0):
        return case.not_run("DONE003", NO_GAMES if case.is_free_day else "no games to write", name)
    return case.failed(
        "DONE003",
        name,
        "error",
        f"{name} reported success, but {rows.table_name} has no rows for the date.",
        observed=0.0,
        expected=None if record_count is None else float(record_count),
        detail={"games_expected": rows.games_expected_count},
    )
