"""One suite for every store of completion documents: what holds for one holds for the other."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions as google_exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from helpers.platforms import Platform
from helpers.support import PROJECT
from trueup.completion.store import SERVER_TIME, CompletionStore
from trueup.errors import CompletionsError, ConflictError
from trueup.gateways.firestore import FirestoreCompletions
from trueup.gateways.sqlite_completions import SqliteCompletions

# One worker: the emulators are dear.

# Their constructors have no types.
exceptions: Any = google_exceptions
MOMENT = datetime(2026, 2, 4, 20, 1, 2, 345678, tzinfo=UTC)


Opener = Callable[[str], CompletionStore]


@pytest.fixture
def opener(platform: Platform) -> Iterator[Opener]:
    """Opens a collection of one empty database; all are closed in the end."""
    made: list[CompletionStore] = []

    def open_collection(name: str) -> CompletionStore:
        made.append(platform.collection(name))
        return made[-1]

    yield open_collection
    for one in made:
        one.close()


@pytest.fixture
def store(opener: Opener) -> CompletionStore:
    return opener("phase3_completion")


def test_missing_documents_are_absent(store: CompletionStore) -> None:
    assert store.read(["2026-02-03"]) == {}
    assert store.read([]) == {}


def test_the_time_of_the_write_is_that_of_the_store(store: CompletionStore) -> None:
    store.create("2026-02-03", {"made_at": SERVER_TIME, "in": {"made_at": SERVER_TIME}})
    made = store.read(["2026-02-03"])["2026-02-03"]
    assert made.fields["made_at"] == made.fields["in"]["made_at"]
    assert abs(made.fields["made_at"] - made.update_time) < timedelta(seconds=1)
    time.sleep(0.01)
    store.update("2026-02-03", {"changed_at": SERVER_TIME}, made.update_time)
    changed = store.read(["2026-02-03"])["2026-02-03"]
    assert changed.fields == {**made.fields, "changed_at": changed.fields["changed_at"]}
    assert changed.fields["changed_at"] > made.fields["made_at"]


@pytest.mark.parametrize(
    "fields",
    [
        {"player_game_summary": {"status": "success", "completed_at": MOMENT, "record_count": 280}},
        {"_triggered": True, "_mode": None, "_completed_count": 3, "share": 0.5},
        {"entities_changed": {"players": ["a", "b"], "teams": []}, "nested": {"a": {"b": [{"c": MOMENT}]}}},
        {"Ümläut key": "✔", "with.dot": 1, "with space": False},
        {"bytes": b"\x00\xff"},
        {"share": 2.0, "count": 2, "zero": 0, "flag": False, "least": -(2**63), "greatest": 2**63 - 1},
        {"list": [None, True, 1, 1.5, "x", MOMENT, {"in": []}], "empty": {}, "text": "line\nbreak '\" \\"},
        {},
    ],
)
def test_what_was_written_is_read(store: CompletionStore, fields: dict[str, Any]) -> None:
    written = store.replace("2026-02-03", fields)
    found = store.read(["2026-02-03"])["2026-02-03"]
    assert found.fields == written.fields == fields
    # 1 == 1.0 == True in Python; in a document they are three things.
    assert {key: type(value) for key, value in found.fields.items() if key != "bytes"} == {
        key: type(value) for key, value in fields.items() if key != "bytes"
    }


def test_timestamps_are_plain_aware_and_the_same_instant_whatever_their_zone(store: CompletionStore) -> None:
    eastern = MOMENT.astimezone(timezone(timedelta(hours=-5)))
    store.replace("d", {"at": eastern, "in": {"list": [eastern]}})
    fields = store.read(["d"])["d"].fields
    for moment in (fields["at"], fields["in"]["list"][0]):
        assert moment == MOMENT
        assert type(moment) is datetime
        assert moment.utcoffset() == timedelta(0)


def test_a_replaced_document_keeps_nothing_of_the_old_one(store: CompletionStore) -> None:
    store.replace("d", {"a": 1, "b": {"c": 2}})
    store.replace("d", {"b": {"d": 3}})
    assert store.read(["d"])["d"].fields == {"b": {"d": 3}}


def test_the_update_time_is_aware_and_grows(store: CompletionStore) -> None:
    first = store.replace("d", {"a": 1})
    time.sleep(0.01)
    second = store.replace("d", {"a": 2})
    assert first.update_time < second.update_time
    assert abs(datetime.now(UTC) - second.update_time) < timedelta(minutes=5)
    assert store.read(["d"])["d"].update_time == second.update_time


def test_it_was_read_by_the_clock_that_it_was_written_by(store: CompletionStore) -> None:
    written = store.replace("d", {"a": 1})
    time.sleep(0.2)
    age = store.read(["d"])["d"].read_time - written.update_time
    assert timedelta(seconds=0.2) <= age < timedelta(seconds=5)


def test_a_document_is_created_once(store: CompletionStore) -> None:
    store.create("d", {"by": "one", "with.dot": MOMENT})
    with pytest.raises(ConflictError):
        store.create("d", {"by": "other"})
    assert store.read(["d"])["d"].fields == {"by": "one", "with.dot": MOMENT}


def test_an_update_sets_the_named_fields_and_no_other(store: CompletionStore) -> None:
    read = store.replace("d", {"a": 1, "with.dot": 1, "map": {"x": 1, "y": 2}, "at": MOMENT, "raw": b"\x00"})
    store.update("d", {"a": 2, "with.dot": 2, "map": {"z": 3}, "Ümläut key": None}, read.update_time)
    assert store.read(["d"])["d"].fields == {
        **{"a": 2, "with.dot": 2, "map": {"z": 3}, "Ümläut key": None},
        **{"at": MOMENT, "raw": b"\x00"},
    }


def test_an_update_of_what_has_changed_meanwhile_writes_nothing(store: CompletionStore) -> None:
    first = store.replace("d", {"a": 1})
    store.replace("d", {"a": 2})
    with pytest.raises(ConflictError):
        store.update("d", {"b": 1}, first.update_time)
    assert store.read(["d"])["d"].fields == {"a": 2}


def test_an_update_of_a_document_that_is_not_there_makes_none(store: CompletionStore) -> None:
    with pytest.raises(ConflictError):
        store.update("d", {"a": 1}, MOMENT)
    assert store.read(["d"]) == {}


@pytest.mark.parametrize("kept", [{}, {"kept": True}], ids=["create", "update"])
def test_of_many_that_create_or_update_at_once_one_wins(opener: Opener, kept: dict[str, Any]) -> None:
    stores = [opener("documents") for _ in range(8)]
    read = stores[0].replace("d", kept) if kept else None

    def write(number: int) -> bool:
        try:
            if read:
                stores[number].update("d", {"by": number}, read.update_time)
            else:
                stores[number].create("d", {"by": number})
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert sum(won) == 1
    assert stores[0].read(["d"])["d"].fields == {**kept, "by": won.index(True)}


def test_documents_of_another_collection_are_not_seen(opener: Opener) -> None:
    one, other = opener("one"), opener("other")
    one.replace("d", {"a": 1})
    assert other.read(["d"]) == {}
    assert one.read(["d"])["d"].fields == {"a": 1}


def test_many_documents_are_read_at_once(store: CompletionStore) -> None:
    ids = [f"{2000 + number}-01-01" for number in range(620)]
    for one in ids[::2]:
        store.replace(one, {"id": one})
    found = store.read(ids)
    assert set(found) == set(ids[::2])
    assert all(snapshot.fields == {"id": one} for one, snapshot in found.items())


@pytest.mark.parametrize("is_listening", [False, True])
def test_a_firestore_that_is_not_there_or_never_answers_is_reported_within_seconds(
    monkeypatch: pytest.MonkeyPatch, is_listening: bool
) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        if is_listening:
            mute.listen()
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{mute.getsockname()[1]}")
        store = FirestoreCompletions("p")
        began = time.monotonic()
        with pytest.raises(CompletionsError, match="does not answer"):
            store.read(["2026-02-03"])
        assert time.monotonic() - began < 12


class _Refusing(firestore.Client):  # type: ignore[misc, unused-ignore]
    """A client whose every read ends in one error, as Google's own would raise it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call, unused-ignore]
        self._error = error

    def get_all(self, *_: Any, **__: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (exceptions.PermissionDenied("no"), "no permission", "roles/datastore.viewer"),
        (exceptions.NotFound("no database"), "not found", "TRUEUP_FIRESTORE_PROJECT"),
        (exceptions.InvalidArgument("bad project"), "refused", "TRUEUP_FIRESTORE_PROJECT"),
        (exceptions.Unauthenticated("who"), "no usable credentials", "gcloud auth"),
        # An expired login is met inside gRPC, which calls the server unavailable.
        (
            exceptions.RetryError(
                "Timeout of 8.0s exceeded",
                exceptions.ServiceUnavailable("Getting metadata from plugin failed with error: invalid_grant"),
            ),
            "no usable credentials",
            "gcloud auth",
        ),
        (exceptions.ServiceUnavailable("overloaded"), "does not answer", "Try again"),
    ],
)
def test_each_refusal_of_firestore_is_reported_with_its_next_step(error: Exception, message: str, hint: str) -> None:
    with pytest.raises(CompletionsError, match=message) as raised:
        FirestoreCompletions("p", client=_Refusing(error)).read(["2026-02-03"])
    assert hint in raised.value.hint


def test_firestore_without_credentials_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(CompletionsError, match="credentials") as raised:
        FirestoreCompletions("p")
    assert "gcloud auth application-default login" in raised.value.hint


@pytest.mark.parametrize("kind", ["folder", "text"])
def test_a_file_that_is_no_sqlite_file_is_reported(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "completions.db"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("this is not a database, it is a text that is long enough" * 20)
    with pytest.raises(CompletionsError, match=r"completions\.db"):
        SqliteCompletions(path).read(["d"])


@pytest.mark.parametrize("stored", ["[]", "nonsense", '{"a": {"$timestamp": "yesterday"}}', '{"a": {"$bytes": 5}}'])
def test_a_stored_document_that_is_none_is_reported_as_the_stores_fault(tmp_path: Path, stored: str) -> None:
    path = tmp_path / "completions.db"
    with closing(SqliteCompletions(path)) as store:
        store.replace("d", {})
        _run_sql(path, "update documents set fields = ?", stored)
        with pytest.raises(CompletionsError, match=r"completions\.db"):
            store.read(["d"])


def test_a_clock_that_was_set_back_does_not_make_a_newer_version_look_older(tmp_path: Path) -> None:
    path = tmp_path / "completions.db"
    store = SqliteCompletions(path)
    store.replace("d", {})
    _run_sql(path, "update documents set update_time = ?", "2999-01-01T00:00:00.000000+00:00")
    versions = [store.replace("d", {"a": number}).update_time for number in range(3)]
    assert datetime(2999, 1, 1, tzinfo=UTC) < versions[0] < versions[1] < versions[2]
    store.close()


def _run_sql(path: Path, statement: str, value: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, (value,))


_WRITER = """
import sys
from pathlib import Path
from trueup.gateways.sqlite_completions import SqliteCompletions

store = SqliteCompletions(Path(sys.argv[1]))
for number in range(20):
    store.replace(f"{sys.argv[2]}-{number}", {"writer": sys.argv[2]})
    store.replace("shared", {"number": number})
"""


def test_several_processes_that_make_and_write_one_file_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "completions.db"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    # Processes of their own: a fork of this one would inherit the threads of gRPC, and may hang.
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(writer)], env=environment)
        for writer in range(4)
    ]
    assert [one.wait(60) for one in writers] == [0] * 4
    store = SqliteCompletions(path)
    assert len(store.read([f"{writer}-{number}" for writer in range(4) for number in range(20)])) == 80
    assert store.read(["shared"])["shared"].fields["number"] == 19
    store.close()


def test_many_that_make_one_new_file_at_once_all_open_it(tmp_path: Path) -> None:
    # Found 2026-11-24: SQLite does not wait for its timeout when a new file is switched to a log by several.
    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            stores = list(pool.map(SqliteCompletions, [tmp_path / f"{number}.db"] * 8))
            for store in stores:
                store.close()


def test_two_connections_to_one_file_lose_nothing(tmp_path: Path) -> None:
    one, other = (SqliteCompletions(tmp_path / "completions.db") for _ in range(2))
    one.replace("a", {"by": "one"})
    other.replace("b", {"by": "other"})
    assert set(one.read(["a", "b"])) == {"a", "b"}
    one.close()
    other.close()
