"""Plans those changes to the document of one date that the rows prove. Pure functions.

The plan depends only on the current state. After a partial repair a new plan has the remaining changes; after a
complete repair it is empty.
"""

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
from trueup.plural import counted
from trueup.results.reference import Reference
from trueup.results.verdict import Verdict, timestamp_text

REPAIRED_RULES = ("DONE001", "DONE002", "TRIG001")
RECONCILED = "reconciled_by"
_OUTPUT_WAS_THERE = "reconciled: the output of phase 4 was there"


@dataclass(frozen=True)
class Edit:
    """The old and new value of one top-level field. ``old`` is None if the field is absent."""

    rule: str
    field: str
    old: Any
    new: Any
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class PlannedStart:
    """The start of phase 4, with the evidence that it is needed."""

    start: Start
    evidence: Mapping[str, Any]
    rule: str = "TRIG001"


@dataclass(frozen=True)
class Left:
    """A finding that is not repaired: the reason, and what to do instead."""

    rule: str
    subject: str
    summary: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Plan:
    """The repair of a document at ``update_time`` (None: no document). ``edits`` are one write; ``start`` follows."""

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


# The reason why a repair is refused, and what to do instead.
Refusal = tuple[str, str]


@dataclass
class _Draft:
    """An unfinished plan. ``snapshot`` includes the edits so far."""

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
    """Plan the repair of one date. Plans only what the evidence proves."""
    found = [one for one in judge(day, snapshot, reference, settings) if one.outcome == "failed"]
    rules = {one.rule for one in found}
    if snapshot is None or not rules.intersection(REPAIRED_RULES):
        return Plan(day.game_date, snapshot.update_time if snapshot else None, left=_left(found, {}))
    draft = _Draft(Case(day, reference, settings), snapshot)
    if unproved := _unproved(draft):
        refusals = {(one.rule, one.subject): unproved for one in found if one.rule in REPAIRED_RULES}
        return Plan(day.game_date, snapshot.update_time, left=_left(found, refusals))
    _register_reports(draft, actor)
    _set_count(draft, "DONE001" if "DONE001" in rules else "DONE002")
    start = _start_phase4(draft)
    repaired = {"DONE001", *(edit.rule for edit in draft.edits), *([start.rule] if start else [])}
    remaining = [
        one
        for one in [*found, *draft.failed("TRIG001")]
        if one.rule not in repaired or (one.rule, one.subject) in draft.refusals
    ]
    return Plan(day.game_date, snapshot.update_time, tuple(draft.edits), start, _left(remaining, draft.refusals))


def edited(snapshot: Snapshot, edits: Sequence[Edit]) -> Snapshot:
    """The document after the edits."""
    return replace(snapshot, fields={**snapshot.fields, **{edit.field: edit.new for edit in edits}})


def _unproved(draft: _Draft) -> Refusal | None:
    """Why the date must not be repaired or started; None if it may be."""
    case = draft.case
    game_day = case.day.game_day
    if not game_day.is_schedule_known:
        return game_day.schedule_problem, f"Load nba_raw.nbac_schedule for {case.document_id}, then reconcile again"
    if game_day.scheduled_game_count == 0:
        return (
            "the schedule has no game that counts on this date",
            f"Check the schedule of {case.document_id}. If it is right, the document needs no repair",
        )
    unfinished = game_day.scheduled_game_count - game_day.final_game_count
    if unfinished:
        return (
            f"{unfinished} of {counted(game_day.scheduled_game_count, 'scheduled game')} not final",
            "Wait until all games are final, or load the schedule again, then reconcile again",
        )
    document = _read_again(draft)
    if case.mode(document) != DEFAULT_MODE:
        return (
            f"the document has the mode {document.mode}, and the reports of the night are not due yet",
            "Wait until the processors of the night have reported, then reconcile again",
        )
    short = [entry.table_name for entry in case.delivered(document) if not _is_proved(case, entry.processor_name)]
    if short:
        return (
            f"{', '.join(short)} is reported, but rows are missing",
            f"Rerun {', '.join(short)} for {case.document_id}, then reconcile again",
        )
    return None


def _register_reports(draft: _Draft, actor: str) -> None:
    """DONE002: add reports for complete tables."""
    for verdict in draft.failed("DONE002"):
        rows = draft.case.day.processors[verdict.subject]
        if rows.is_backfill is not False:
            how = "a backfill wrote the rows" if rows.is_backfill else "a backfill may have written the rows"
            draft.refuse(
                verdict,
                f"{how}, and a report would say that the nightly run did",
                f"Rerun {verdict.subject} for {draft.case.document_id}, so that it reports",
            )
            continue
        written = {} if rows.last_written_at is None else {"completed_at": rows.last_written_at}
        report = {"status": "success", "record_count": rows.grain_count, **written, RECONCILED: actor}
        draft.set("DONE002", verdict.subject, report, _rows_evidence(rows))


def _set_count(draft: _Draft, rule: str) -> None:
    """DONE001: set the count, including the added reports."""
    for verdict in draft.failed("DONE001"):
        draft.set(rule, "_completed_count", int(verdict.expected or 0), verdict.detail)


def _start_phase4(draft: _Draft) -> PlannedStart | None:
    """TRIG001: if phase 4 has written, mark the document; else start phase 4."""
    for verdict in draft.failed("TRIG001"):
        phase4 = draft.case.day.phase4
        if not phase4.is_source_present:
            draft.refuse(
                verdict,
                "player_daily_cache is missing, so it is unknown whether phase 4 has run",
                "Make nba_precompute.player_daily_cache readable for trueup, then reconcile again",
            )
        elif draft.case.has_phase4_output(_read_again(draft)):
            evidence = {"phase4_rows": phase4.row_count, "first_written_at": timestamp_text(phase4.first_written_at)}
            # The start time is unknown, so _triggered_at stays as it is.
            draft.set("TRIG001", "_triggered", True, evidence)
            draft.set("TRIG001", "_trigger_reason", _OUTPUT_WAS_THERE, evidence)
        else:
            return _proved_start(draft)
    return None


def _read_again(draft: _Draft) -> Document:
    """The document after the edits so far. Only readable documents are repaired."""
    document = read_document(draft.snapshot, draft.case.reference.roster)
    assert isinstance(document, Document), "edits keep a document readable"
    return document


def _proved_start(draft: _Draft) -> PlannedStart:
    case, document = draft.case, _read_again(draft)
    delivered = case.delivered(document)
    completed_at, _ = completion(case, document)
    names = tuple(sorted(entry.processor_name for entry in delivered))
    missing = tuple(sorted(entry.table_name for entry in case.roster(document) if entry not in delivered))
    rows = {name: case.day.processors[name] for name in names}
    return PlannedStart(
        Start(delivered=names, missing_tables=missing, mode=case.mode(document)),
        evidence={
            "completed_at": timestamp_text(completed_at),
            "phase4_rows": 0,
            "rows": {name: one.row_count for name, one in rows.items()},
            # Shown because phase 4 would count these duplicate rows.
            "excess_rows": {name: count for name, one in rows.items() if (count := one.row_count - one.grain_count)},
        },
    )


def _is_proved(case: Case, processor_name: str) -> bool:
    rows = case.day.processors.get(processor_name)
    return rows is not None and rows.is_source_present and rows.is_complete


def _rows_evidence(rows: ProcessorEvidence) -> dict[str, Any]:
    return {
        "table": rows.table_name,
        "rows": rows.row_count,
        "grains": rows.grain_count,
        "games_found": rows.games_found_count,
        "games_expected": rows.games_expected_count,
        "last_written_at": timestamp_text(rows.last_written_at),
        "is_backfill": rows.is_backfill,
    }


def _left(verdicts: Sequence[Verdict], refusals: Mapping[tuple[str, str], Refusal]) -> tuple[Left, ...]:
    """The failed verdicts that the plan does not repair, each once."""
    left = {}
    for one in verdicts:
        reason, remedy = refusals.get((one.rule, one.subject), ("no safe automatic repair", one.remedy))
        left[(one.rule, one.subject)] = Left(one.rule, one.subject, one.summary, reason, remedy)
    return tuple(left.values())
