"""DONE001 to DONE006: compares the processors' reports with the document's count and the rows."""

from typing import Any

from trueup.completion.document import Document, ProcessorReport
from trueup.judge.case import NO_GAMES, NO_TABLE, NOT_DUE, Case
from trueup.judge.evidence import ProcessorEvidence
from trueup.plural import counted
from trueup.results.verdict import Verdict, timestamp_text


def count_agrees(case: Case, document: Document) -> Verdict:
    """DONE001: the stored count equals the number of delivered processors. Unknown processors do not count."""
    delivered = list(document.delivered(case.reference.roster))
    stored = document.completed_count
    facts: dict[str, Any] = {
        "observed": None if stored is None else float(stored),
        "expected": float(len(delivered)),
        "detail": {"delivered": delivered, "mode": case.mode(document)},
    }
    if stored is None and not delivered:
        return case.not_run("DONE001", "no processor has delivered, and the document has no count")
    if stored == len(delivered):
        return case.passed("DONE001", case.document_id, max(1, len(delivered)), **facts)
    counts = "has no count" if stored is None else f"counts {counted(stored, 'completed processor')}"
    return case.failed(
        "DONE001",
        case.document_id,
        f"The document {counts}, but {counted(len(delivered), 'processor')} delivered.",
        **facts,
    )


def reports(case: Case, document: Document) -> list[Verdict]:
    """DONE002 to DONE006: compare each processor's report with its rows."""
    expected = {entry.processor_name for entry in case.roster(document)}
    known = case.reference.roster.processors
    verdicts: list[Verdict] = []
    for name in sorted(expected | set(document.reports)):
        if name not in known:
            verdicts.append(_unknown(case, document, name))
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
            else case.not_run("DONE006", "no processor has reported")
        )
    judged = {verdict.rule for verdict in verdicts}
    verdicts += [
        case.not_run(rule, "no processor of the roster has delivered")
        for rule in ("DONE002", "DONE003", "DONE004", "DONE005")
        if rule not in judged
    ]
    return verdicts


def _unknown(case: Case, document: Document, name: str) -> Verdict:
    return case.failed(
        "DONE006",
        name,
        f"{name} reported {document.reports[name].status!r}, but no mode expects it.",
        "warn",
        detail={"expected": sorted(case.reference.roster.processors)},
    )


def _unreported(case: Case, document: Document, name: str, rows: ProcessorEvidence | None) -> Verdict:
    """DONE002: rows without a report."""
    if document.has_delivered(name):
        return case.passed("DONE002", name)
    if name in document.reports:
        return case.not_run("DONE002", "the processor reported a failure: see DONE005", name)
    if case.is_free_day:
        return case.not_run("DONE002", NO_GAMES, name)
    if rows is None or not rows.is_source_present:
        return case.not_run("DONE002", NO_TABLE, name, is_blocking=True)
    if not case.settings.are_reports_due(case.day.game_date):
        return case.not_run("DONE002", NOT_DUE, name)
    if not case.day.game_day.is_schedule_known:
        # Without a schedule the expected number of games is 0, and any row would look complete.
        return case.not_run("DONE002", case.day.game_day.schedule_problem, name, is_blocking=True)
    if not rows.is_complete:
        return case.not_run("DONE002", "no report, and rows are missing: see DONE009", name)
    how = "a backfill wrote the rows" if rows.is_backfill else "its report is lost"
    return case.failed(
        "DONE002",
        name,
        f"{rows.table_name} is complete ({counted(rows.row_count, 'row')}, {counted(rows.games_found_count, 'game')}), "
        f"but {name} has not reported: {how}.",
        "info" if rows.is_backfill else "error",
        observed=0.0,
        expected=float(rows.grain_count),
        detail={"rows": rows.row_count, "is_backfill": rows.is_backfill},
    )


def _reported(case: Case, document: Document, name: str, rows: ProcessorEvidence | None) -> list[Verdict]:
    """DONE003, DONE004 and DONE005: a report without rows, with a different number of rows, or of a failure."""
    report = document.reports[name]
    if not report.is_delivered:
        failure = case.failed(
            "DONE005",
            name,
            f"{name} reported the status {report.status!r}.",
            detail={"status": report.status, "completed_at": timestamp_text(report.completed_at)},
        )
        return [failure]
    fine = _no_later_failure(case, name, report)
    if rows is None or not rows.is_source_present:
        return [
            fine,
            case.not_run("DONE003", NO_TABLE, name, is_blocking=True),
            case.not_run("DONE004", NO_TABLE, name, is_blocking=True),
        ]
    if rows.row_count == 0:
        no_rows = _no_rows(case, name, rows, report.record_count)
        return [fine, no_rows, case.not_run("DONE004", "no rows to compare with", name)]
    there = case.passed("DONE003", name, rows.row_count)
    if report.record_count is None:
        return [fine, there, case.not_run("DONE004", "the report has no record_count", name)]
    if report.is_incremental:
        return [fine, there, case.not_run("DONE004", "the report counts only changes", name)]
    facts: dict[str, Any] = {"observed": float(report.record_count), "expected": float(rows.grain_count)}
    if report.record_count == rows.grain_count:
        return [fine, there, case.passed("DONE004", name, **facts)]
    differs = case.failed(
        "DONE004",
        name,
        f"{name} reported {counted(report.record_count, 'record')}, "
        f"but {rows.table_name} has {counted(rows.grain_count, 'distinct row')}.",
        "warn",
        detail={"rows": rows.row_count},
        **facts,
    )
    return [fine, there, differs]


def _no_later_failure(case: Case, name: str, report: ProcessorReport) -> Verdict:
    """DONE005 of a processor that has delivered: it has reported no failure since."""
    failure = report.later_failure
    if failure is None:
        return case.passed("DONE005", name)
    return case.failed(
        "DONE005",
        name,
        f"{name} has delivered, and then reported the status {failure.status!r}.",
        detail={"status": failure.status, "completed_at": timestamp_text(failure.completed_at)},
    )


def _no_rows(case: Case, name: str, rows: ProcessorEvidence, record_count: int | None) -> Verdict:
    if rows.games_expected_count == 0 and (case.day.game_day.is_schedule_known or record_count == 0):
        return case.not_run("DONE003", NO_GAMES if case.is_free_day else "no games to write", name)
    return case.failed(
        "DONE003",
        name,
        f"{name} reported success, but {rows.table_name} has no rows for the date.",
        observed=0.0,
        expected=None if record_count is None else float(record_count),
        detail={"games_expected": rows.games_expected_count},
    )
