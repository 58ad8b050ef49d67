"""One suite for every store of completion documents: what holds for one holds for the other."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from support import firestore_emulator
from trueup.completions import CompletionStore
from trueup.errors import CompletionsError
from trueup.gateways.firestore import FirestoreCompletions
from trueup.gateways.sqlite_completions import SqliteCompletions

# One worker: the module's fixture is dear.
pytestmark = pytest.mark.xdist_group("completion_stores")

MOMENT = datetime(2026, 2, 4, 20, 1, 2, 345678, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with firestore_emulator() as address:
        yield address


@pytest.fixture(params=["sqlite", "firestore"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CompletionStore]:
    made: CompletionStore
    if request.param == "sqlite":
        made = SqliteCompletions(tmp_path / "completions.db")
    else:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", request.getfixturevalue("emulator"))
        made = FirestoreCompletions(f"p-{uuid.uuid4().hex[:12]}")
    yield made
    made.close()


def test_missing_documents_are_absent(store: CompletionStore) -> None:
    assert store.read(["2026-02-03"]) == {}
    assert store.read([]) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"player_game_summary": {"status": "success", "completed_at": MOMENT, "record_count": 280}},
        {"_triggered": True, "_mode": None, "_completed_count": 3, "share": 0.5},
        {"entities_changed": {"players": ["a", "b"], "teams": []}, "nested": {"a": {"b": [{"c": MOMENT}]}}},
        {"Ümläut key": "✔", "with.dot": 1, "with space": False},
        {"bytes": b"\x00\xff"},
        {},
    ],
)
def test_what_was_written_is_read(store: CompletionStore, fields: dict[str, Any]) -> None:
    store.replace("2026-02-03", fields)
    assert store.read(["2026-02-03"])["2026-02-03"].fields == fields


def test_a_replaced_document_keeps_nothing_of_the_old_one(store: CompletionStore) -> None:
    store.replace("d", {"a": 1, "b": {"c": 2}})
    store.replace("d", {"b": {"d": 3}})
    assert store.read(["d"])["d"].fields == {"b": {"d": 3}}


def test_the_update_time_is_aware_and_grows(store: CompletionStore) -> None:
    first = store.replace("d", {"a": 1})
    time.sleep(0.01)
    second = store.replace("d", {"a": 2})
    assert first.update_time < second.update_time
    assert abs(datetime.now(timezone.utc) - second.update_time) < timedelta(minutes=5)
    assert store.read(["d"])["d"].update_time == second.update_time


def test_many_documents_are_read_at_once(store: CompletionStore) -> None:
    ids = [f"{2000 + number}-01-01" for number in range(330)]
    for one in ids[::2]:
        store.replace(one, {"id": one})
    found = store.read(ids)
    assert set(found) == set(ids[::2])
    assert all(snapshot.fields == {"id": one} for one, snapshot in found.items())


def test_a_dead_firestore_is_told_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    store = FirestoreCompletions("p")
    began = time.monotonic()
    with pytest.raises(CompletionsError, match="does not answer"):
        store.read(["2026-02-03"])
    assert time.monotonic() - began < 20


def test_firestore_without_credentials_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(CompletionsError, match="credentials") as told:
        FirestoreCompletions("p")
    assert "gcloud auth application-default login" in told.value.hint


@pytest.mark.parametrize("kind", ["folder", "text"])
def test_a_file_that_is_no_sqlite_file_is_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "completions.db"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("this is not a database, it is a text that is long enough" * 20)
    with pytest.raises(CompletionsError, match=r"completions\.db"):
        SqliteCompletions(path).read(["d"])


def test_two_connections_to_one_file_lose_nothing(tmp_path: Path) -> None:
    one, other = (SqliteCompletions(tmp_path / "completions.db") for _ in range(2))
    one.replace("a", {"by": "one"})
    other.replace("b", {"by": "other"})
    assert set(one.read(["a", "b"])) == {"a", "b"}
    one.close()
    other.close()
