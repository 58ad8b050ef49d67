"""Of any document and any evidence: the judge never fails, and a repair does what it says and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from helpers.cases import AS_OF, DAY, FIVE, KEY, NO_ROWS, REFERENCE, SILENT, TRIGGERED, evidence
from trueup.completion.document import Document, read_document
from trueup.completion.rule import CompletionRule
from trueup.completion.start import start_message
from trueup.completion.store import Snapshot
from trueup.judge.case import JudgeSettings
from trueup.judge.documents import document_rules, judge
from trueup.judge.evidence import DayEvidence, GameDay, Phase4Evidence, ProcessorEvidence
from trueup.repair.documents.plan import REPAIRED_RULES, Edit, Plan, edited, plan_repair

MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RULES = set(document_rules(REFERENCE))

FAULTS: list[dict[str, Any]] = [
    {"is_backfill": True}, {"is_backfill": None}, {"games_found_count": 1}, {"is_source_present": False},
    NO_ROWS,
]  # fmt: skip
moments = st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-5))))
near = st.integers(-5000, 200).map(lambda minutes: AS_OF + timedelta(minutes=minutes))
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4)
    | st.datetimes() | moments,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
names = st.sampled_from([*FIVE, "PlayerGameSummaryProcessor", "stranger", "Processor", ""]) | st.text(max_size=8)
reports = st.fixed_dictionaries(
    {"status": st.sampled_from(["success", "complete", "partial", "failed", "Success "])},
    optional={
        "completed_at": near,
        "timestamp": near,
        "record_count": st.integers(0, 100),
        "is_incremental": st.booleans(),
        "correlation_id": st.text(max_size=4),
        "entities_changed": st.fixed_dictionaries({"players": st.lists(st.text(max_size=3), max_size=3)}) | anything,
    },
)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "_completed_count": st.integers(0, 6),
        "_mode": st.sampled_from(["overnight", "same_day", "tomorrow"]),
        "_triggered": st.booleans(),
        "_triggered_at": near,
        "_last_update": near,
    },
)
junk_metadata = st.dictionaries(
    st.sampled_from(["_completed_count", "_mode", "_triggered", "_triggered_at", "_last_update", "_other"]), anything
)


def snapshot_of(*parts: dict[str, Any]) -> Snapshot:
    return Snapshot(KEY, {key: value for part in parts for key, value in part.items()}, TRIGGERED, TRIGGERED)


@st.composite
def nearly_complete(draw: st.DrawFn) -> Snapshot:
    """Most have delivered: where everything is random, a night is almost never complete."""
    missing = draw(st.sets(st.sampled_from(FIVE), max_size=2))
    delivered = {
        name: {**draw(reports), "status": "success", "completed_at": AS_OF - timedelta(hours=3)}
        for name in FIVE
        if name not in missing
    }
    untriggered = {key: value for key, value in draw(metadata).items() if key != "_mode"}
    if draw(st.booleans()):
        untriggered.pop("_triggered", None)
    return snapshot_of(delivered, untriggered)


readable = nearly_complete() | st.builds(snapshot_of, st.dictionaries(st.sampled_from(FIVE), reports), metadata)
arbitrary = readable | st.builds(
    snapshot_of, st.dictionaries(names, reports | anything, max_size=7), metadata, junk_metadata
)


@st.composite
def nights(draw: st.DrawFn) -> DayEvidence:
    """Evidence of any kind, sound and not; sound in a good part of the cases."""
    if draw(st.booleans()):
        faults = draw(st.dictionaries(st.sampled_from(FIVE), st.sampled_from(FAULTS), max_size=1))
        return evidence(phase4=draw(st.sampled_from([SILENT, SILENT, {}])), **faults)
    games = draw(st.integers(0, 3))
    maybe = st.none() | near

    def processor(name: str) -> ProcessorEvidence:
        rows = draw(st.sampled_from([0, 0, 20, 56]))
        written = draw(near) if rows else None
        return ProcessorEvidence(
            DAY, name, name, draw(st.sampled_from([True, True, True, False])), rows, min(rows, 50),
            draw(st.sampled_from([games, games, 0])), games, written, written,
            draw(st.sampled_from([False, False, True, None])),
        )  # fmt: skip

    phase4_rows = draw(st.sampled_from([0, 0, 40]))
    phase4_at = draw(maybe) if phase4_rows else None
    kept = draw(st.sets(st.sampled_from(FIVE), min_size=3)) if draw(st.booleans()) else set(FIVE)
    return DayEvidence(
        game_day(draw, games),
        {name: processor(name) for name in sorted(kept)},
        Phase4Evidence(DAY, draw(st.sampled_from([True, True, False])), phase4_rows, phase4_at, phase4_at),
    )


def game_day(draw: st.DrawFn, games: int) -> GameDay:
    problem = draw(st.sampled_from(["", "", "the schedule is stale"]))
    final = draw(st.sampled_from([games, games, 0, max(games - 1, 0)]))
    return GameDay(DAY, problem, True, games, games, final)


rules = st.sampled_from([CompletionRule("seed"), CompletionRule("graceful")])
judgings = st.builds(JudgeSettings, as_of=st.just(AS_OF), completion_rule=rules)


def planned(snapshot: Snapshot, day: DayEvidence, how: JudgeSettings) -> Plan:
    return plan_repair(day, snapshot, REFERENCE, how, "ann@laptop")


def carried_out(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """The document as the whole plan leaves it, phase 4 started now."""
    edits = list(plan.edits)
    if plan.start:
        edits += [Edit("TRIG001", "_triggered", None, True, {}), Edit("TRIG001", "_triggered_at", None, AS_OF, {})]
    return edited(snapshot, edits)


@MANY
@given(st.none() | arbitrary, nights(), judgings)
def test_no_document_and_no_evidence_fail_the_judge(
    snapshot: Snapshot | None, day: DayEvidence, how: JudgeSettings
) -> None:
    verdicts = judge(day, snapshot, REFERENCE, how)
    assert {one.rule for one in verdicts} == RULES
    assert len({(one.rule, one.subject) for one in verdicts}) == len(verdicts)


@MANY
@given(arbitrary, nights(), judgings)
def test_a_plan_changes_only_the_fields_it_names_and_never_untriggers(
    snapshot: Snapshot, day: DayEvidence, how: JudgeSettings
) -> None:
    plan = planned(snapshot, day, how)
    after = carried_out(snapshot, plan).fields
    allowed = {edit.field for edit in plan.edits} | ({"_triggered", "_triggered_at"} if plan.start else set())
    assert set(snapshot.fields) <= set(after)
    assert {key for key in after if key not in snapshot.fields or after[key] is not snapshot.fields[key]} <= allowed
    assert allowed <= {"_completed_count", "_triggered", "_triggered_at", "_trigger_reason"} | set(FIVE)
    if snapshot.fields.get("_triggered") is True:
        assert after["_triggered"] is True
    # An entry that is there belongs to its processor.
    assert not allowed & set(FIVE) & set(snapshot.fields)
    if not isinstance(read_document(snapshot, REFERENCE.roster), Document):
        assert plan.is_empty


@MANY
@given(readable, nights(), judgings)
def test_a_plan_silences_the_rules_it_repairs_and_a_second_one_is_empty(
    snapshot: Snapshot, day: DayEvidence, how: JudgeSettings
) -> None:
    plan = planned(snapshot, day, how)
    after = carried_out(snapshot, plan)
    failed = {(one.rule, one.subject) for one in judge(day, after, REFERENCE, how) if one.outcome == "failed"}
    left = {(one.rule, one.subject) for one in plan.left}
    assert {one for one in failed if one[0] in REPAIRED_RULES} <= left
    assert planned(after, day, how).is_empty


@MANY
@given(readable, nights(), judgings)
def test_a_start_is_planned_only_on_proof(snapshot: Snapshot, day: DayEvidence, how: JudgeSettings) -> None:
    plan = planned(snapshot, day, how)
    if plan.start is None:
        return
    assert snapshot.fields.get("_triggered") is not True
    assert day.phase4.is_source_present
    assert day.phase4.row_count == 0
    assert day.game_day.is_schedule_known
    assert all(day.processors[name].is_complete for name in plan.start.start.delivered)
    message = start_message(plan.start.start, carried_out(snapshot, replace(plan, start=None)), "ann", datetime.now())
    assert message["upstream_processors_count"] == len(plan.start.start.delivered)
    assert all(isinstance(one, str) for one in message["entities_changed"]["players"])


def test_the_cases_above_hold_every_kind_of_repair() -> None:
    how = JudgeSettings(as_of=AS_OF)

    def made(is_wanted: Callable[[Plan], bool]) -> bool:
        cases = st.tuples(readable, nights())
        # Any case will do, so the simplest is not looked for.
        budget = settings(max_examples=5000, phases=[Phase.generate])
        return bool(find(cases, lambda case: is_wanted(planned(case[0], case[1], how)), settings=budget))

    assert made(lambda plan: plan.start is not None and bool(plan.edits))
    assert made(lambda plan: any(edit.field == "_triggered" for edit in plan.edits))
    assert made(lambda plan: {edit.rule for edit in plan.edits} == {"DONE001", "DONE002"})
    assert made(lambda plan: any(left.rule == "TRIG001" for left in plan.left))
