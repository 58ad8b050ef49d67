"""The judge: compares the document of one date with the rows. Pure functions."""

from collections.abc import Iterator
from datetime import date

from trueup.completion.document import Document, Unreadable, read_document
from trueup.completion.store import Snapshot
from trueup.judge.case import (
    DOCUMENT_FAMILIES,
    NO_DOCUMENT,
    NO_GAMES,
    NO_TABLE,
    NOT_DUE,
    UNREADABLE,
    Case,
    JudgeSettings,
)
from trueup.judge.evidence import DayEvidence, ProcessorEvidence
from trueup.judge.locks import LOCKED
from trueup.judge.reports import count_agrees, reports
from trueup.judge.trigger import judge_trigger
from trueup.plural import counted
from trueup.results.reference import Reference
from trueup.results.verdict import Verdict

# SCHED002 on documents is judged here; on rows and runs it is judged in SQL.
_UNSCHEDULED = "SCHED002"


def judge(
    day: DayEvidence, snapshot: Snapshot | None, reference: Reference, settings: JudgeSettings
) -> tuple[Verdict, ...]:
    """Judge one date: for every rule on its document at least one verdict, at most one per subject."""
    case = Case(day, reference, settings)
    document = read_document(snapshot, reference.roster) if snapshot is not None else None
    verdicts = [*_presence(case, document), *_games(case, document), _unscheduled(case, document)]
    if isinstance(document, Document):
        verdicts += [count_agrees(case, document), *reports(case, document), *judge_trigger(case, document)]
    else:
        reason = UNREADABLE if document else NO_DOCUMENT
        if document is None and case.is_free_day:
            reason = NO_GAMES
        judged = {verdict.rule for verdict in verdicts}
        left = [rule for rule in document_rules(reference) if rule not in judged]
        # Blocking, because a waiver of DONE007 or DONE008 must not hide that these rules were not run.
        verdicts += [case.not_run(rule, reason, is_blocking=case.is_due_with_games) for rule in left]
    return tuple(verdicts)


def not_judged(game_date: date, reference: Reference, reason: str) -> tuple[Verdict, ...]:
    """Verdicts of a date whose document could not be fetched: every rule is not_run and blocking."""
    return tuple(
        Verdict(game_date, rule, game_date.isoformat(), "not_run", reason=reason, is_blocking=True)
        for rule in judged_rules(reference)
    )


def judged_rules(reference: Reference) -> list[str]:
    """The rules that need a verdict on every date."""
    return [
        rule.code for rule in reference.rules.values() if rule.family in DOCUMENT_FAMILIES or rule.code == _UNSCHEDULED
    ]


def document_rules(reference: Reference) -> list[str]:
    """Those of them that judge a document."""
    return [rule for rule in judged_rules(reference) if rule != LOCKED]


def _presence(case: Case, document: Document | Unreadable | None) -> list[Verdict]:
    """DONE007 and DONE008: does the document exist, and can it be read."""
    game_day, key = case.day.game_day, case.document_id
    if isinstance(document, Unreadable):
        problems = document.problems
        unreadable = case.failed(
            "DONE008",
            key,
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
        return [case.not_run("DONE007", game_day.schedule_problem, is_blocking=True)]
    if game_day.final_game_count == 0:
        return [case.not_run("DONE007", NO_GAMES if case.is_free_day else "no final games yet")]
    if not case.settings.are_reports_due(case.day.game_date):
        return [case.not_run("DONE007", NOT_DUE)]
    missing = case.failed(
        "DONE007",
        key,
        f"The schedule has {counted(game_day.final_game_count, 'final game')}, but no completion document exists.",
        observed=0.0,
        expected=1.0,
        detail={"final_games": game_day.final_game_count},
    )
    return [missing]


def _games(case: Case, document: Document | Unreadable | None) -> Iterator[Verdict]:
    """DONE009: the processors' tables have all games of the schedule."""
    readable = document if isinstance(document, Document) else None
    for entry in case.roster(readable):
        name = entry.processor_name
        rows = case.day.processors.get(name)
        reason, is_blocking = _games_unknown(case, rows)
        if reason:
            yield case.not_run("DONE009", reason, name, is_blocking)
        elif rows is None or rows.games_found_count >= rows.games_expected_count:
            yield case.passed("DONE009", name)
        elif readable and readable.has_delivered(name) and rows.row_count == 0:
            yield case.not_run("DONE009", "no rows at all: see DONE003", name)
        else:
            games = counted(rows.games_expected_count, "scheduled game")
            yield case.failed(
                "DONE009",
                name,
                f"{rows.table_name} has {rows.games_found_count} of {games}.",
                observed=float(rows.games_found_count),
                expected=float(rows.games_expected_count),
                detail={"rows": rows.row_count},
            )


def _games_unknown(case: Case, rows: ProcessorEvidence | None) -> tuple[str, bool]:
    """The reason why DONE009 is not run ("" if it is run), and whether the reason is blocking."""
    # This comes first: on a free day, missing tables do not matter.
    if case.is_free_day:
        return NO_GAMES, False
    if rows is None or not rows.is_source_present:
        return NO_TABLE, True
    if not case.day.game_day.is_schedule_known:
        return case.day.game_day.schedule_problem, True
    if rows.games_expected_count == 0:
        return "no final games yet", False
    if not case.settings.are_reports_due(case.day.game_date):
        return NOT_DUE, False
    return "", False


def _unscheduled(case: Case, document: Document | Unreadable | None) -> Verdict:
    """SCHED002: reports on a day without any game in the schedule. Reports of 0 records do not count."""
    game_day = case.day.game_day
    if not isinstance(document, Document):
        if document is None and case.is_free_day and case.settings.are_reports_due(game_day.game_date):
            return case.passed(_UNSCHEDULED, case.document_id)  # a free day needs no document
        return case.not_run(_UNSCHEDULED, UNREADABLE if document else NO_DOCUMENT)
    if not game_day.is_covered:
        return case.not_run(_UNSCHEDULED, game_day.schedule_problem, is_blocking=True)
    reports = [one for one in document.reports.values() if one.is_delivered and one.record_count != 0]
    if game_day.listed_game_count or not reports:
        if not document.reports:
            return case.not_run(_UNSCHEDULED, "no processor has reported")
        return case.passed(_UNSCHEDULED, case.document_id, len(document.reports))
    names = sorted(one.processor_name for one in reports)
    return case.failed(
        _UNSCHEDULED,
        case.document_id,
        f"{counted(len(names), 'processor')} reported, but the schedule has no game on this date.",
        observed=float(len(names)),
        expected=0.0,
        detail={"reported": names},
    )
