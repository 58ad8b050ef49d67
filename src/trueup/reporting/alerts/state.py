"""What a channel has been told: one document per channel and target, its fields, and their reading.

The rows and the pending message are kept as JSON text: Firestore indexes every field of a map, and 2,000 rows as maps
would come near its 40,000 index entries per document; a text is one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from trueup.parsing import parse
from trueup.results.finding import SEVERITIES, Severity

# The collection of the states, in the SQLite file or in Firestore.
ALERTS = "trueup_alerts"
VERSION = 1
# Rows and pending rows, at some 210 bytes each, and one message stay below Firestore's 1 MiB.
MOST_ROWS = 2000
# How long a finding that is not looked at any more, or that was resolved, is remembered.
WATCHED_DAYS = 30
_SUBJECT_LENGTH = 60

_T = TypeVar("_T")


class UnreadableStateError(ValueError):
    """A state document is not one of this version of trueup; its text says what is wrong, with the value."""


@dataclass(frozen=True)
class Row:
    """One finding that was told. Days are Eastern. ``last_seen``: the day of the last message that knew it, for a
    closed one the day it was resolved.
    """

    rule: str
    severity: Severity
    game_date: date
    subject: str
    observed: float | None
    first_told: date
    last_seen: date
    is_open: bool = True


@dataclass(frozen=True)
class Told:
    """What the channel knows after ``sequence`` messages. ``as_of`` and ``day`` (Eastern) are those of the last one,
    None before the first.
    """

    sequence: int = 0
    as_of: datetime | None = None
    day: date | None = None
    rows: Mapping[str, Row] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """A message that somebody is about to send, and what the channel knows once it has arrived.

    ``attempt`` counts the runs that tried. ``lease_seconds``: how long the others leave it alone, from the document's
    update time on and by the store's clock.
    """

    message: Mapping[str, Any]
    after: Told
    owner: str
    attempt: int
    claimed_at: str
    lease_seconds: float

    @property
    def message_id(self) -> str:
        """The message's idempotency key."""
        return str(self.message["message_id"])


@dataclass(frozen=True)
class State:
    """One channel's document."""

    channel: str
    target: str
    told: Told = field(default_factory=Told)
    pending: Pending | None = None


def document_id(channel: str, target: str) -> str:
    """The document of a channel: the target is part of its name, the URL (a secret) is not."""
    return f"{channel}-{quote(target, safe='')}"


def row_text(text: str) -> str:
    """A subject as the state keeps it: one line, of bounded length."""
    return " ".join(text.split())[:_SUBJECT_LENGTH]


def finite(value: float | None) -> float | None:
    """A number that JSON has a form for, else None."""
    return float(value) if value is not None and math.isfinite(value) else None


def kept(rows: Mapping[str, Row], current: frozenset[str], day: date) -> dict[str, Row]:
    """The rows that the state has room for: what is there now, then what is open, then what was resolved; worst and
    newest first. What was resolved, or was open and out of every window, more than 30 days ago is not watched any more.
    """
    watched = {
        key: row for key, row in rows.items() if key in current or day - row.last_seen <= timedelta(days=WATCHED_DAYS)
    }
    order = sorted(
        watched.items(),
        key=lambda one: (
            one[0] not in current,
            not one[1].is_open,
            SEVERITIES.index(one[1].severity),
            -one[1].game_date.toordinal(),
            one[0],
        ),
    )
    return dict(order[:MOST_ROWS])


def fields_of(state: State) -> dict[str, Any]:
    """A state as a whole document."""
    return {
        "version": VERSION,
        "channel": state.channel,
        "target": state.target,
        **told_fields(state.told),
        **pending_fields(state.pending),
    }


def told_fields(told: Told) -> dict[str, Any]:
    """The fields that change when a message has been sent."""
    return {
        "sequence": told.sequence,
        "as_of": told.as_of.isoformat() if told.as_of else "",
        "day": told.day.isoformat() if told.day else "",
        "told": _dump([[key, *astuple(row)] for key, row in sorted(told.rows.items())]),
    }


def pending_fields(pending: Pending | None) -> dict[str, Any]:
    """The field that a claim sets, and a commit empties."""
    if pending is None:
        return {"pending": ""}
    return {
        "pending": _dump(
            {
                "message": dict(pending.message),
                "after": told_fields(pending.after),
                "owner": pending.owner,
                "attempt": pending.attempt,
                "claimed_at": pending.claimed_at,
                "lease_seconds": pending.lease_seconds,
            }
        )
    }


def read_state(fields: Mapping[str, Any], channel: str, target: str) -> State:
    """The state in a document. Raises UnreadableStateError for every other document, a newer version's too."""
    stored = _parsed(_Stored, json.dumps(dict(fields), default=repr), "")
    if stored.version != VERSION:
        raise UnreadableStateError(f"it is of version {stored.version}, and this trueup writes version {VERSION}")
    if (stored.channel, stored.target) != (channel, target):
        raise UnreadableStateError(
            f"its channel is {stored.channel!r} and its target is {stored.target!r}, not {channel!r} and {target!r}"
        )
    pending = _pending(stored.pending) if stored.pending else None
    return State(channel, target, _told(stored), pending)


@dataclass(frozen=True)
class _StoredTold:
    """What ``told_fields`` writes."""

    sequence: int
    as_of: str
    day: str
    told: str


@dataclass(frozen=True)
class _Stored(_StoredTold):
    """What ``fields_of`` writes."""

    version: int
    channel: str
    target: str
    pending: str


@dataclass(frozen=True)
class _StoredPending:
    """What ``pending_fields`` writes."""

    message: dict[str, Any]
    after: _StoredTold
    owner: str
    attempt: int
    claimed_at: str
    lease_seconds: float


class _StoredRow(NamedTuple):
    """A row as it is kept: a list, since the names of its fields would be most of the text."""

    key: str
    rule: str
    severity: Severity
    game_date: date
    subject: str
    observed: float | None
    first_told: date
    last_seen: date
    is_open: bool


def _told(stored: _StoredTold) -> Told:
    rows = _parsed(list[_StoredRow], stored.told, "told")
    as_of = _parsed(datetime, json.dumps(stored.as_of), "as_of") if stored.as_of else None
    if stored.sequence < 0 or (as_of is not None and as_of.tzinfo is None):
        raise UnreadableStateError(f"sequence is {stored.sequence} and as_of is {stored.as_of!r}")
    day = _parsed(date, json.dumps(stored.day), "day") if stored.day else None
    known = {row.key: Row(*row[1:5], finite(row.observed), *row[6:]) for row in rows}
    return Told(stored.sequence, as_of, day, known)


def _pending(text: str) -> Pending:
    stored = _parsed(_StoredPending, text, "pending")
    if not isinstance(stored.message.get("message_id"), str) or not stored.message["message_id"]:
        raise UnreadableStateError("the pending message has no message_id")
    if finite(stored.lease_seconds) is None:
        raise UnreadableStateError(f"lease_seconds is {stored.lease_seconds}")
    return Pending(**{**vars(stored), "after": _told(stored.after)})


def _parsed(kind: type[_T], text: str, name: str) -> _T:
    try:
        return parse(kind, text)
    except ValueError as error:
        raise UnreadableStateError(f"{name} {error}".strip()) from error


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=date.isoformat)
