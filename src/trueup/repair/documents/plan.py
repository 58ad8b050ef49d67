"""What to change in one date's document so that it says what the rows prove. Pure functions.

The plan is made from the state as it is, never from the event that led to it: planning again after any
part of it was applied plans the rest, and after all of it nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from trueup.completion.document import DEFAULT_MODE, Document, read_document
from trueup.completion.start import Start
from trueup.completion.store import Snapshot
from trueup.judge.case import Case, JudgeSettings
from trueup.judge.documents import judge
from trueup.judge.evidence import DayEvidence, ProcessorEvidence
from trueup.judge.trigger import completion
from trueup.results.reference import Reference
from trueup.results.verdict import Verdict, moment_text

REPAIRED_RULES = ("DONE001", "DONE002", "TRIG001")
RECONCILED = "reconciled_by"
_OUTPUT_WAS_THERE = "reconciled: the output of phase 4 was there"


@dataclass(frozen=True)
class Edit:
    """One top-level field of a document: what it holds and what it must hold. ``old`` is None where absent."""

    rule: str
    field: str
    old: Any
    new: Any
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class PlannedStart:
    """Phase 4 must be started, and what proves it."""

    start: Start
    evidence: Mapping[str, Any]
    rule: str = "TRIG001"


@dataclass(frozen=True)
class Left:
    """A finding that is not repaired here: why, and what to do instead."""

    rule: str
    subject: str
    summary: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Plan:
    """The repair of one date's document, as it was at ``update_time`` (None: there is no document).

    ``edits`` are one write; ``start`` comes after them.
    """

    game_date: date
    update_time: datetime | None
    edits: tuple[Edit, ...] = ()
    start: PlannedStart | None = None
    left: tuple[Left, ...] = ()

    @property
    def document_id(self) -> str:
        """The id of the date's document."""
        return self.game_date.isoformat()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.edits and self.start is None


# Why a repair is not proved, and what would prove it or make it needless.
Refusal = tuple[str, str]


@dataclass
class _Draft:
    """A plan in the making: the snapshot as it will be, and what makes it so."""

    case: Case
    snapshot: Snapshot
    edits: list[Edit] = field(default_factory=list)
    refusals: dict[tuple[str, str], Refusal] = field(default_factory=dict)

    def set(self, rule: str, name: str, value: Any, evidence: Mapping[str, Any]) -> None:
        self.edits.append(Edit(rule, name, self.snapshot.fields.get(name), value, evidence))
        self.snapshot = edited(self.snapshot, self.edits[-1:])

    def failed(self, rule: str) -> list[Verdict]:
        verdicts = judge(self.case.day, self.snapshot, self.case.reference, self.case.settings)
        return [one for one in verdicts if one.rule == rule and one.outcome == "failed"]

    def refuse(self, verdict: Verdict, reason: str, remedy: str) -> None:
        self.refusals[(verdict.rule, verdict.subject)] = (reason, remedy)


def plan_repair(
    day: DayEvidence, snapshot: Snapshot | None, reference: Reference, settings: JudgeSettings, actor: str
) -> Plan:
    """The repair of one date. Nothing is planned that the evidence does not prove."""
    found = [one for one in judge(day, snapshot, reference, settings) if one.outcome == "failed"]
    rules = {one.rule for one in found}
    if snapshot is None or not rules.intersection(REPAIRED_RULES):
        return Plan(day.game_date, snapshot.update_time if snapshot else None, left=_left(found, {}))
    draft = _Draft(Case(day, reference, settings), snapshot)
    if unproved := _unproved(draft):
        return Plan(day.game_date, snapshot.update_time, left=_left(found, dict.fromkeys(_repairable(found), unproved)))
    _register_reports(draft, actor)
    _set_count(draft, "DONE001" if "DONE001" in rules else "DONE002")
    start = _start_phase4(draft)
    mended = {"DONE001", *(edit.rule for edit in draft.edits), *([start.rule] if start else [])}
    remaining = [
        one
        for one in [*found, *draft.failed("TRIG001")]
        if one.rule not in mended or (one.rule, one.subject) in draft.refusals
    ]
    return Plan(day.game_date, snapshot.update_time, tuple(draft.edits), start, _left(remaining, draft.refusals))


def edited(snapshot: Snapshot, edits: Sequence[Edit]) -> Snapshot:
    """The document as the edits leave it."""
    return replace(snapshot, fields={**snapshot.fields, **{edit.field: edit.new for edit in edits}})


def _repairable(found: Sequence[Verdict]) -> list[tuple[str, str]]:
    return [(one.rule, one.subject) for one in found if one.rule in REPAIRED_RULES]


def _unproved(draft: _Draft) -> Refusal | None:
    """Why nothing of the date may be repaired or started, if so: a game of it is unfinished, unknown or not covered."""
    case = draft.case
    game_day = case.day.game_day
    if not game_day.is_schedule_known:
        return game_day.schedule_problem, f"Load nba_raw.nbac_schedule for {case.document_id}, then run it again"
    if game_day.scheduled_game_count == 0:
        return (
            "the schedule has no game that counts on this date",
            f"Look at the schedule of {case.document_id}; where it is right, the document needs no repair",
        )
    unfinished = game_day.scheduled_game_count - game_day.final_game_count
    if unfinished:
        return (
            f"{unfinished} of {game_day.scheduled_game_count} games of the date are not final",
            "Wait until they are, or load the schedule again, then run it again",
        )
    document = _read_again(draft)
    if case.mode(document) != DEFAULT_MODE:
        return (
            f"the document is of the mode {document.mode}, and the reports of the night are not due yet",
            "Wait until the processors of the night have reported, then run it again",
        )
    short = [entry.table_name for entry in case.delivered(document) if not _is_proved(case, entry.processor_name)]
    if short:
        return (
            f"{', '.join(short)} is reported, but its rows are not all there",
            f"Rerun {', '.join(short)} for {case.document_id}, then run it again",
        )
    return None


def _register_reports(draft: _Draft, actor: str) -> None:
    """DONE002: rows that are all there, and no report of them."""
    for verdict in draft.failed("DONE002"):
        rows = draft.case.day.processors[verdict.subject]
        if rows.is_backfill is not False:
            how = "a backfill wrote the rows" if rows.is_backfill else "no run tells whether a backfill wrote the rows"
            draft.refuse(
                verdict,
                f"{how}; a report would say that the nightly run did",
                f"Rerun {verdict.subject} for {draft.case.document_id}, so that it reports itself",
            )
            continue
        report = {
            "status": "success",
            "record_count": rows.grain_count,
            "completed_at": rows.last_written_at,
            RECONCILED: actor,
        }
        report = {key: value for key, value in report.items() if value is not None}
        draft.set("DONE002", verdict.subject, report, _rows_evidence(rows))


def _set_count(draft: _Draft, rule: str) -> None:
    """DONE001, as it is with the registered reports."""
    for verdict in draft.failed("DONE001"):
        draft.set(rule, "_completed_count", int(verdict.expected or 0), verdict.detail)


def _start_phase4(draft: _Draft) -> PlannedStart | None:
    """TRIG001: mark where phase 4 has written, start it where everything it reads is proved to be there."""
    for verdict in draft.failed("TRIG001"):
        phase4 = draft.case.day.phase4
        if not phase4.is_source_present:
            draft.refuse(
                verdict,
                "player_daily_cache is not there: nobody can tell whether phase 4 has run",
                "Make nba_precompute.player_daily_cache readable for trueup, then run it again",
            )
        elif draft.case.has_phase4_output(_read_again(draft)):
            evidence = {
                "phase4_rows": phase4.row_count,
                "first_written_at": moment_text(phase4.first_written_at),
            }
            # When it was started is known to nobody: _triggered_at stays as it is.
            draft.set("TRIG001", "_triggered", True, evidence)
            draft.set("TRIG001", "_trigger_reason", _OUTPUT_WAS_THERE, evidence)
        else:
            return _proved_start(draft)
    return None


def _read_again(draft: _Draft) -> Document:
    """The document as the plan leaves it so far. What is repaired was found in one that can be read."""
    document = read_document(draft.snapshot, draft.case.reference.roster)
    assert isinstance(document, Document), "a plan adds nothing that cannot be read"
    return document


def _proved_start(draft: _Draft) -> PlannedStart:
    case, document = draft.case, _read_again(draft)
    delivered = case.delivered(document)
    completed_at, _ = completion(case, document)
    names = tuple(sorted(entry.processor_name for entry in delivered))
    missing = tuple(sorted(entry.table_name for entry in case.roster(document) if entry not in delivered))
    return PlannedStart(
        Start(delivered=names, missing_tables=missing, mode=case.mode(document)),
        evidence={
            "completed_at": moment_text(completed_at),
            "phase4_rows": 0,
            "rows": {name: case.day.processors[name].row_count for name in names},
            # Phase 4 reads the tables as they are: who starts it should know that a player counts twice there.
            "excess_rows": {name: count for name in names if (count := _excess_rows(case.day.processors[name]))},
        },
    )


def _is_proved(case: Case, processor_name: str) -> bool:
    rows = case.day.processors.get(processor_name)
    return rows is not None and rows.is_source_present and rows.is_complete


def _excess_rows(rows: ProcessorEvidence) -> int:
    return rows.row_count - rows.grain_count


def _rows_evidence(rows: ProcessorEvidence) -> dict[str, Any]:
    return {
        "table": rows.table_name,
        "rows": rows.row_count,
        "grains": rows.grain_count,
        "games_found": rows.games_found_count,
        "games_expected": rows.games_expected_count,
        "last_written_at": moment_text(rows.last_written_at),
        "is_backfill": rows.is_backfill,
    }


def _left(verdicts: Sequence[Verdict], refusals: Mapping[tuple[str, str], Refusal]) -> tuple[Left, ...]:
    """Failed verdicts that the plan does not mend, each once."""
    left = {}
    for one in verdicts:
        reason, remedy = refusals.get((one.rule, one.subject), ("there is no safe automatic repair", one.remedy))
        left[(one.rule, one.subject)] = Left(one.rule, one.subject, one.summary, reason, remedy)
    return tuple(left.values())
