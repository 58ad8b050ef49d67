from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpers.cases import (
    AS_OF,
    DAY,
    DEFENSE,
    FIVE,
    FREE,
    KEY,
    NO_GAMES,
    NO_ROWS,
    OFFENSE,
    PLAYERS,
    REFERENCE,
    REPORTED,
    SILENT,
    TRIGGERED,
    UNCOVERED,
    UNPLAYED,
    UPCOMING,
    UPCOMING_TEAM,
    document,
    evidence,
    failures,
    judged,
    only,
    untriggered,
)
from trueup.completion.rule import CompletionRule
from trueup.judge.documents import document_rules, judged_rules, not_judged

RULES = document_rules(REFERENCE)
GRACEFUL = CompletionRule("graceful")
# Before the reports of the night are due.
EARLY = datetime(2026, 2, 4, 12, 30, tzinfo=UTC)


def test_a_good_night_has_no_failure_and_every_rule_was_examined() -> None:
    verdicts = judged(document())
    assert {verdict.outcome for verdict in verdicts} == {"passed"}
    assert {verdict.rule for verdict in verdicts} == set(RULES)
    assert all(verdict.examined_count > 0 for verdict in verdicts)


@pytest.mark.parametrize(
    ("snapshot", "day"),
    [
        (document(), evidence()),
        (None, evidence()),
        (document(_mode=7), evidence()),
        (untriggered(remove=FIVE), evidence()),
        (None, evidence(game_day=UNPLAYED)),
        (document(), evidence(game_day=UNCOVERED)),
    ],
)
def test_every_rule_says_something_whatever_is_there(snapshot: Any, day: Any) -> None:
    verdicts = judged(snapshot, day)
    assert {verdict.rule for verdict in verdicts} == set(RULES)
    for verdict in verdicts:
        assert (verdict.examined_count > 0) == (verdict.outcome != "not_run")
        assert bool(verdict.reason) == (verdict.outcome == "not_run")
        assert bool(verdict.severity) == (verdict.outcome == "failed")
        assert bool(verdict.remedy and verdict.summary) == (verdict.outcome == "failed")


def test_a_store_that_does_not_answer_leaves_every_rule_not_run_and_blocking() -> None:
    verdicts = not_judged(DAY, REFERENCE, "no answer")
    assert {verdict.rule for verdict in verdicts} == set(judged_rules(REFERENCE))
    assert all(verdict.outcome == "not_run" and verdict.is_blocking for verdict in verdicts)


# --- DONE001 ---


def test_the_night_that_counted_3_of_5_is_found() -> None:
    found = failures(document(_completed_count=3))
    assert set(found) == {("DONE001", KEY)}
    assert (found["DONE001", KEY].observed, found["DONE001", KEY].expected) == (3.0, 5.0)
    assert "3 completed processors" in found["DONE001", KEY].summary
    assert "5 processors delivered" in found["DONE001", KEY].summary


def test_a_missing_count_is_found() -> None:
    assert ("DONE001", KEY) in failures(document(remove=("_completed_count",)))


# The first scripts counted every key without an underscore, whatever its name and status.
def test_a_stranger_is_not_counted_as_completed() -> None:
    stranger = {"status": "success"}
    found = failures(document(other_thing=stranger))
    assert {key: one.severity for key, one in found.items()} == {("DONE006", "other_thing"): "warn"}
    assert ("DONE001", KEY) in failures(document(other_thing=stranger, _completed_count=6))


def test_a_failed_report_is_not_counted_as_completed() -> None:
    assert ("DONE001", KEY) not in failures(document(**{DEFENSE: {"status": "failed"}}, _completed_count=4))
    assert ("DONE001", KEY) in failures(document(**{DEFENSE: {"status": "failed"}}))


def test_a_class_style_name_counts_once_beside_the_plain_one() -> None:
    class_style = {"status": "complete", "completed_at": REPORTED}
    assert failures(document(PlayerGameSummaryProcessor=class_style)) == {}
    renamed = document(remove=(PLAYERS,), PlayerGameSummaryProcessor=class_style)
    assert failures(renamed) == {}


# The first scripts knew five processors, always.
def test_three_of_five_are_enough_in_same_day_mode() -> None:
    snapshot = document(remove=(OFFENSE, DEFENSE), _mode="same_day", _completed_count=3)
    assert failures(snapshot, as_of=EARLY) == {}


# A document that says same_day hid that the nightly run never happened.
@pytest.mark.parametrize("mode", ["same_day", "tomorrow"])
def test_once_the_reports_are_due_the_nightly_mode_is_judged_whatever_the_document_says(mode: str) -> None:
    snapshot = document(remove=(OFFENSE, DEFENSE), _mode=mode, _completed_count=3)
    assert set(failures(snapshot)) == {("DONE002", OFFENSE), ("DONE002", DEFENSE)}
    assert failures(snapshot, evidence(game_day=UNPLAYED)) == {}


@pytest.mark.parametrize("status", ["success", "complete", "completed", "partial", " SUCCESS "])
def test_statuses_of_delivery_count(status: str) -> None:
    assert failures(document(**{PLAYERS: {"status": status}})) == {}


# --- DONE002 ---


def test_rows_without_a_report_are_an_error() -> None:
    found = failures(untriggered((DEFENSE,), _completed_count=4))
    assert {key: one.severity for key, one in found.items()} == {("DONE002", DEFENSE): "error"}


def test_rows_of_a_backfill_without_a_report_are_information() -> None:
    found = failures(untriggered((DEFENSE,), _completed_count=4), evidence(**{DEFENSE: {"is_backfill": True}}))
    assert {key: one.severity for key, one in found.items()} == {("DONE002", DEFENSE): "info"}


def test_rows_of_some_games_are_no_lost_report() -> None:
    day = evidence(**{DEFENSE: {"games_found_count": 1}})
    assert set(failures(untriggered((DEFENSE,), _completed_count=4), day)) == {("DONE009", DEFENSE)}


def test_rows_before_the_reports_are_due_are_no_lost_report() -> None:
    early = REPORTED + timedelta(minutes=1)
    assert failures(untriggered((DEFENSE,), _completed_count=4), as_of=early) == {}


# --- DONE003, DONE004 ---


def test_a_report_without_rows_is_found_once() -> None:
    assert set(failures(document(), evidence(**{DEFENSE: NO_ROWS}))) == {("DONE003", DEFENSE)}


def test_a_report_without_rows_on_a_day_without_games_is_fine() -> None:
    assert failures(document(), evidence(game_day=UNPLAYED, **NO_GAMES)) == {}


def test_a_missing_table_is_not_run_and_blocking_not_a_report_without_rows() -> None:
    verdicts = judged(document(), evidence(**{DEFENSE: {**NO_ROWS, "is_source_present": False}}))
    assert all(verdict.outcome != "failed" for verdict in verdicts)
    for rule in ("DONE003", "DONE004", "DONE009"):
        assert only(verdicts, rule, DEFENSE).is_blocking


def test_another_record_count_warns_against_distinct_keys_not_rows() -> None:
    found = failures(document(), evidence(**{PLAYERS: {"grain_count": 50}}))
    assert {key: one.severity for key, one in found.items()} == {("DONE004", PLAYERS): "warn"}
    # 72 duplicate rows do not make the report wrong: they are DUP001's business.
    assert failures(document(), evidence(**{PLAYERS: {"row_count": 128}})) == {}


def test_an_incremental_report_or_one_without_a_count_is_not_compared() -> None:
    for report in ({"record_count": 3, "is_incremental": True}, {"record_count": None}):
        verdicts = judged(document(**{PLAYERS: report}))
        assert only(verdicts, "DONE004", PLAYERS).outcome == "not_run"


# --- DONE005 to DONE009 ---


@pytest.mark.parametrize("status", ["failed", "running", "", "error"])
def test_a_status_that_is_no_delivery_is_found(status: str) -> None:
    found = failures(document(**{DEFENSE: {"status": status}}, _completed_count=4))
    assert ("DONE005", DEFENSE) in found
    assert ("DONE002", DEFENSE) not in found


# The first scripts skipped a missing document in silence.
def test_games_without_a_document_are_found_when_reports_are_due() -> None:
    assert set(failures(None)) == {("DONE007", KEY)}
    assert failures(None, as_of=AS_OF - timedelta(hours=4)) == {}


def test_a_schedule_that_does_not_cover_the_day_blocks() -> None:
    verdicts = judged(None, evidence(game_day=UNCOVERED))
    assert only(verdicts, "DONE007").is_blocking
    assert only(verdicts, "DONE009", PLAYERS).is_blocking


def test_an_unreadable_document_is_found_and_nothing_else_is_said_of_it() -> None:
    found = failures(document(**{PLAYERS: {"status": 200}, OFFENSE: {"completed_at": "yesterday"}}))
    assert set(found) == {("DONE008", KEY)}
    assert len(found["DONE008", KEY].detail["problems"]) == 2


def test_the_rows_are_judged_even_where_the_document_cannot_be_read() -> None:
    found = failures(document(_mode=7), evidence(**{PLAYERS: {"games_found_count": 1}}))
    assert set(found) == {("DONE008", KEY), ("DONE009", PLAYERS)}


def test_a_table_that_lacks_a_game_is_found() -> None:
    found = failures(document(), evidence(**{PLAYERS: {"games_found_count": 1}}))
    assert (found["DONE009", PLAYERS].observed, found["DONE009", PLAYERS].expected) == (1.0, 2.0)


def test_a_table_of_another_mode_may_lack_games() -> None:
    snapshot = document(remove=(OFFENSE, DEFENSE, PLAYERS), _mode="tomorrow", _completed_count=2)
    assert failures(snapshot, evidence(**{PLAYERS: NO_ROWS}), as_of=EARLY) == {}


# --- SCHED002 ---


def test_reports_on_a_day_that_the_schedule_does_not_have_are_found() -> None:
    found = failures(document(), evidence(game_day=FREE))
    assert found["SCHED002", KEY].observed == 5.0


def test_reports_that_brought_nothing_and_games_that_do_not_count_are_no_contradiction() -> None:
    nothing: Any = {name: {"record_count": 0} for name in FIVE}
    assert failures(document(**nothing), evidence(game_day=FREE, **NO_GAMES)) == {}
    assert failures(document(), evidence(game_day={**FREE, "listed_game_count": 3}, **NO_GAMES)) == {}


# --- TRIG001 ---


def test_complete_and_never_triggered_is_found_after_the_grace_time() -> None:
    found = failures(untriggered())
    assert set(found) == {("TRIG001", KEY)}
    assert found["TRIG001", KEY].observed == (AS_OF - REPORTED) // timedelta(minutes=1)
    assert failures(untriggered(), as_of=REPORTED + timedelta(minutes=30)) == {}
    assert set(failures(untriggered(), as_of=REPORTED + timedelta(minutes=31))) == {("TRIG001", KEY)}


def test_the_graceful_rule_wants_the_critical_ones_and_60_percent() -> None:
    three = untriggered((OFFENSE, DEFENSE), _completed_count=3)
    assert ("TRIG001", KEY) in failures(three, completion_rule=GRACEFUL)
    assert ("TRIG001", KEY) not in failures(three)
    without_critical = untriggered((PLAYERS,), _completed_count=4)
    assert ("TRIG001", KEY) not in failures(without_critical, completion_rule=GRACEFUL)
    two = untriggered((OFFENSE, DEFENSE, UPCOMING_TEAM), _completed_count=2)
    assert ("TRIG001", KEY) not in failures(two, completion_rule=GRACEFUL)


def test_the_graceful_rule_counts_from_the_report_that_satisfied_it() -> None:
    late = REPORTED + timedelta(minutes=60)
    snapshot = document(**{OFFENSE: {"completed_at": late}, DEFENSE: {"completed_at": late}})
    assert failures(snapshot, completion_rule=GRACEFUL) == {}


def test_reports_without_a_time_count_from_the_rows() -> None:
    reports = {name: {"completed_at": None} for name in FIVE}
    assert ("TRIG001", KEY) in failures(untriggered(**reports))


# --- TRIG002 ---


@pytest.mark.parametrize(("minutes", "severity"), [(10, None), (11, "warn"), (30, "warn"), (31, "error"), (-5, None)])
def test_a_late_trigger_warns_after_10_and_errs_after_30_minutes(minutes: int, severity: str | None) -> None:
    at = REPORTED + timedelta(minutes=minutes)
    phase4 = {"first_written_at": at + timedelta(minutes=5)}
    found = failures(document(_triggered_at=at), evidence(phase4=phase4))
    assert {key: one.severity for key, one in found.items()} == ({("TRIG002", KEY): severity} if severity else {})


def test_the_delay_is_reported_also_when_it_is_fine() -> None:
    assert only(judged(document()), "TRIG002").observed == 2.0


# A document can be a snapshot from trigger time: a rerun reports again, hours later.
def test_a_report_after_the_trigger_is_a_rerun() -> None:
    assert failures(document(**{PLAYERS: {"completed_at": TRIGGERED + timedelta(hours=5)}})) == {}


# --- TRIG003, TRIG004 ---


def test_triggered_without_report_and_rows_is_found_and_with_rows_not() -> None:
    snapshot = document(remove=(DEFENSE,), _completed_count=4)
    assert ("TRIG003", KEY) in failures(snapshot, evidence(**{DEFENSE: NO_ROWS}))
    assert ("TRIG003", KEY) not in failures(snapshot)


def test_the_graceful_rule_requires_only_the_critical_ones() -> None:
    for name, is_found in ((DEFENSE, False), (UPCOMING, True)):
        snapshot, day = document(remove=(name,), _completed_count=4), evidence(**{name: NO_ROWS})
        assert (("TRIG003", KEY) in failures(snapshot, day, completion_rule=GRACEFUL)) == is_found


# The first scripts' --fix wrote `_triggered: True` and started nothing: the monitor was green, and phase 4 never ran.
def test_triggered_and_no_output_is_found_after_30_minutes() -> None:
    day = evidence(phase4=SILENT)
    assert set(failures(document(), day)) == {("TRIG004", KEY)}
    assert failures(document(), day, as_of=TRIGGERED + timedelta(minutes=29)) == {}


def test_output_that_came_after_30_minutes_is_found() -> None:
    late = {"first_written_at": TRIGGERED + timedelta(minutes=31)}
    assert set(failures(document(), evidence(phase4=late))) == {("TRIG004", KEY)}


def test_output_from_before_the_trigger_is_output() -> None:
    early = {"first_written_at": TRIGGERED - timedelta(hours=1)}
    assert failures(document(), evidence(phase4=early)) == {}


def test_a_missing_cache_table_blocks() -> None:
    verdicts = judged(document(), evidence(phase4={"is_source_present": False, "row_count": 0}))
    assert only(verdicts, "TRIG004").is_blocking
