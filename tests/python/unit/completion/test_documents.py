from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from helpers.cases import DEFENSE, KEY, PLAYERS, REFERENCE, TRIGGERED, document, judged
from trueup.completion.document import Document, Unreadable, processor_name, read_document
from trueup.completion.encoding import decode_document, encode_document, parse_timestamp
from trueup.completion.store import Snapshot
from trueup.errors import ScenarioError


def read(**fields: Any) -> Document | Unreadable:
    return read_document(Snapshot(KEY, fields, TRIGGERED, TRIGGERED), REFERENCE.roster)


def test_class_style_names_mean_the_processor() -> None:
    assert processor_name("PlayerGameSummaryProcessor") == PLAYERS
    assert processor_name("TeamDefenseGameSummaryProcessor") == DEFENSE
    assert processor_name("UpcomingTeamGameContext") == "upcoming_team_game_context"
    assert processor_name(PLAYERS) == PLAYERS
    # A finding needs a subject, also where nothing is left of the name.
    assert processor_name("Processor") == "processor"


def test_the_older_name_of_the_time_is_understood() -> None:
    found = read(**{PLAYERS: {"status": "success", "timestamp": "2026-02-04T11:30:00-05:00"}})
    assert isinstance(found, Document)
    assert found.reports[PLAYERS].completed_at == datetime(2026, 2, 4, 16, 30, tzinfo=UTC)


def test_a_document_of_nothing_is_readable_and_overnight() -> None:
    found = read()
    assert isinstance(found, Document)
    assert (found.mode, found.is_triggered, found.completed_count) == ("overnight", False, None)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({PLAYERS: "done"}, PLAYERS),
        ({PLAYERS: ["success"]}, PLAYERS),
        ({PLAYERS: {}}, f"{PLAYERS}.status"),
        ({PLAYERS: {"status": True}}, f"{PLAYERS}.status"),
        ({PLAYERS: {"status": "success", "completed_at": "yesterday"}}, f"{PLAYERS}.completed_at"),
        # Naive moments: the first scripts compared them with aware ones and fell over.
        ({PLAYERS: {"status": "success", "completed_at": datetime(2026, 2, 4)}}, f"{PLAYERS}.completed_at"),
        ({PLAYERS: {"status": "success", "completed_at": "2026-02-04T11:30:00"}}, f"{PLAYERS}.completed_at"),
        ({PLAYERS: {"status": "success", "record_count": "56"}}, f"{PLAYERS}.record_count"),
        ({PLAYERS: {"status": "success", "record_count": True}}, f"{PLAYERS}.record_count"),
        ({PLAYERS: {"status": "success", "record_count": -1}}, f"{PLAYERS}.record_count"),
        # Whole numbers that no counter reaches and no float holds.
        ({PLAYERS: {"status": "success", "record_count": 2**63}}, f"{PLAYERS}.record_count"),
        ({"_completed_count": 10**400}, "_completed_count"),
        ({"_completed_count": "5"}, "_completed_count"),
        ({"_triggered": "yes"}, "_triggered"),
        ({"_triggered_at": 1770000000}, "_triggered_at"),
        ({"_mode": "weekly"}, "_mode"),
        ({"_mode": 1}, "_mode"),
    ],
)
def test_what_cannot_be_read_is_named(fields: dict[str, Any], path: str) -> None:
    found = read(**fields)
    assert isinstance(found, Unreadable)
    assert [problem.split(" is ")[0] for problem in found.problems] == [path]


def test_every_problem_is_named_not_only_the_first_of_an_entry() -> None:
    found = read(**{PLAYERS: {"completed_at": "x", "record_count": -1}, "_triggered": 1})
    assert isinstance(found, Unreadable)
    paths = [problem.split(" is ")[0] for problem in found.problems]
    assert paths == [f"{PLAYERS}.status", f"{PLAYERS}.completed_at", f"{PLAYERS}.record_count", "_triggered"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("success", "failed", True), ("failed", "success", True), ("failed", "running", False)],
)
def test_two_keys_of_one_processor_are_one_report_delivered_if_either_is(one: str, other: str, expected: bool) -> None:
    found = read(**{PLAYERS: {"status": one}, "PlayerGameSummaryProcessor": {"status": other}})
    assert isinstance(found, Document)
    assert list(found.reports) == [PLAYERS]
    assert found.has_delivered(PLAYERS) is expected


def test_of_two_deliveries_of_one_processor_the_later_is_kept() -> None:
    later = TRIGGERED + timedelta(hours=1)
    for times in ((TRIGGERED, later), (later, TRIGGERED)):
        entries = [{"status": "success", "completed_at": at} for at in times]
        found = read(**dict(zip((PLAYERS, "PlayerGameSummaryProcessor"), entries, strict=True)))
        assert isinstance(found, Document)
        assert found.reports[PLAYERS].completed_at == later


@pytest.mark.parametrize(
    "fields",
    [
        {PLAYERS: {"status": "success", "record_count": 56.0, "junk": {"deep": [None, {}]}}},
        {"_trigger_pending": {"a": 1}, "_anything": [1, 2]},
        {PLAYERS: {"status": "success", "entities_changed": {"players": ["x"] * 500}}},
    ],
)
def test_what_does_not_matter_is_let_be(fields: dict[str, Any]) -> None:
    assert isinstance(read(**fields), Document)


def _junk(chance: random.Random, depth: int = 0) -> Any:
    leaves: list[Any] = [
        None, True, 0, -7, 2**70, 1.5, float("nan"), float("inf"), "", "success",
        "2026-02-04T11:30:00Z", "\x00é",
        datetime.min,
        datetime.max.replace(tzinfo=UTC), b"\xff",
    ]  # fmt: skip
    if depth < 3 and chance.random() < 0.4:
        keys = [*REFERENCE.roster.processors, "PlayerGameSummaryProcessor", "status", "completed_at", "x", "_mode", ""]
        if chance.random() < 0.3:
            return [_junk(chance, depth + 1) for _ in range(3)]
        return {chance.choice(keys): _junk(chance, depth + 1) for _ in range(4)}
    return chance.choice(leaves)


def test_no_document_whatever_makes_the_judge_fall_over() -> None:
    chance = random.Random(0)
    keys = [*document().fields, "_trigger_pending", "PlayerGameSummaryProcessor", "x", ""]
    for _ in range(2000):
        fields = {chance.choice(keys): _junk(chance) for _ in range(chance.randint(0, 9))}
        judged(Snapshot(KEY, fields, TRIGGERED, TRIGGERED))
        encode_document(fields)


def test_values_that_python_cannot_write_out_are_reported_all_the_same() -> None:
    deep: Any = "end"
    for _ in range(50_000):
        deep = [deep]
    for value in (10**5000, -(10**5000), deep, {"a": deep}, "x" * 1_000_000):
        found = read(_mode=value, **{PLAYERS: {"status": value}} if not isinstance(value, str) else {})
        assert isinstance(found, Unreadable)
        assert all(len(problem) < 200 for problem in found.problems)


def test_keys_that_are_no_text_do_not_make_the_reader_fall_over() -> None:
    fields: dict[Any, Any] = {1: {"status": "success"}, None: {"status": "failed"}, "1": 2}
    assert isinstance(read_document(Snapshot(KEY, fields, TRIGGERED, TRIGGERED), REFERENCE.roster), Unreadable)


@pytest.mark.parametrize(
    ("text", "microsecond", "offset_hours"),
    [
        # Go, Java and JavaScript write these.
        ("2026-02-04T11:30:00Z", 0, 0),
        ("2026-02-04T11:30:00.1Z", 100_000, 0),
        ("2026-02-04T11:30:00.123456789Z", 123_456, 0),
        ("2026-02-04 11:30:00-0500", 0, -5),
        ("2026-02-04T11:30:00.5-05", 500_000, -5),
        (" 2026-02-04T11:30:00-05:00 ", 0, -5),
    ],
)
def test_timestamps_are_read_as_other_languages_write_them(text: str, microsecond: int, offset_hours: int) -> None:
    zone = timezone(timedelta(hours=offset_hours))
    assert parse_timestamp(text) == datetime(2026, 2, 4, 11, 30, 0, microsecond, tzinfo=zone)


@pytest.mark.parametrize("text", ["2026-02-04", "2026-02-04T11:30:00", "2026-02-04T11:30:00.123"])
def test_a_timestamp_without_an_offset_stays_naive(text: str) -> None:
    assert parse_timestamp(text).tzinfo is None


def test_timestamps_survive_the_json_form() -> None:
    fields = {"a": TRIGGERED, "b": [{"c": TRIGGERED}], "n": None, "t": True, "x": b"\x00\xff"}
    assert decode_document(encode_document(fields), "here") == fields


@pytest.mark.parametrize("moment", ["yesterday", "2026-02-04T11:30:00", 7])
def test_a_timestamp_that_is_none_is_named_with_its_place(moment: Any) -> None:
    with pytest.raises(ScenarioError, match=r"d.json: a\.b"):
        decode_document({"a": {"b": {"$timestamp": moment}}}, "d.json")


@pytest.mark.parametrize(
    "value", [{"$timestamp": "0001-01-01T00:00:00+14:00"}, {"$bytes": 5}, {"$bytes": "a"}, {"$bytes": "é"}]
)
def test_what_stands_for_no_value_is_named_with_its_place(value: Any) -> None:
    with pytest.raises(ScenarioError, match=r"d.json: a\[1\]"):
        decode_document({"a": [0, value]}, "d.json")


def test_a_timestamp_that_utc_has_no_year_for_becomes_text() -> None:
    edge = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    assert list(encode_document({"a": edge})["a"]) == ["$text"]
