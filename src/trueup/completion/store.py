"""The port to the completion documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

# The platform's collection: one document per Eastern game date.
DOCUMENTS = "phase3_completion"


class _ServerTime:
    """The type of SERVER_TIME."""


# A value to write: the store's time of the write.
SERVER_TIME = _ServerTime()


def with_time(fields: Mapping[str, Any], time: Any) -> dict[str, Any]:
    """The fields with ``time`` in place of SERVER_TIME, also in maps within."""

    def filled(value: Any) -> Any:
        if isinstance(value, Mapping):
            return with_time(value, time)
        return time if value is SERVER_TIME else value

    return {key: filled(value) for key, value in fields.items()}


@dataclass(frozen=True)
class Snapshot:
    """A document as it was read. ``update_time`` is its last change and ``read_time`` the time of reading. Both are in
    UTC by the store's clock, so that their difference is the document's age.
    """

    document_id: str
    fields: Mapping[str, Any]
    update_time: datetime
    read_time: datetime


class CompletionStore(Protocol):
    """The store of the completion documents: Firestore, or the embedded SQLite file. Fields may hold SERVER_TIME.

    Every method raises CompletionsError with a hint if the store does not answer, after about ten seconds at most.
    """

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        """The documents of these ids. Missing documents are absent from the result."""

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        """Write a whole document, replacing any existing one."""

    def create(self, document_id: str, fields: Mapping[str, Any]) -> None:
        """Write a new document. Raises ConflictError if it exists: of several callers, one succeeds."""

    def update(self, document_id: str, changes: Mapping[str, Any], update_time: datetime) -> None:
        """Set the given top-level fields and keep all others.

        Raises ConflictError unless the document's last change was at ``update_time``. This can also happen if this
        call succeeded and its reply was lost: read the document again to find out.
        """

    def close(self) -> None:
        """Close the connections."""
