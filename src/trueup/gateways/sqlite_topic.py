"""The embedded topic that starts phase 4: a table of messages in the SQLite file of the documents."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trueup.errors import PublishError

_BUSY_SECONDS = 10.0


class SqliteTopic:
    """Stores every sent message. It has no receivers."""

    def __init__(self, path: Path, topic: str) -> None:
        self._path = path
        self._topic = topic

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        """See Phase4Topic."""
        row = (self._topic, json.dumps(message), json.dumps(dict(attributes)), datetime.now(UTC).isoformat())
        try:
            with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as connection:
                connection.execute("pragma synchronous = normal")  # as in SqliteCompletions
                with connection:
                    connection.execute(
                        "create table if not exists messages (message_id integer primary key, topic text not null, "
                        "message text not null, attributes text not null, published_at text not null)"
                    )
                    sent = connection.execute(
                        "insert into messages (topic, message, attributes, published_at) values (?, ?, ?, ?)", row
                    )
        except sqlite3.Error as error:
            raise PublishError(
                f"The message to {self._topic} cannot be stored in {self._path}: {error}",
                "Check that it is a writable SQLite file, then run it again.",
            ) from error
        return str(sent.lastrowid)

    def problem(self) -> str:
        """See Phase4Topic. The file is made when it is needed."""
        return ""

    def close(self) -> None:
        """See Phase4Topic."""
