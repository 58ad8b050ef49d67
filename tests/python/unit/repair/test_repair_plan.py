"""What is repaired, what is not, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpers.cases import (
    AS_OF,
    DAY,
    DEFENSE,
    FIVE,
    KEY,
    NO_ROWS,
    OFFENSE,
    PLAYERS,
    REFERENCE,
    SILENT,
    TRIGGERED,
    UNCOVERED,
    WRITTEN,
    document,
    evidence,
    untriggered,
)
from trueup.completion.rule import CompletionRule
from trueup.completion.start import start_message
from trueup.completion.store import Snapshot
from trueup.judge.case import JudgeSettings
from trueup.judge.evidence import DayEvidence
from trueup.repair.documents.plan import Plan, plan_repair
from trueup.repair.documents.steps import planned_steps, refused_steps

ACTOR = "ann@laptop"


def plan(snapshot: Snapshot | None, day: DayEvidence | None = None, as_of: datetime = AS_OF, **settings: Any) -> Plan:
    return plan_repair(day or evidence(), snapshot, REFERENCE, JudgeSettings(as_of=as_of, **settings), ACTOR)


def changes(one: Plan) -> dict[str, Any]:
    return {edit.field: edit.new for edit in one.edits}


def test_a_night_that_went_well_wants_nothing() -> None:
    assert plan(document()) == Plan(DAY, TRIGGERED)


def test_a_wrong_count_is_set_to_the_reports_that_delivered() -> None:
    for wrong in (3, 7, None):
        done = plan(document(_completed_count=wrong))
        assert changes(done) == {"_completed_count": 5}
        assert [(edit.rule, edit.old) for edit in done.edits] == [("DONE001", wrong)]
        assert done.start is None
        assert done.left == ()


def test_a_lost_report_is_registered_with_the_row_count_and_marked_as_reconciled() -> None:
    done = plan(document(remove=(OFFENSE,), _completed_count=4))
    assert changes(done) == {
        OFFENSE: {"status": "success", "record_count": 56, "completed_at": WRITTEN, "reconciled_by": ACTOR},
        "_completed_count": 5,
    }
    assert {edit.rule for edit in done.edits} == {"DONE002"}
    assert done.edits[0].evidence["games_found"] == 2


@pytest.mark.parametrize(
    ("rows", "reason"), [({"is_backfill": True}, "a backfill wrote"), ({"is_backfill": None}, "a backfill may have")]
)
def test_rows_that_a_backfill_wrote_or_may_have_written_are_not_registered(rows: dict[str, Any], reason: str) -> None:
    done = plan(document(remove=(OFFENSE,), _completed_count=4), evidence(**{OFFENSE: rows}))
    assert done.is_empty
    (left,) = done.left
    assert (left.rule, left.subject) == ("DONE002", OFFENSE)
    assert reason in left.reason
    assert [step.state for step in refused_steps(done)] == ["refused"]


def test_rows_that_are_not_all_there_are_not_registered() -> None:
    done = plan(document(remove=(OFFENSE,), _completed_count=4), evidence(**{OFFENSE: {"games_found_count": 1}}))
    assert done.is_empty


def test_a_complete_night_that_no_run_started_is_started() -> None:
    done = plan(untriggered(), evidence(phase4=SILENT))
    assert done.edits == ()
    assert done.start is not None
    assert set(done.start.start.delivered) == set(FIVE)
    assert done.start.start.missing_tables == ()
    assert done.left == ()


def test_within_the_grace_time_it_is_left_to_the_orchestrator() -> None:
    assert plan(untriggered(), evidence(phase4=SILENT), TRIGGERED + timedelta(minutes=10)).is_empty


def test_where_phase_4_has_written_the_document_is_only_marked() -> None:
    done = plan(untriggered())
    assert done.start is None
    assert changes(done) == {"_triggered": True, "_trigger_reason": "reconciled: the output of phase 4 was there"}


def test_where_phase_4s_output_is_unknown_nothing_is_started() -> None:
    done = plan(untriggered(), evidence(phase4={**SILENT, "is_source_present": False}))
    assert done.is_empty
    assert "player_daily_cache is missing" in done.left[0].reason


@pytest.mark.parametrize("rows", [{"row_count": 0, "grain_count": 0}, {"games_found_count": 1}])
def test_reports_whose_rows_are_not_all_there_start_nothing(rows: dict[str, Any]) -> None:
    done = plan(untriggered(), evidence(phase4=SILENT, **{PLAYERS: rows}))
    assert done.is_empty
    reasons = {left.rule: left.reason for left in done.left}
    assert f"{PLAYERS} is reported, but rows are missing" in reasons["TRIG001"]


def test_an_unknown_schedule_starts_nothing() -> None:
    done = plan(untriggered(), evidence(phase4=SILENT, game_day=UNCOVERED))
    assert done.is_empty


def test_a_lost_report_the_count_and_the_start_are_one_plan() -> None:
    done = plan(untriggered(remove=(OFFENSE,), _completed_count=3), evidence(phase4=SILENT))
    assert list(changes(done)) == [OFFENSE, "_completed_count"]
    assert done.start is not None
    assert [step.action for step in planned_steps(done, "started")] == ["set field", "set field", "start phase 4"]


def test_the_graceful_rule_starts_without_the_optional_tables_and_says_which() -> None:
    done = plan(
        untriggered(remove=(OFFENSE,), _completed_count=4),
        evidence(phase4=SILENT, **{OFFENSE: NO_ROWS}),
        completion_rule=CompletionRule("graceful"),
    )
    assert done.start is not None
    assert set(done.start.start.delivered) == set(FIVE) - {OFFENSE}
    assert done.start.start.missing_tables == (OFFENSE,)


@pytest.mark.parametrize(
    "snapshot",
    [None, document(_completed_count="many"), document(**{PLAYERS: {"status": "failed"}}, _completed_count=4)],
)
def test_what_has_no_repair_is_left_with_its_remedy(snapshot: Snapshot | None) -> None:
    done = plan(snapshot)
    assert done.is_empty
    assert done.left
    assert all(left.remedy and left.reason for left in done.left)


def test_the_message_has_the_fields_of_the_platforms_own_orchestrator() -> None:
    changed = {"is_incremental": True, "entities_changed": {"players": ["b", "a"], "teams": ["BOS"]}}
    before = untriggered(**{name: changed for name in FIVE})
    before.fields[PLAYERS].update(correlation_id="night-1", entities_changed={"players": ["c", 5], "teams": "junk"})
    done = plan(before, evidence(phase4=SILENT))
    assert done.start is not None
    message = start_message(done.start.start, before, ACTOR, AS_OF)
    assert message == {
        "game_date": KEY,
        "correlation_id": "night-1",
        "trigger_source": "reconciliation",
        "triggered_by": ACTOR,
        "upstream_processors_count": 5,
        "timestamp": AS_OF.isoformat(),
        "mode": "overnight",
        "trigger_reason": "reconciled_all_complete",
        "entities_changed": {"players": ["a", "b", "c"], "teams": ["BOS"]},
        "is_incremental": True,
        "data_freshness_verified": True,
        "missing_tables": [],
    }
    full = replace(before, fields={**before.fields, OFFENSE: {"status": "success"}})
    assert start_message(done.start.start, full, ACTOR, AS_OF)["is_incremental"] is False


# Found 2026-11-26: a document of the run before the games was complete, the games were final, and phase 4 was started
# on empty summaries at 22:24.
def test_nothing_is_started_on_the_evening_for_a_document_of_another_mode() -> None:
    evening = datetime(2026, 2, 4, 4, 30, tzinfo=UTC)
    noon: Any = {"completed_at": datetime(2026, 2, 3, 16, 30, tzinfo=UTC)}
    before_the_games = {name: noon for name in FIVE[3:]}
    snapshot = untriggered((PLAYERS, OFFENSE, DEFENSE), _mode="same_day", _completed_count=2, **before_the_games)
    found = plan(snapshot, evidence(phase4=SILENT), as_of=evening)
    assert found.is_empty
    assert "not due yet" in found.left[0].reason


def test_output_from_before_the_games_does_not_prove_that_phase_4_ran() -> None:
    noon = datetime(2026, 2, 3, 16, 30, tzinfo=UTC)
    early = {"first_written_at": noon, "last_written_at": noon}
    found = plan(untriggered(), evidence(phase4=early))
    assert found.start is not None
    assert not found.edits
