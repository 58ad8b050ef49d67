"""The judge where evidence is thin: it says neither "passed" nor "failed" of what it could not see."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from helpers.cases import (
    AS_OF,
    DAY,
    DEFENSE,
    FIVE,
    KEY,
    NO_GAMES,
    NO_ROWS,
    OFFENSE,
    PLAYERS,
    REPORTED,
    SILENT,
    TRIGGERED,
    UNCOVERED,
    UNDATED,
    UNPLAYED,
    document,
    evidence,
    failures,
    judged,
    only,
    untriggered,
)
from trueup.completion.store import Snapshot
from trueup.judge.case import JudgeSettings

NEXT_DAY_IS_OVER = datetime(2026, 2, 5, 5, 0, tzinfo=UTC)  # 2026-02-05 00:00 Eastern
LAST_MINUTE = NEXT_DAY_IS_OVER - timedelta(minutes=1)


# --- nothing examined is never a pass ---


def test_a_document_without_reports_and_count_has_nothing_to_count() -> None:
    assert only(judged(Snapshot(KEY, {}, TRIGGERED, TRIGGERED)), "DONE001").outcome == "not_run"


def test_a_count_of_zero_where_no_processor_delivered_is_right() -> None:
    assert only(judged(Snapshot(KEY, {"_completed_count": 0}, TRIGGERED, TRIGGERED)), "DONE001").outcome == "passed"


def test_reports_without_any_rows_leave_nothing_to_compare_for_each_processor() -> None:
    verdicts = judged(document(), evidence(**{name: NO_ROWS for name in FIVE}))
    for name in FIVE:
        assert only(verdicts, "DONE004", name).reason == "no rows to compare with"


def test_where_all_have_failed_it_is_not_said_that_no_processor_reported() -> None:
    failed = {name: {"status": "failed"} for name in FIVE}
    reason = only(judged(untriggered(**failed, _completed_count=0)), "DONE003").reason
    assert reason == "no processor of the roster has delivered"


def test_no_rule_says_two_things_of_one_subject() -> None:
    odd = {"x": {"status": "success"}, "Processor": {"status": "failed"}}
    for snapshot in (document(**odd), untriggered((DEFENSE,)), document(_mode="same_day"), None):
        keys = [(one.rule, one.subject) for one in judged(snapshot)]
        assert len(keys) == len(set(keys))


# --- an unknown schedule, a missing table ---


# An unknown day expects 0 games, so that any row looked like full coverage, and a repair registered it.
def test_rows_without_a_report_under_an_unknown_schedule_are_no_lost_report() -> None:
    unknown = {name: {"games_expected_count": 0} for name in FIVE}
    day = evidence(game_day=UNCOVERED, **unknown)
    verdicts = judged(untriggered((DEFENSE,), _completed_count=4), day)
    verdict = only(verdicts, "DONE002", DEFENSE)
    assert (verdict.outcome, verdict.is_blocking) == ("not_run", True)


def test_a_report_of_records_under_an_unknown_schedule_wants_rows_and_one_of_none_does_not() -> None:
    day = evidence(game_day=UNCOVERED, **{DEFENSE: {**NO_ROWS, "games_expected_count": 0}})
    assert ("DONE003", DEFENSE) in failures(document(), day)
    assert ("DONE003", DEFENSE) not in failures(document(**{DEFENSE: {"record_count": 0}}), day)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_free_day_without_a_document_never_blocks_even_where_a_table_is_missing(is_there: bool) -> None:
    nothing = {name: {**rows, "is_source_present": is_there} for name, rows in NO_GAMES.items()}
    verdicts = judged(None, evidence(game_day=UNPLAYED, phase4={"is_source_present": is_there}, **nothing))
    assert only(verdicts, "SCHED002").outcome == "passed"  # that nothing is there is what was looked for
    rest = {(one.outcome, one.reason, one.is_blocking) for one in verdicts if one.rule != "SCHED002"}
    assert rest == {("not_run", "no games that day", False)}


def test_a_missing_table_blocks_on_a_day_with_games() -> None:
    verdicts = judged(None, evidence(**{DEFENSE: {**NO_ROWS, "is_source_present": False}}))
    assert only(verdicts, "DONE009", DEFENSE).is_blocking


def test_a_processor_that_is_surely_missing_is_found_though_another_table_cannot_be_seen() -> None:
    snapshot = document(remove=(DEFENSE, OFFENSE), _completed_count=3)
    unseen = {OFFENSE: {**NO_ROWS, "is_source_present": False}}
    found = failures(snapshot, evidence(**{DEFENSE: NO_ROWS}, **unseen))["TRIG003", KEY]
    assert (found.detail["missing"], found.detail["unseen"]) == ([DEFENSE], [OFFENSE])
    assert only(judged(snapshot, evidence(**unseen)), "TRIG003").is_blocking


def test_a_missing_output_table_is_not_called_an_output_of_nothing() -> None:
    found = failures(untriggered(), evidence(phase4={**SILENT, "is_source_present": False}))["TRIG001", KEY]
    assert "output table is missing" in found.summary
    assert found.detail["phase4_rows"] is None


# --- unknown times ---


def test_a_trigger_without_a_time_has_until_30_minutes_after_completion_to_show_output() -> None:
    snapshot, day = document(_triggered_at=None), evidence(phase4=SILENT)
    limit = REPORTED + timedelta(minutes=30)
    assert failures(snapshot, day, as_of=limit - timedelta(minutes=1)) == {}
    found = failures(snapshot, day, as_of=limit)
    assert set(found) == {("TRIG004", KEY)}
    assert "since" not in found["TRIG004", KEY].summary


def test_a_trigger_without_a_time_is_not_blamed_for_late_output() -> None:
    late = {"first_written_at": AS_OF}
    assert failures(document(_triggered_at=None), evidence(phase4=late)) == {}


def test_a_trigger_of_which_no_time_is_known_has_until_the_next_day_is_over() -> None:
    snapshot = document(remove=(DEFENSE,), _triggered_at=None, _last_update=None, _completed_count=4)
    day = evidence(phase4=SILENT)
    assert ("TRIG004", KEY) not in failures(snapshot, day, as_of=LAST_MINUTE)
    assert ("TRIG004", KEY) in failures(snapshot, day, as_of=NEXT_DAY_IS_OVER)


def test_completion_of_which_no_time_is_known_has_until_the_next_eastern_day_is_over() -> None:
    reports: dict[str, Any] = {name: {"completed_at": None} for name in FIVE}
    day = evidence(**{name: UNDATED for name in FIVE})
    snapshot = untriggered(("_last_update",), **reports)
    assert ("TRIG001", KEY) not in failures(snapshot, day, as_of=LAST_MINUTE)
    found = failures(snapshot, day, as_of=NEXT_DAY_IS_OVER)["TRIG001", KEY]
    assert found.observed is None


# One report without a time once made _last_update the time of all: 61 minutes late, where 1 was true.
def test_one_report_without_a_time_does_not_hide_the_times_of_the_others() -> None:
    last = REPORTED + timedelta(minutes=60)
    snapshot = document(
        **{PLAYERS: {"completed_at": None}, OFFENSE: {"completed_at": last}},
        _last_update=REPORTED,
        _triggered_at=last + timedelta(minutes=1),
    )
    day = evidence(
        **{PLAYERS: UNDATED},
        phase4={"first_written_at": last + timedelta(minutes=9)},
    )
    verdict = only(judged(snapshot, day), "TRIG002")
    assert (verdict.outcome, verdict.observed) == ("passed", 1.0)


def test_a_last_update_stands_in_for_a_time_that_neither_report_nor_rows_have() -> None:
    snapshot = untriggered(_last_update=AS_OF, **{PLAYERS: {"completed_at": None}})
    day = evidence(**{PLAYERS: UNDATED})
    assert only(judged(snapshot, day), "TRIG001").reason == "within the grace period"


# --- what the first scripts did to _triggered ---


# Another snippet set `_triggered` back to false after phase 4 had run.
def test_a_trigger_that_was_set_back_is_found_and_the_output_is_reported() -> None:
    found = failures(document(_triggered=False))["TRIG001", KEY]
    assert "its output exists" in found.summary
    assert found.detail["phase4_rows"] == 40


# --- dates are Eastern, whatever the host's zone is ---


# The first scripts took the host's day: at 02:00 UTC it is still the evening before in New York.
@pytest.mark.parametrize(
    ("game_date", "due"),
    [
        (date(2026, 2, 3), datetime(2026, 2, 4, 13, 0, tzinfo=UTC)),
        # Both DST days of the season: 08:00 is 12:00 UTC after spring forward, 13:00 after fall back.
        (date(2026, 3, 7), datetime(2026, 3, 8, 12, 0, tzinfo=UTC)),
        (date(2025, 11, 1), datetime(2025, 11, 2, 13, 0, tzinfo=UTC)),
    ],
)
def test_reports_are_due_at_8_in_new_york_on_the_day_after(game_date: date, due: datetime) -> None:
    assert JudgeSettings(as_of=due).are_reports_due(game_date)
    assert not JudgeSettings(as_of=due - timedelta(seconds=1)).are_reports_due(game_date)


def test_the_zone_in_which_the_timestamp_is_given_does_not_matter() -> None:
    for hours in (-10, 0, 14):
        as_of = AS_OF.astimezone(timezone(timedelta(hours=hours)))
        assert judged(untriggered(), as_of=as_of) == judged(untriggered())


# --- the shape that others read ---


def test_every_detail_is_json() -> None:
    late = {"first_written_at": TRIGGERED + timedelta(hours=2)}
    faults = (
        judged(untriggered()),
        judged(document(_triggered_at=REPORTED + timedelta(minutes=40)), evidence(phase4=late)),
        judged(document(**{DEFENSE: {"status": "failed"}, "x": {"status": "success"}})),
        judged(document(**{DEFENSE: {"status": 1}}), evidence(**{PLAYERS: {"games_found_count": 1}})),
        judged(document(), evidence(**{DEFENSE: NO_ROWS})),
    )
    found = [one for verdicts in faults for one in verdicts if one.outcome == "failed"]
    assert {"TRIG001", "TRIG002", "TRIG004", "DONE003", "DONE005", "DONE006", "DONE008", "DONE009"} <= {
        one.rule for one in found
    }
    for one in found:
        assert json.loads(json.dumps(one.detail)) == one.detail
        assert one.summary.endswith(".")
        assert one.game_date == DAY


# --- what only an error elsewhere may explain: it may be waived -------------------------------------------------------


@pytest.mark.parametrize("snapshot", [None, document(**{PLAYERS: {"status": 7}})])
def test_without_a_readable_document_the_rest_of_a_night_that_is_due_blocks(snapshot: Any) -> None:
    assert only(judged(snapshot), "TRIG001").is_blocking
    assert not only(judged(snapshot, as_of=datetime(2026, 2, 4, 12, tzinfo=UTC)), "TRIG001").is_blocking


def test_an_incomplete_night_blocks_where_phase_4_has_not_run() -> None:
    incomplete = untriggered((DEFENSE,), _completed_count=4)
    assert only(judged(incomplete, evidence(phase4=SILENT)), "TRIG001").is_blocking
    assert not only(judged(incomplete), "TRIG001").is_blocking


def test_a_time_that_has_not_come_yet_is_no_grace() -> None:
    later = datetime(2026, 8, 1, tzinfo=UTC)
    reports: Any = {name: {"completed_at": later} for name in FIVE}
    assert only(judged(untriggered(**reports)), "TRIG001").is_blocking
    assert only(judged(document(_triggered_at=later)), "TRIG004").is_blocking
