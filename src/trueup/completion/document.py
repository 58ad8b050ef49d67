"""A completion document, read: who delivered what and when, and what cannot be read of it."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from trueup.completion.encoding import parse_timestamp
from trueup.completion.roster import Roster
from trueup.completion.store import Snapshot

DEFAULT_MODE = "overnight"
_DELIVERED = frozenset({"success", "complete", "completed", "partial"})
# Firestore's own limit. Beyond it a count cannot come from there, nor be a float afterwards.
_GREATEST_COUNT = 2**63 - 1


@dataclass(frozen=True)
class ProcessorReport:
    """What one processor reported. ``completed_at`` is None where it did not say."""

    processor_name: str
    status: str
    is_delivered: bool
    completed_at: datetime | None = None
    record_count: int | None = None
    is_incremental: bool = False


@dataclass(frozen=True)
class Document:
    """A document that can be read; ``reports`` by processor, in snake_case."""

    document_id: str
    mode: str
    reports: Mapping[str, ProcessorReport]
    completed_count: int | None
    is_triggered: bool
    triggered_at: datetime | None
    last_update_at: datetime | None
    update_time: datetime

    def has_delivered(self, processor_name: str) -> bool:
        """Whether the processor's report says that it delivered."""
        report = self.reports.get(processor_name)
        return report is not None and report.is_delivered


@dataclass(frozen=True)
class Unreadable:
    """A document that cannot be read, and every reason, with the path of the field."""

    document_id: str
    problems: tuple[str, ...] = field(default_factory=tuple)


def processor_name(key: str) -> str:
    """The name a key means: ``PlayerGameSummaryProcessor`` is ``player_game_summary``."""
    if key != key.lower():
        # A key that is nothing but the suffix keeps it: a finding needs a subject.
        key = re.sub(r"(?<=.)Processor$", "", key)
        key = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
    return key


def read_document(snapshot: Snapshot, roster: Roster) -> Document | Unreadable:
    """Read a document of any content; never raises."""
    problems: list[str] = []
    fields = snapshot.fields
    reports: dict[str, ProcessorReport] = {}
    for key, value in _entries(fields):
        report = _report(key, value, problems)
        if report is not None:
            known = reports.get(report.processor_name)
            reports[report.processor_name] = _better(known, report) if known else report
    mode = fields.get("_mode")
    if mode is None:
        mode = DEFAULT_MODE
    elif not isinstance(mode, str) or mode not in roster.modes:
        problems.append(f"_mode is {_shown(mode)}, none of {', '.join(sorted(roster.modes))}")
        mode = DEFAULT_MODE
    triggered = fields.get("_triggered")
    if triggered is not None and not isinstance(triggered, bool):
        problems.append(f"_triggered is {_shown(triggered)}, not true or false")
    document = Document(
        document_id=snapshot.document_id,
        mode=mode,
        reports=reports,
        completed_count=_count(fields.get("_completed_count"), "_completed_count", problems),
        is_triggered=triggered is True,
        triggered_at=_moment(fields.get("_triggered_at"), "_triggered_at", problems),
        last_update_at=_moment(fields.get("_last_update"), "_last_update", problems),
        update_time=snapshot.update_time,
    )
    return Unreadable(snapshot.document_id, tuple(problems)) if problems else document


def _entries(fields: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What processors wrote, by key in order: all that is not metadata."""
    entries = [(str(key), value) for key, value in fields.items()]
    return sorted((one for one in entries if not one[0].startswith("_")), key=lambda one: one[0])


def _report(key: str, value: Any, problems: list[str]) -> ProcessorReport | None:
    if not isinstance(value, Mapping):
        problems.append(f"{key} is {_shown(value)}, not a map")
        return None
    status = value.get("status")
    if not isinstance(status, str):
        problems.append(f"{key}.status is {_shown(status)}, not a text")
    # Read on after a bad status: whoever mends the document wants to hear everything at once.
    name = "completed_at" if value.get("completed_at") is not None else "timestamp"
    return ProcessorReport(
        processor_name=processor_name(key),
        status=status if isinstance(status, str) else "",
        is_delivered=isinstance(status, str) and status.strip().lower() in _DELIVERED,
        completed_at=_moment(value.get(name), f"{key}.{name}", problems),
        record_count=_count(value.get("record_count"), f"{key}.record_count", problems),
        is_incremental=value.get("is_incremental") is True,
    )


def _better(one: ProcessorReport, other: ProcessorReport) -> ProcessorReport:
    """Of two reports of one processor: the one that delivered, else the later."""
    if one.is_delivered != other.is_delivered:
        return one if one.is_delivered else other
    beginning = datetime.min.replace(tzinfo=UTC)
    return max(one, other, key=lambda report: report.completed_at or beginning)


def _count(value: Any, path: str, problems: list[str]) -> int | None:
    if value is None:
        return None
    # Firestore gives whole numbers back as floats where a writer had made them so.
    count = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _GREATEST_COUNT:
        problems.append(f"{path} is {_shown(value)}, not a count")
        return None
    return count


def _moment(value: Any, path: str, problems: list[str]) -> datetime | None:
    """A moment in UTC. One without an offset is nobody's moment: writers run in several zones."""
    if value is None:
        return None
    moment = value
    if isinstance(value, str):
        try:
            moment = parse_timestamp(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime):
        problems.append(f"{path} is {_shown(value)}, not a moment")
        return None
    if moment.tzinfo is None:
        problems.append(f"{path} is {_shown(value)}, a moment without an offset")
        return None
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        problems.append(f"{path} is {_shown(value)}, out of range")
        return None


def _shown(value: Any) -> str:
    """A value in a few words, whatever its length and depth: repr() alone fails on the extremes."""
    try:
        text = reprlib.repr(value)
    except ValueError:  # Python refuses to write out an integer of thousands of digits
        return f"a value of type {type(value).__name__}, too long to print"
    return text if len(text) <= 60 else f"{text[:57]}..."
