"""The state of a channel, which records what was sent: one document per channel and target.

The rows and the pending message are stored as JSON text: Firestore indexes every field of a map, and 2,000 rows as maps
would come near its limit of 40,000 index entries per document. A text is one entry.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, get_type_hints
from urllib.parse import quote

from trueup.parsing import parse
from trueup.results.finding import SEVERITIES, Severity

# The collection of the state documents, in SQLite or in Firestore.
ALERTS = "trueup_alerts"
VERSION = 1
# Sent and pending rows, about 210 bytes each, and one message stay below Firestore's 1 MiB.
MOST_ROWS = 2000
# How long a row is kept after it was last seen or resolved.
KEPT_DAYS = 30
_SUBJECT_LENGTH = 60

_T = TypeVar("_T")


class UnreadableStateError(ValueError):
    """A state document is invalid or of another version; the message names the value."""


@dataclass(frozen=True)
class Row:
    """One finding that was sent. Days are Eastern. ``last_seen``: the day of the last message while the finding was
    open; once closed, the day it was resolved.
    """

    rule: str
    severity: Severity
    game_date: date
    subject: str
    observed: float | None
    first_sent: date
    last_seen: date
    is_open: bool = True


@dataclass(frozen=True)
class Pulsed:
    """What the last pulse that sent a message had examined: rules, each with a day."""

    as_of: datetime
    examined: tuple[tuple[str, date], ...]


@dataclass(frozen=True)
class Sent:
    """What was sent to the channel in ``sequence`` messages. ``as_of`` and ``day`` (Eastern) are those of the last
    message of a check, None before the first; ``pulse``: of the last message of a pulse.
    """

    sequence: int = 0
    as_of: datetime | None = None
    day: date | None = None
    pulse: Pulsed | None = None
    rows: Mapping[str, Row] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """A message that a run has claimed for sending. ``after``: the sent findings once the message has arrived.

    ``attempt`` counts the runs that tried. ``lease_seconds``: how long other runs must wait, from the document's update
    time, by the store's clock.
    """

    message: Mapping[str, Any]
    after: Sent
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
    sent: Sent = field(default_factory=Sent)
    pending: Pending | None = None


def document_id(channel: str, target: str) -> str:
    """The document of a channel and target. The URL is a secret, so it is not part of the name."""
    return f"{channel}-{quote(target, safe='')}"


def row_text(text: str) -> str:
    """A subject as the state stores it: one line of limited length."""
    return " ".join(text.split())[:_SUBJECT_LENGTH]


def finite(value: float | None) -> float | None:
    """The number, or None if JSON cannot represent it."""
    return float(value) if value is not None and math.isfinite(value) else None


def kept(rows: Mapping[str, Row], current: frozenset[str], day: date) -> dict[str, Row]:
    """At most MOST_ROWS rows: first the current findings, then open ones, then resolved ones; each worst and newest
    first. A row that is not current is dropped 30 days after ``last_seen``.
    """
    recent = {
        key: row for key, row in rows.items() if key in current or day - row.last_seen <= timedelta(days=KEPT_DAYS)
    }
    order = sorted(
        recent.items(),
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
    """All fields of a state document."""
    return {
        "version": VERSION,
        "channel": state.channel,
        "target": state.target,
        **sent_fields(state.sent),
        **pending_fields(state.pending),
    }


def sent_fields(sent: Sent) -> dict[str, Any]:
    """The fields that change when a message was sent."""
    return {
        "sequence": sent.sequence,
        "as_of": sent.as_of.isoformat() if sent.as_of else "",
        "day": sent.day.isoformat() if sent.day else "",
        "pulse": _dump(vars(sent.pulse)) if sent.pulse else "",
        "told": _dump([[key, *astuple(row)] for key, row in sorted(sent.rows.items())]),
    }


def pending_fields(pending: Pending | None) -> dict[str, Any]:
    """The field that a claim sets and a commit clears."""
    if pending is None:
        return {"pending": ""}
    message, after = dict(pending.message), sent_fields(pending.after)
    return {"pending": _dump({**vars(pending), "message": message, "after": after})}


def read_state(fields: Mapping[str, Any], channel: str, target: str) -> State:
    """The state in a document. Raises UnreadableStateError if it is invalid or has another version."""
    stored = _parsed(_Stored, json.dumps(dict(fields), default=repr), "")
    if stored.version != VERSION:
        raise UnreadableStateError(f"its version is {stored.version}, and this trueup writes version {VERSION}")
    if (stored.channel, stored.target) != (channel, target):
        raise UnreadableStateError(
            f"its channel is {stored.channel!r} and its target is {stored.target!r}, not {channel!r} and {target!r}"
        )
    pending = _pending(stored.pending) if stored.pending else None
    return State(channel, target, _sent(stored), pending)


@dataclass(frozen=True)
class _StoredSent:
    """The output of ``sent_fields``."""

    sequence: int
    as_of: str
    day: str
    told: str
    # States of earlier versions lack it.
    pulse: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class _Stored(_StoredSent):
    """The output of ``fields_of``."""

    version: int
    channel: str
    target: str
    pending: str


@dataclass(frozen=True)
class _StoredPending:
    """The output of ``pending_fields``."""

    message: dict[str, Any]
    after: _StoredSent
    owner: str
    attempt: int
    claimed_at: str
    lease_seconds: float


# A row is stored as its key and its values, because field names would take most of the text.
_STORED_ROW: Any = tuple[(str, *get_type_hints(Row).values())]  # type: ignore[misc]


def _sent(stored: _StoredSent) -> Sent:
    rows: list[Any] = _parsed(list[_STORED_ROW], stored.told, "told")
    as_of = _parsed(datetime, json.dumps(stored.as_of), "as_of") if stored.as_of else None
    pulse = _parsed(Pulsed, stored.pulse, "pulse") if stored.pulse else None
    if stored.sequence < 0 or any(one and one.tzinfo is None for one in (as_of, pulse and pulse.as_of)):
        raise UnreadableStateError(f"sequence is {stored.sequence} and as_of is {stored.as_of!r}")
    day = _parsed(date, json.dumps(stored.day), "day") if stored.day else None
    known = ((key, Row(*values)) for key, *values in rows)
    finites = {key: replace(row, observed=finite(row.observed)) for key, row in known}
    return Sent(stored.sequence, as_of, day, pulse, finites)


def _pending(text: str) -> Pending:
    stored = _parsed(_StoredPending, text, "pending")
    if not isinstance(stored.message.get("message_id"), str) or not stored.message["message_id"]:
        raise UnreadableStateError("the pending message has no message_id")
    if finite(stored.lease_seconds) is None:
        raise UnreadableStateError(f"lease_seconds is {stored.lease_seconds}")
    return Pending(**{**vars(stored), "after": _sent(stored.after)})


def _parsed(kind: type[_T], text: str, name: str) -> _T:
    try:
        return parse(kind, text)
    except ValueError as error:
        raise UnreadableStateError(f"{name} {error}".strip()) from error


def _dump(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=lambda one: one.isoformat()
    )
