"""Reconciliation: the completion documents judged against the evidence in the warehouse. Read-only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Protocol

from trueup.case import JudgeSettings
from trueup.completions import DOCUMENTS, CompletionStore, Snapshot
from trueup.errors import CompletionsError
from trueup.evidence import DayEvidence, GameDay, Phase4Evidence, ProcessorEvidence
from trueup.judge import judge, not_judged
from trueup.reference import Reference
from trueup.report import Finding, Outcome, Report
from trueup.settings import Window
from trueup.verdicts import Verdict

Row = Mapping[str, Any]
NO_DOCUMENTS = (
    f"Not one document of these days was found in {DOCUMENTS}: check that the documents are in this project "
    "(TRUEUP_FIRESTORE_PROJECT) and database."
)


class EvidenceSource(Protocol):
    """Where the evidence models are read from: the warehouse."""

    def rows_between(
        self, model: str, columns: Sequence[str], first_date: date, last_date: date
    ) -> list[dict[str, Any]]:
        """The named columns of a model on the given days."""


def read_evidence(source: EvidenceSource, window: Window) -> tuple[DayEvidence, ...]:
    """The evidence of each checked day, in order of date."""

    def read(model: str, kind: type[Any]) -> list[dict[str, Any]]:
        columns = [field.name for field in fields(kind)]
        return source.rows_between(model, columns, window.first_date, window.last_date)

    processors: dict[date, dict[str, ProcessorEvidence]] = {day: {} for day in window.dates}
    for row in read("completion_evidence", ProcessorEvidence):
        evidence = ProcessorEvidence(**row)
        processors[evidence.game_date][evidence.processor_name] = evidence
    phase4 = {row["game_date"]: Phase4Evidence(**row) for row in read("phase4_evidence", Phase4Evidence)}
    days = {row["game_date"]: GameDay(**row) for row in read("game_days", GameDay)}
    return tuple(
        DayEvidence(game_day=days[day], processors=processors[day], phase4=phase4[day]) for day in window.dates
    )


@dataclass(frozen=True)
class Judged:
    """The verdicts of all days, beside what they were made from. ``unread``: why the documents could not be
    read ("" when they could).
    """

    days: tuple[DayEvidence, ...]
    snapshots: Mapping[str, Snapshot]
    verdicts: tuple[Verdict, ...]
    unread: str = ""

    @property
    def is_without_documents(self) -> bool:
        """Whether games were played and not one document was found: then it may be the wrong place to look."""
        played = any(day.game_day.final_game_count for day in self.days)
        return played and not self.snapshots and not self.unread


def judge_days(
    days: Sequence[DayEvidence],
    open_store: Callable[[], AbstractContextManager[CompletionStore]],
    reference: Reference,
    settings: JudgeSettings,
) -> Judged:
    """Judge every day; the documents are read in one go.

    When the store does not answer, every rule of every day is not_run and says so: silence would look
    like agreement.
    """
    days = tuple(days)
    ids = [day.game_date.isoformat() for day in days]
    try:
        with open_store() as store:
            snapshots = store.read(ids)
    except CompletionsError as error:
        reason = f"{error.message} {error.hint}".strip()
        unjudged = [not_judged(day.game_date, reference, reason) for day in days]
        return Judged(days, {}, tuple(one for group in unjudged for one in group), reason)
    judged = [judge(day, snapshots.get(key), reference, settings) for day, key in zip(days, ids, strict=True)]
    return Judged(days, snapshots, tuple(one for group in judged for one in group))


def verdict_rows(verdicts: Sequence[Verdict], judged_at: datetime) -> list[dict[str, Any]]:
    """Verdicts as rows of ``completion_verdicts``, JSON-able."""
    return [
        {
            **asdict(verdict),
            "game_date": verdict.game_date.isoformat(),
            "detail": json.dumps(dict(verdict.detail), default=str, ensure_ascii=False),
            "judged_at": judged_at.isoformat(),
        }
        for verdict in verdicts
    ]


def verdict_report(judged: Judged, window: Window, target: str, problems: Sequence[str] = ()) -> Report:
    """The verdicts alone as a report: what ``trueup reconcile`` shows."""
    return Report(
        window,
        target,
        findings=tuple(
            Finding(
                rule=one.rule,
                severity=one.severity or "error",
                game_date=one.game_date,
                subject=one.subject,
                summary=one.summary,
                observed=one.observed,
                expected=one.expected,
                detail=dict(one.detail),
                remedy=one.remedy,
                query="",
                fingerprint=fingerprint(one.rule, one.subject, one.game_date),
            )
            for one in judged.verdicts
            if one.outcome == "failed"
        ),
        outcomes=tuple(
            Outcome(one.rule, one.game_date, one.outcome, one.examined_count, one.reason, one.is_blocking)
            for one in judged.verdicts
        ),
        problems=((judged.unread,) if judged.unread else ()) + tuple(problems),
        notes=(NO_DOCUMENTS,) if judged.is_without_documents else (),
    )


def fingerprint(rule: str, subject: str, game_date: date) -> str:
    """The stable name of a finding; the model ``findings`` computes the same."""
    return hashlib.sha256(f"{rule}|{subject}|{game_date.isoformat()}".encode()).hexdigest()
