"""What a processor may report: each value is checked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from trueup.completion.document import is_delivered_status, processor_name
from trueup.completion.roster import Roster
from trueup.errors import UsageError
from trueup.plain import shown

# The largest integer of Firestore.
_GREATEST_COUNT = 2**63 - 1
_KINDS = ("players", "teams")
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Report:
    """A checked report. ``values``: the entry without ``completed_at``, which is None for the store's time."""

    document_id: str
    processor: str
    is_delivered: bool
    completed_at: datetime | None
    mode: str | None
    values: Mapping[str, Any]


def checked_report(
    roster: Roster,
    game_date: str | date,
    processor: str,
    status: str,
    completed_at: datetime | None,
    mode: str | None,
    **values: Any,
) -> Report:
    """The report, or UsageError with the wrong value and what to pass instead. Values of None are left out."""
    if not is_text(status) or not status.strip():
        raise UsageError(f"The status is {shown(status)}, expected a text.", "Pass success, partial or failed.")
    if completed_at is not None and not _is_time(completed_at):
        raise UsageError(
            f"completed_at is {shown(completed_at)}, expected a datetime with a time zone, of the years 1 to 9999.",
            "Use UTC.",
        )
    if mode is not None and (not isinstance(mode, str) or mode not in roster.modes):
        modes = ", ".join(sorted(roster.modes))
        raise UsageError(f"The roster has no mode {shown(mode)}.", f"Pass one of {modes}, or add it to the roster.")
    entry = {"status": status, **{name: _checked(name, one) for name, one in values.items() if one is not None}}
    if mode is not None:
        entry["mode"] = mode
    # Ten entries (five processors, each with a failure) must fit into a document of Firestore, of 1 MiB.
    if (size := len(json.dumps(entry, ensure_ascii=False).encode())) > _MOST_BYTES:
        raise UsageError(
            f"The report has {size:,} bytes; it may have {_MOST_BYTES:,}.",
            "Leave entities_changed and is_incremental out: phase 4 then works on all of them.",
        )
    return Report(
        document_id=date_text(game_date),
        processor=_known(roster, processor),
        is_delivered=is_delivered_status(status),
        completed_at=completed_at,
        mode=mode,
        values=entry,
    )


def date_text(game_date: str | date, name: str = "game_date") -> str:
    """A date as ``YYYY-MM-DD``. Raises UsageError, also for a datetime: its date depends on a time zone."""
    if isinstance(game_date, date) and not isinstance(game_date, datetime):
        return game_date.isoformat()
    try:
        is_date = isinstance(game_date, str) and date.fromisoformat(game_date).isoformat() == game_date
    except ValueError:
        is_date = False
    if not is_date:
        raise UsageError(f"{name} is {shown(game_date)}, expected a date.", "Pass the Eastern date as YYYY-MM-DD.")
    return str(game_date)


def _known(roster: Roster, processor: str) -> str:
    name = processor_name(processor) if isinstance(processor, str) else ""
    if name not in roster.processors:
        known = ", ".join(sorted(roster.processors))
        raise UsageError(
            f"The roster has no processor {shown(processor)}.", f"Pass one of {known}, or add it to the roster."
        )
    return name


def _checked(name: str, value: Any) -> Any:
    if name == "record_count":
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _GREATEST_COUNT:
            raise UsageError(f"record_count is {shown(value)}, expected a count.", "Pass the number of rows written.")
    elif name == "is_incremental":
        if not isinstance(value, bool):
            raise UsageError(f"is_incremental is {shown(value)}, expected true or false.")
    elif name == "entities_changed":
        return _checked_entities(value)
    elif not is_text(value):
        raise UsageError(f"{name} is {shown(value)}, expected a text.")
    return value


def _checked_entities(value: Any) -> dict[str, list[str]]:
    hint = 'Pass lists of names: {"players": ["…"], "teams": ["…"]}.'
    if not isinstance(value, Mapping) or not set(value) <= set(_KINDS):
        raise UsageError(f"entities_changed is {shown(value)}, expected a map of players and teams.", hint)
    for kind, names in value.items():
        if isinstance(names, str) or not isinstance(names, Sequence) or not all(map(is_text, names)):
            raise UsageError(f"entities_changed.{kind} is {shown(names)}, expected a list of names.", hint)
    return {kind: list(names) for kind, names in value.items()}


def _is_time(value: Any) -> bool:
    """Whether it is a moment that Firestore can store."""
    try:
        return isinstance(value, datetime) and value.utcoffset() is not None and value.astimezone(UTC) is not None
    except (OverflowError, ValueError, TypeError):
        return False


def is_text(value: Any) -> bool:
    """Whether Firestore can store it as a text: half of a surrogate pair is none."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
