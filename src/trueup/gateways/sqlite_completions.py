"""The embedded store of completion documents: a SQLite file with the same port as Firestore."""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from trueup.completion.encoding import decode_document, encode_document
from trueup.completion.store import DOCUMENTS, Snapshot, with_time
from trueup.errors import CompletionsError, ConflictError, ScenarioError
from trueup.settings import COMPLETIONS_VARIABLE

_BUSY_SECONDS = 10.0
_IDS_PER_QUERY = 300


class SqliteCompletions:
    """Documents of one collection in a SQLite file, which is created if missing. ``variable``: what names the file."""

    def __init__(self, path: Path, collection: str = DOCUMENTS, variable: str = COMPLETIONS_VARIABLE) -> None:
        self._path = path
        self._variable = variable
        self._collection = collection
        with self._explained_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._enable_wal()
            # A killed process loses nothing. A power cut may lose the last writes of documents and topic. They share
            # one log, so a document is never marked without its message.
            self._connection.execute("pragma synchronous = normal")
            self._connection.execute(
                "create table if not exists documents (collection text not null, "
                "document_id text not null, fields text not null, update_time text not null, "
                "primary key (collection, document_id))"
            )

    def _enable_wal(self) -> None:
        """Enable the write-ahead log. SQLite's timeout does not apply if several processes create the same file."""
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._connection.execute("pragma journal_mode = wal")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        """See CompletionStore."""
        found: dict[str, Snapshot] = {}
        with self._explained_errors():
            for start in range(0, len(document_ids), _IDS_PER_QUERY):
                ids = document_ids[start : start + _IDS_PER_QUERY]
                marks = ", ".join("?" * len(ids))
                for row in self._connection.execute(
                    "select document_id, fields, update_time from documents "
                    f"where collection = ? and document_id in ({marks})",
                    (self._collection, *ids),
                ):
                    fields = json.loads(row[1])
                    if not isinstance(fields, dict):
                        raise ValueError(f"{row[0]} is not a document")
                    found[row[0]] = self._snapshot(row[0], fields, row[2])
        return found

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        """See CompletionStore."""
        with self._explained_errors(), self._writing():
            return self._write(document_id, fields)

    def create(self, document_id: str, fields: Mapping[str, Any]) -> None:
        """See CompletionStore."""
        with self._explained_errors(), self._writing():
            if self._row(document_id) is not None:
                raise ConflictError(f"{self._collection}/{document_id} already exists.")
            self._write(document_id, fields)

    def update(self, document_id: str, changes: Mapping[str, Any], update_time: datetime) -> None:
        """See CompletionStore."""
        with self._explained_errors(), self._writing():
            row = self._row(document_id)
            if row is None or datetime.fromisoformat(row[1]) != update_time:
                raise ConflictError(f"{self._collection}/{document_id} has changed since it was read.")
            self._write(document_id, changes, json.loads(row[0]))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # "immediate" takes the write lock before the read, so that two writers cannot overwrite each other.
        with self._connection:
            self._connection.execute("begin immediate")
            yield

    def _row(self, document_id: str) -> tuple[str, str] | None:
        """A document's fields as JSON text, and its update time."""
        row: tuple[str, str] | None = self._connection.execute(
            "select fields, update_time from documents where collection = ? and document_id = ?",
            (self._collection, document_id),
        ).fetchone()
        return row

    def _write(
        self, document_id: str, fields: Mapping[str, Any], kept: Mapping[str, Any] = MappingProxyType({})
    ) -> Snapshot:
        """Write a document. ``kept``: fields that it has already, encoded."""
        written_at = self._next_update_time(document_id)
        text = json.dumps({**kept, **encode_document(with_time(fields, written_at))}, ensure_ascii=False)
        update_time = written_at.isoformat(timespec="microseconds")
        self._connection.execute(
            "insert or replace into documents values (?, ?, ?, ?)", (self._collection, document_id, text, update_time)
        )
        return self._snapshot(document_id, json.loads(text), update_time)

    def _snapshot(self, document_id: str, fields: Mapping[str, Any], update_time: str) -> Snapshot:
        decoded = decode_document(fields, document_id)
        now = datetime.now(UTC)
        return Snapshot(document_id, decoded, datetime.fromisoformat(update_time), now)

    def _next_update_time(self, document_id: str) -> datetime:
        """The current time, but always after the last version, even if the clock was set back."""
        now = datetime.now(UTC)
        row = self._row(document_id)
        return max(now, datetime.fromisoformat(row[1]) + timedelta(microseconds=1)) if row else now

    def close(self) -> None:
        """See CompletionStore."""
        self._connection.close()

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError, ScenarioError) as error:
            raise CompletionsError(
                f"The documents {self._collection} in {self._path} cannot be used: {error}",
                f"Check that it is a writable SQLite file, or set {self._variable} to another file.",
            ) from error
