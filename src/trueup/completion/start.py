"""The start of phase 4: its message, and the port that sends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from trueup.completion.document import processor_name
from trueup.completion.encoding import encode_document
from trueup.completion.store import Snapshot

_ENTITIES = ("players", "teams")
# Who starts phase 4, and the reasons that it gives: all have delivered, or enough of them.
Source = Literal["reconciliation", "guard"]
_REASONS = {
    "reconciliation": ("reconciled_all_complete", "reconciled_graceful"),
    "guard": ("all_complete", "graceful"),
}


class Phase4Topic(Protocol):
    """The topic of the phase 4 start message: Pub/Sub, or the embedded SQLite file."""

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        """Send one message and return its id.

        Raises PublishError, also if it is unknown whether the message arrived. Waits at most about ten seconds.
        """

    def problem(self) -> str:
        """Why the topic cannot be looked up; "" if it is there. Sends nothing."""

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True)
class Start:
    """The input of phase 4. ``delivered``: the processors that have delivered; for a repair, rows prove it.

    ``missing_tables``: the other tables of the roster, which the graceful rule does not require.
    """

    delivered: tuple[str, ...]
    missing_tables: tuple[str, ...]
    mode: str


def start_message(
    start: Start, snapshot: Snapshot, actor: str, now: datetime, source: Source = "reconciliation"
) -> dict[str, Any]:
    """The message that the platform's orchestrator would send, from a complete document.

    Only the reconciliation has compared the reports with the rows (``data_freshness_verified``).
    """
    reports = [
        value
        for key, value in sorted(snapshot.fields.items())
        if isinstance(value, Mapping) and processor_name(key) in start.delivered
    ]
    message = {
        "game_date": snapshot.document_id,
        "correlation_id": _last_text(reports, "correlation_id") or f"trueup-{snapshot.document_id}",
        "trigger_source": source,
        "triggered_by": actor,
        "upstream_processors_count": len(start.delivered),
        "timestamp": now.isoformat(),
        "mode": start.mode,
        "trigger_reason": _REASONS[source][bool(start.missing_tables)],
        "entities_changed": {kind: _merged(reports, kind) for kind in _ENTITIES},
        # If any report is of a full run, the listed changes are incomplete and phase 4 needs a full run.
        "is_incremental": bool(reports) and all(report.get("is_incremental") is True for report in reports),
        "data_freshness_verified": source == "reconciliation",
        "missing_tables": list(start.missing_tables),
    }
    return encode_document(message)


def _merged(reports: list[Mapping[str, Any]], kind: str) -> list[str]:
    """The distinct changed players or teams of all reports. Values of other types are ignored."""
    merged: set[str] = set()
    for report in reports:
        changed = report.get("entities_changed")
        names = changed.get(kind) if isinstance(changed, Mapping) else None
        if isinstance(names, list):
            merged.update(name for name in names if isinstance(name, str))
    return sorted(merged)


def _last_text(reports: list[Mapping[str, Any]], name: str) -> str:
    return next((report[name] for report in reversed(reports) if isinstance(report.get(name), str)), "")
