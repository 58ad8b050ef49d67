"""Judges the completion documents against the evidence in the warehouse. Changes neither."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from trueup.completion.lease import LEASES, lease_id
from trueup.completion.store import DOCUMENTS, CompletionStore, Snapshot
from trueup.errors import CannotCheckError, CompletionsError
from trueup.judge.case import DOCUMENT_FAMILIES, Case, JudgeSettings
from trueup.judge.documents import judge, judged_rules, not_judged
from trueup.judge.evidence import DayEvidence, GameDay, Phase4Evidence, ProcessorEvidence
from trueup.judge.locks import judge_locks
from trueup.plural import counted
from trueup.results.reference import Reference
from trueup.results.report import Report
from trueup.results.verdict import Verdict
from trueup.runs.answers import no_answers, read_judged, tried, unseen
from trueup.runs.notes import coverage_notes
from trueup.runs.variables import families_off, judge_settings
from trueup.runs.verdicts import COMPLETION_VERDICTS, write_verdicts
from trueup.runs.workplace import Tables, Workplace
from trueup.window import Window

NO_DOCUMENTS = (
    f"{DOCUMENTS} has no documents for these days: check that the documents are in this project "
    "(TRUEUP_FIRESTORE_PROJECT) and database."
)


def read_evidence(tables: Tables, window: Window, run_id: str) -> tuple[DayEvidence, ...]:
    """The evidence that the run built: see evidence_of."""
    return evidence_of(
        window,
        lambda model, columns: tables.rows_between(model, columns, window.first_date, window.last_date, run_id),
    )


def evidence_of(window: Window, read: Callable[[str, Sequence[str]], list[dict[str, Any]]]) -> tuple[DayEvidence, ...]:
    """The evidence of each day, in order of date. ``read``: the named columns of a model.

    Raises CannotCheckError unless each day has exactly one row: another run may have rebuilt the tables.
    """

    def rows_of(model: str, kind: type[Any]) -> list[dict[str, Any]]:
        return read(model, [field.name for field in fields(kind)])

    def read_days(model: str, kind: type[Any]) -> dict[date, Any]:
        rows = rows_of(model, kind)
        found = {row["game_date"]: kind(**row) for row in rows}
        if len(rows) != len(found) or found.keys() != set(window.dates):
            raise CannotCheckError(
                f"{model} has {counted(len(rows), 'row')} of this run for {counted(len(window.dates), 'day')}; "
                "it needs exactly one per day.",
                "Another run may be building the same tables. Run it again.",
            )
        return found

    processors: dict[date, dict[str, ProcessorEvidence]] = {day: {} for day in window.dates}
    for row in rows_of("completion_evidence", ProcessorEvidence):
        evidence = ProcessorEvidence(**row)
        processors[evidence.game_date][evidence.processor_name] = evidence
    phase4 = read_days("phase4_evidence", Phase4Evidence)
    days = read_days("game_days", GameDay)
    return tuple(
        DayEvidence(game_day=days[day], processors=processors[day], phase4=phase4[day]) for day in window.dates
    )


@dataclass(frozen=True)
class Judged:
    """The verdicts of all days and their inputs. ``unread`` is the reason why the documents could not be read, or "".
    ``is_off``: the rules on documents are switched off, so the documents were not read.
    """

    days: tuple[DayEvidence, ...]
    snapshots: Mapping[str, Snapshot]
    verdicts: tuple[Verdict, ...]
    unread: str = ""
    is_off: bool = False

    @property
    def is_without_documents(self) -> bool:
        """Whether no document was found although games were played. The configured project may be wrong."""
        played = any(day.game_day.final_game_count for day in self.days)
        return played and not self.snapshots and not self.unread and not self.is_off

    @property
    def problems(self) -> list[str]:
        """Why the documents could not be read, if so."""
        return [self.unread] if self.unread else []

    @property
    def notes(self) -> list[str]:
        """What a report says about the documents besides."""
        return [NO_DOCUMENTS] if self.is_without_documents else []


def reconcile(work: Workplace) -> Judged:
    """Judge the documents of all days and write the verdicts. See judge_days."""
    days = read_evidence(work.tables, work.settings.window, work.settings.run_id)
    if families_off(work.settings) >= DOCUMENT_FAMILIES:
        judged = Judged(days, {}, (), is_off=True)
    else:
        judged = judge_days(days, work.completions, work.reference, judge_settings(work.settings))
    write_verdicts(work, COMPLETION_VERDICTS, judged.verdicts)
    return judged


def judge_days(
    days: Sequence[DayEvidence],
    open_store: Callable[[str], AbstractContextManager[CompletionStore]],
    reference: Reference,
    settings: JudgeSettings,
) -> Judged:
    """Judge every day. If the store does not answer, no rule is run: missing data never counts as healthy."""
    days = tuple(days)
    try:
        with open_store(DOCUMENTS) as documents, open_store(LEASES) as leases:
            snapshots = documents.read([day.game_date.isoformat() for day in days])
            locks = leases.read([lease_id(name, day.game_date) for day in days for name in reference.roster.processors])
    except CompletionsError as error:
        unjudged = (one for day in days for one in not_judged(day.game_date, reference, error.text))
        return Judged(days, {}, tuple(unjudged), error.text)
    judged = [
        (
            *judge(day, snapshots.get(day.game_date.isoformat()), reference, settings),
            *judge_locks(Case(day, reference, settings), locks),
        )
        for day in days
    ]
    return Judged(days, snapshots, tuple(one for of_day in judged for one in of_day))


def judged_report(work: Workplace, judged: Judged, problems: Sequence[str] = ()) -> Report:
    """The report of ``trueup reconcile``: findings and outcomes of the rules on documents."""
    try:
        report = read_judged(work, judged_rules(work.reference))
    except CannotCheckError as error:  # a repair that was applied must be told all the same
        return replace(no_answers(work), problems=(*problems, error.text))
    problems = [*judged.problems, *report.problems, *problems]
    notes = judged.notes
    notes += tried(problems, lambda: coverage_notes(work), [])
    return replace(report, problems=(*problems, *unseen(work, report.outcomes)), notes=tuple(notes))
