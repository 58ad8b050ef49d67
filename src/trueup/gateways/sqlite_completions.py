"""The embedded store of completion documents: one SQLite file behind the same port as Firestore."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from trueup.completions import Snapshot, decode_document, encode_document
from trueup.errors import CompletionsError, ScenarioError

_BUSY_SECONDS = 10.0
_IDS_PER_QUERY = 300


class SqliteCompletions:
    """Documents of one collection in a SQLite file, which is made where there is none."""

    def __init__(self, path: Path, collection: str = "phase3_completion") -> None:
        self._path = path
        self._collection = collection
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute(
                "create table if not exists documents (collection text not null, "
                "document_id text not null, fields text not null, update_time text not null, "
                "primary key (collection, document_id))"
            )

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        """See CompletionStore."""
        found: dict[str, Snapshot] = {}
        with self._told():
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
                    found[row[0]] = Snapshot(row[0], decode_document(fields, row[0]), datetime.fromisoformat(row[2]))
        return found

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        """See CompletionStore."""
        with self._told():
            text = json.dumps(encode_document(fields), ensure_ascii=False)
            # "immediate" takes the write lock before the read: of two writers neither misses the other.
            with self._connection:
                self._connection.execute("begin immediate")
                update_time = self._next_update_time(document_id)
                self._connection.execute(
                    "insert or replace into documents values (?, ?, ?, ?)",
                    (self._collection, document_id, text, update_time.isoformat(timespec="microseconds")),
                )
            return Snapshot(document_id, decode_document(json.loads(text), document_id), update_time)

    def _next_update_time(self, document_id: str) -> datetime:
        """Now, or just after the last version: a clock set back must not make a newer one look older."""
        now = datetime.now(timezone.utc)
        last = self._connection.execute(
            "select update_time from documents where collection = ? and document_id = ?",
            (self._collection, document_id),
        ).fetchone()
        return max(now, datetime.fromisoformat(last[0]) + timedelta(microseconds=1)) if last else now

    def close(self) -> None:
        """See CompletionStore."""
        self._connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError, ScenarioError) as error:
            raise CompletionsError(
                f"The completion documents in {self._path} cannot be used: {error}",
                "Check that it is a SQLite file you may write, or name another in TRUEUP_COMPLETIONS.",
            ) from error
