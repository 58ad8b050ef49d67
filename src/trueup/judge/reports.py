"""DONE001 to DONE006: what processors reported, against the document's count and the rows."""

from __future__ import annotations

from typing import Any

from trueup.completion.document import Document
from trueup.judge.case import NO_GAMES, NOT_DUE, Case
from trueup.judge.evidence import ProcessorEvidence
from trueup.results.verdict import Verdict, moment_text


def count_agrees(case: Case, document: Document) -> Verdict:
    """DONE001: the stored count is that of the processors that delivered. Strangers never count."""
    known = case.reference.roster.processors
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


def reports(case: Case, document: Document) -> list[Verdict]:
    """DONE002 to DONE006: each processor's report against its rows."""
    expected = {entry.processor_name for entry in case.roster(document)}
    known = case.reference.roster.processors
    verdicts: list[Verdict] = []
    for name in sorted(expected | set(document.reports)):
        if name not in known:
            verdicts.append(_unknown_processor(case, document, name))
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


def _unknown_processor(case: Case, document: Document, name: str) -> Verdict:
    return case.failed(
        "DONE006",
        name,
        "warn",
        f"{name} has reported {document.reports[name].status!r}; no mode expects it.",
        detail={"expected": sorted(case.reference.roster.processors)},
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
