"""Phase 4's start: what is known when it starts, the message that says it, and the port that sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from trueup.completion.document import processor_name
from trueup.completion.encoding import encode_document
from trueup.completion.store import Snapshot

_ENTITIES = ("players", "teams")


class Phase4Topic(Protocol):
    """Where the message that starts phase 4 goes: Pub/Sub, or the embedded SQLite file."""

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        """Send one message and return its id.

        Raises PublishError, also when nobody knows whether it arrived; waits no longer than about ten seconds.
        """

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True)
class Start:
    """What phase 4 starts from. ``delivered``: processors whose rows are proved complete; ``missing_tables``: tables of
    the roster that are not, which the graceful rule allows.
    """

    delivered: tuple[str, ...]
    missing_tables: tuple[str, ...]
    mode: str


def start_message(start: Start, snapshot: Snapshot, actor: str, now: datetime) -> dict[str, Any]:
    """The message of the platform's orchestrator, with its fields, from the document that is complete."""
    reports = [
        value
        for key, value in sorted(snapshot.fields.items())
        if isinstance(value, Mapping) and processor_name(key) in start.delivered
    ]
    message = {
        "game_date": snapshot.document_id,
        "correlation_id": _last_text(reports, "correlation_id") or f"trueup-{snapshot.document_id}",
        "trigger_source": "reconciliation",
        "triggered_by": actor,
        "upstream_processors_count": len(start.delivered),
        "timestamp": now.isoformat(),
        "mode": start.mode,
        "trigger_reason": "reconciled_all_complete" if not start.missing_tables else "reconciled_graceful",
        "entities_changed": {kind: _merged(reports, kind) for kind in _ENTITIES},
        # One full run among them makes the whole a full run: the changes of the others are not all there is.
        "is_incremental": bool(reports) and all(report.get("is_incremental") is True for report in reports),
        "data_freshness_verified": True,
        "missing_tables": list(start.missing_tables),
    }
    return encode_document(message)


def _merged(reports: list[Mapping[str, Any]], kind: str) -> list[str]:
    """The changed players or teams of all reports, once each; what is no list of texts is left out."""
    merged: set[str] = set()
    for report in reports:
        changed = report.get("entities_changed")
        names = changed.get(kind) if isinstance(changed, Mapping) else None
        if isinstance(names, list):
            merged.update(name for name in names if isinstance(name, str))
    return sorted(merged)


def _last_text(reports: list[Mapping[str, Any]], name: str) -> str:
    return next((report[name] for report in reversed(reports) if isinstance(report.get(name), str)), "")
