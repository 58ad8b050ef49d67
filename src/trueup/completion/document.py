"""Reads a completion document: the reports of the processors, or why it cannot be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from trueup.completion.encoding import parse_timestamp
from trueup.completion.roster import Roster
from trueup.completion.store import Snapshot
from trueup.plain import shown

DEFAULT_MODE = "overnight"
# A map: by processor, its last report of a failure. The guard writes it, so that a failure does not replace a delivery.
FAILURES = "_failures"
_DELIVERED = frozenset({"success", "complete", "completed", "partial"})
# The largest integer of Firestore.
_GREATEST_COUNT = 2**63 - 1


@dataclass(frozen=True)
class Failure:
    """A report of a failure that is kept beside the processor's entry. ``completed_at`` is None if it has no time."""

    status: str
    completed_at: datetime | None


@dataclass(frozen=True)
class ProcessorReport:
    """One processor's report. ``completed_at`` is None if the report has no time. ``last_failure``: kept beside it."""

    processor_name: str
    status: str
    is_delivered: bool
    completed_at: datetime | None = None
    record_count: int | None = None
    is_incremental: bool = False
    last_failure: Failure | None = None

    @property
    def later_failure(self) -> Failure | None:
        """The failure that was reported after this delivery. Without both times, it is taken for the later one."""
        failure = self.last_failure
        if failure is None or not self.is_delivered:
            return None
        if self.completed_at is None or failure.completed_at is None:
            return failure
        return None if self.completed_at > failure.completed_at else failure


@dataclass(frozen=True)
class Document:
    """A readable document. ``reports`` by processor name in snake_case."""

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

    def delivered(self, roster: Roster) -> tuple[str, ...]:
        """The processors of any mode that have delivered, sorted: ``_completed_count`` is their number."""
        return tuple(sorted(name for name in self.reports if name in roster.processors and self.has_delivered(name)))


@dataclass(frozen=True)
class Unreadable:
    """A document that cannot be read. ``problems``: every reason, with the path of the field."""

    document_id: str
    problems: tuple[str, ...] = field(default_factory=tuple)


def processor_name(key: str) -> str:
    """The processor name of a key: ``PlayerGameSummaryProcessor`` is ``player_game_summary``."""
    if key != key.lower():
        # The key "Processor" is not cut to "": a finding needs a subject.
        key = re.sub(r"(?<=.)Processor$", "", key)
        key = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
    return key


def is_delivered_status(status: str) -> bool:
    """Whether a report of this status says that the processor delivered."""
    return status.strip().lower() in _DELIVERED


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
    for name, failure in _failures(fields.get(FAILURES), problems):
        # Until its writer has copied it to the entry, the failure is the only report.
        report = reports.get(name) or ProcessorReport(name, failure.status, False, failure.completed_at)
        reports[name] = replace(report, last_failure=failure)
    mode = fields.get("_mode")
    if mode is None:
        mode = DEFAULT_MODE
    elif not isinstance(mode, str) or mode not in roster.modes:
        problems.append(f"_mode is {shown(mode)}, expected one of {', '.join(sorted(roster.modes))}")
        mode = DEFAULT_MODE
    triggered = fields.get("_triggered")
    if triggered is not None and not isinstance(triggered, bool):
        problems.append(f"_triggered is {shown(triggered)}, expected true or false")
    document = Document(
        document_id=snapshot.document_id,
        mode=mode,
        reports=reports,
        completed_count=_count(fields.get("_completed_count"), "_completed_count", problems),
        is_triggered=triggered is True,
        triggered_at=_timestamp(fields.get("_triggered_at"), "_triggered_at", problems),
        last_update_at=_timestamp(fields.get("_last_update"), "_last_update", problems),
        update_time=snapshot.update_time,
    )
    return Unreadable(snapshot.document_id, tuple(problems)) if problems else document


def _entries(fields: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The entries of the processors, sorted by key. Keys that begin with _ are metadata."""
    entries = [(str(key), value) for key, value in fields.items()]
    return sorted((one for one in entries if not one[0].startswith("_")), key=lambda one: one[0])


def _report(key: str, value: Any, problems: list[str], within: str = "") -> ProcessorReport | None:
    path = within + key
    if not isinstance(value, Mapping):
        problems.append(f"{path} is {shown(value)}, expected a map")
        return None
    status = value.get("status")
    if not isinstance(status, str):
        problems.append(f"{path}.status is {shown(status)}, expected a text")
    # Read on after an invalid status, to list all problems at once.
    name = "completed_at" if value.get("completed_at") is not None else "timestamp"
    return ProcessorReport(
        processor_name=processor_name(key),
        status=status if isinstance(status, str) else "",
        is_delivered=isinstance(status, str) and is_delivered_status(status),
        completed_at=_timestamp(value.get(name), f"{path}.{name}", problems),
        record_count=_count(value.get("record_count"), f"{path}.record_count", problems),
        is_incremental=value.get("is_incremental") is True,
    )


def _failures(value: Any, problems: list[str]) -> list[tuple[str, Failure]]:
    """The failures that are kept beside the entries, by processor name."""
    if value is None:
        return []
    if not isinstance(value, Mapping):
        problems.append(f"{FAILURES} is {shown(value)}, expected a map")
        return []
    reports = [_report(str(key), one, problems, f"{FAILURES}.") for key, one in value.items()]
    return [(one.processor_name, Failure(one.status, one.completed_at)) for one in reports if one is not None]


def _better(one: ProcessorReport, other: ProcessorReport) -> ProcessorReport:
    """Selects one of two reports of a processor: the delivered one, else the later one."""
    if one.is_delivered != other.is_delivered:
        return one if one.is_delivered else other
    beginning = datetime.min.replace(tzinfo=UTC)
    return max(one, other, key=lambda report: report.completed_at or beginning)


def _count(value: Any, path: str, problems: list[str]) -> int | None:
    if value is None:
        return None
    # Firestore returns whole numbers as floats if they were written as floats.
    count = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _GREATEST_COUNT:
        problems.append(f"{path} is {shown(value)}, expected a count")
        return None
    return count


def _timestamp(value: Any, path: str, problems: list[str]) -> datetime | None:
    """A timestamp in UTC. It needs an offset, because writers run in several time zones."""
    if value is None:
        return None
    timestamp = value
    if isinstance(value, str):
        try:
            timestamp = parse_timestamp(value)
        except ValueError:
            timestamp = None
    if not isinstance(timestamp, datetime):
        problems.append(f"{path} is {shown(value)}, expected a timestamp")
        return None
    if timestamp.tzinfo is None:
        problems.append(f"{path} is {shown(value)}, a timestamp without an offset")
        return None
    try:
        return timestamp.astimezone(UTC)
    except (OverflowError, ValueError):
        problems.append(f"{path} is {shown(value)}, out of range")
        return None
