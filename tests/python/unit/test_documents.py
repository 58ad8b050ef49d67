from __future__ import annotations

import random
from datetime import datetime, timezone
from typing import Any

import pytest

from trueup.completions import Snapshot, decode_document, encode_document
from trueup.documents import Document, Unreadable, processor_name, read_document
from trueup.errors import ScenarioError
from unit.cases import DEFENSE, KEY, PLAYERS, REFERENCE, TRIGGERED, document, judged


def read(**fields: Any) -> Document | Unreadable:
    return read_document(Snapshot(KEY, fields, TRIGGERED), REFERENCE)


def test_class_style_names_mean_the_processor() -> None:
    assert processor_name("PlayerGameSummaryProcessor") == PLAYERS
    assert processor_name("TeamDefenseGameSummaryProcessor") == DEFENSE
    assert processor_name("UpcomingTeamGameContext") == "upcoming_team_game_context"
    assert processor_name(PLAYERS) == PLAYERS


def test_the_older_name_of_the_time_is_understood() -> None:
    found = read(**{PLAYERS: {"status": "success", "timestamp": "2026-02-04T11:30:00-05:00"}})
    assert isinstance(found, Document)
    assert found.reports[PLAYERS].completed_at == datetime(2026, 2, 4, 16, 30, tzinfo=timezone.utc)


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
        datetime.max.replace(tzinfo=timezone.utc), b"\xff",
    ]  # fmt: skip
    if depth < 3 and chance.random() < 0.4:
        keys = [
            *REFERENCE.processors,
            "PlayerGameSummaryProcessor",
            "status",
            "completed_at",
            "x",
            "_mode",
            "",
        ]
        if chance.random() < 0.3:
            return [_junk(chance, depth + 1) for _ in range(3)]
        return {chance.choice(keys): _junk(chance, depth + 1) for _ in range(4)}
    return chance.choice(leaves)


def test_no_document_whatever_makes_the_judge_fall_over() -> None:
    chance = random.Random(0)
    keys = [*document().fields, "_trigger_pending", "PlayerGameSummaryProcessor", "x", ""]
    for _ in range(2000):
        fields = {chance.choice(keys): _junk(chance) for _ in range(chance.randint(0, 9))}
        judged(Snapshot(KEY, fields, TRIGGERED))
        encode_document(fields)


def test_moments_survive_the_json_form() -> None:
    fields = {"a": TRIGGERED, "b": [{"c": TRIGGERED}], "n": None, "t": True, "x": b"\x00\xff"}
    assert decode_document(encode_document(fields), "here") == fields


@pytest.mark.parametrize("moment", ["yesterday", "2026-02-04T11:30:00", 7])
def test_a_moment_that_is_none_is_named_with_its_place(moment: Any) -> None:
    with pytest.raises(ScenarioError, match=r"d.json: a\.b"):
        decode_document({"a": {"b": {"$timestamp": moment}}}, "d.json")
