"""Stores of documents and topics: the embedded default. For Google's emulators see ``emulators``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

from trueup.completion.start import Phase4Topic
from trueup.completion.store import CompletionStore
from trueup.gateways.sqlite_completions import SqliteCompletions
from trueup.gateways.sqlite_topic import SqliteTopic

TOPIC = "nba-phase4-trigger"


class Platform(Protocol):
    """Documents and a topic, empty at first, on Google's emulators or embedded. ``place``: its kind and where it is."""

    place: tuple[str, str]

    def collection(self, name: str) -> CompletionStore:
        """A new connection to a collection."""

    def topic(self) -> Phase4Topic:
        """A new connection to the topic that starts phase 4."""

    def received(self) -> list[tuple[dict[str, Any], Mapping[str, str]]]:
        """Every message that was sent since the last call: its data and its attributes."""

    def forget(self, collection: str, document_id: str) -> None:
        """Delete a document, which no port of trueup does."""


class Embedded:
    """The embedded default."""

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, ("embedded", str(path))
        self._seen = 0

    def collection(self, name: str) -> CompletionStore:
        return SqliteCompletions(self.path, name)

    def topic(self) -> Phase4Topic:
        return SqliteTopic(self.path, TOPIC)

    def received(self) -> list[tuple[dict[str, Any], Mapping[str, str]]]:
        rows: list[tuple[str, str]] = []
        with closing(sqlite3.connect(self.path)) as connection, suppress(sqlite3.OperationalError):  # no table yet
            rows = connection.execute("select message, attributes from messages order by message_id").fetchall()
        self._seen, new = len(rows), rows[self._seen :]
        return [(json.loads(message), json.loads(attributes)) for message, attributes in new]

    def forget(self, collection: str, document_id: str) -> None:
        self.collection(collection).close()  # makes the file where there is none
        delete = "delete from documents where collection = ? and document_id = ?"
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(delete, (collection, document_id))
