"""Starts phase 4 of a complete night, by the same claim as ``trueup reconcile --fix``: of several, one sends."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from trueup.completion.claim import HeldError, send_claimed, start_marks, take_claim
from trueup.completion.document import Document, read_document
from trueup.completion.roster import Roster
from trueup.completion.rule import CompletionRule
from trueup.completion.start import Start, start_message
from trueup.completion.store import CompletionStore, Snapshot
from trueup.errors import ConflictError, PublishError, UnfinishedReportError

Publish = Callable[[Mapping[str, Any], Mapping[str, str]], str]


def publishing(publish: Publish) -> Publish:
    """The caller's function, so that whatever it raises is a PublishError."""

    def send(message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        again = "The report is stored. Report again: the message has the same key, so a repeated one does no harm."
        try:
            message_id = publish(message, attributes)
        except PublishError:
            raise
        except Exception as error:
            raise PublishError(
                f"Phase 4 may not have been started: {type(error).__name__}: {str(error)[:300]}", again
            ) from error
        if not isinstance(message_id, str) or not message_id:
            raise PublishError(
                f"Phase 4 may not have been started: publish returned a {type(message_id).__name__}, not the id of a "
                "stored message.",
                f"Let it wait for the id: publisher.publish(…).result(). {again}",
            )
        return message_id

    return send


@dataclass(frozen=True)
class Starter:
    """What the start of phase 4 needs. ``lease`` and ``patience``: see Completions."""

    documents: CompletionStore
    claims: CompletionStore
    publish: Publish
    roster: Roster
    rule: CompletionRule
    actor: str
    lease: timedelta
    patience: timedelta
    pause: Callable[[float], None] = field(default=time.sleep)

    def start(self, document_id: str) -> bool:
        """Start phase 4 unless it is started; whether this call sent the message. On return the document says so.

        Raises UnfinishedReportError if another one is starting it for longer than ``patience``, because it may have
        been killed: whoever reports again after its lease sends its message.
        """
        # Of this call alone: another thread must not take our claim for its own.
        owner = f"{self.actor}/{uuid.uuid4().hex}"
        deadline = time.monotonic() + self.patience.total_seconds()
        has_sent, reason, attempt = False, "", 0
        while attempt == 0 or time.monotonic() < deadline:
            snapshot = self.documents.read([document_id]).get(document_id)
            document = read_document(snapshot, self.roster) if snapshot else None
            if snapshot is None or not isinstance(document, Document):
                reason = "the document was deleted or cannot be read"
                break
            if document.is_triggered or not self._is_complete(document):
                return has_sent
            try:
                claim = take_claim(self.claims, document_id, self._message(snapshot, document), owner, self.lease)
                if claim.state != "published":
                    claim = send_claimed(self.claims, document_id, claim, self.publish, self._is_due(document_id))
                    has_sent = True
                    # The time that publish took is not that of others.
                    deadline = time.monotonic() + self.patience.total_seconds()
                self.documents.update(document_id, start_marks(claim), snapshot.update_time)
                return has_sent
            except (HeldError, ConflictError) as error:
                reason = str(error)
            attempt += 1
            # Full jitter, so that those who collided do not collide again.
            self.pause(random.uniform(0, min(1.0, 0.02 * 2**attempt)))
        raise UnfinishedReportError(
            f"The report is stored, but {document_id} is not marked as started: {reason}.",
            "Report again. If nobody does, trueup reconcile --fix finishes it.",
        )

    def _is_due(self, document_id: str) -> Callable[[], bool]:
        """The mark may have come meanwhile, or a report of the nightly mode, which needs more processors."""

        def is_due() -> bool:
            snapshot = self.documents.read([document_id]).get(document_id)
            document = read_document(snapshot, self.roster) if snapshot else None
            return isinstance(document, Document) and not document.is_triggered and self._is_complete(document)

        return is_due

    def _is_complete(self, document: Document) -> bool:
        expected = self.roster.expected(document.mode)
        return self.rule.is_satisfied(expected, [one for one in expected if document.has_delivered(one.processor_name)])

    def _message(self, snapshot: Snapshot, document: Document) -> dict[str, Any]:
        expected = self.roster.expected(document.mode)
        delivered = tuple(sorted(one.processor_name for one in expected if document.has_delivered(one.processor_name)))
        missing = tuple(sorted(one.table_name for one in expected if one.processor_name not in delivered))
        start = Start(delivered, missing, document.mode)
        return start_message(start, snapshot, self.actor, snapshot.read_time, "guard")
