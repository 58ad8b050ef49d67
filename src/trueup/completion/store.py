"""The port to the completion documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

# The platform's collection: one document per Eastern game date.
DOCUMENTS = "phase3_completion"


@dataclass(frozen=True)
class Snapshot:
    """A document as it was read. ``update_time`` is when the store last changed it, ``read_time`` when
    it was read: both by the store's clock (UTC), so that their difference is an age.
    """

    document_id: str
    fields: Mapping[str, Any]
    update_time: datetime
    read_time: datetime


class CompletionStore(Protocol):
    """Where completion documents live: Firestore, or the embedded SQLite file.

    Every method raises CompletionsError, with what to do next, when the store does not answer; none
    waits for it longer than about ten seconds.
    """

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        """The documents of these ids, in batches; missing ones are absent."""

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        """Write a whole document, in place of what was there."""

    def create(self, document_id: str, fields: Mapping[str, Any]) -> None:
        """Write a new document. Raises ConflictError where there is one: of many callers one wins."""

    def update(self, document_id: str, changes: Mapping[str, Any], update_time: datetime) -> None:
        """Set the named top-level fields; all others stay as they are.

        Raises ConflictError unless the document's last change is the one of ``update_time``. Also where
        it was this very call that changed it and only the reply was lost: read again to decide.
        """

    def close(self) -> None:
        """Let go of connections."""
