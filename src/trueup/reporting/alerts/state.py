"""What a channel has been told: one document per channel and target, its fields, and their reading.

The rows and the pending message are kept as JSON text: Firestore indexes every field of a map, and 2,000 rows as maps
would come near its 40,000 index entries per document; a text is one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from trueup.results.finding import SEVERITIES

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
    severity: str
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
        "told": _dump([[key, *_row_values(row)] for key, row in sorted(told.rows.items())]),
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
    version = _typed(fields, "version", int)
    if version != VERSION:
        raise UnreadableStateError(f"it is of version {version}, and this trueup writes version {VERSION}")
    for name, expected in (("channel", channel), ("target", target)):
        if _typed(fields, name, str) != expected:
            raise UnreadableStateError(f"its {name} is {fields[name]!r}, not {expected!r}")
    text = _typed(fields, "pending", str)
    return State(channel, target, _told(fields), _pending(text) if text else None)


def _told(fields: Mapping[str, Any]) -> Told:
    sequence = _typed(fields, "sequence", int)
    if sequence < 0:
        raise UnreadableStateError(f"sequence is {sequence}")
    as_of, day = _typed(fields, "as_of", str), _typed(fields, "day", str)
    rows = _parsed("told", _typed(fields, "told", str), json.loads)
    if not isinstance(rows, list):
        raise UnreadableStateError("told is no list of findings")
    told = Told(
        sequence,
        _parsed("as_of", as_of, datetime.fromisoformat) if as_of else None,
        _parsed("day", day, date.fromisoformat) if day else None,
        dict(_row(values) for values in rows),
    )
    if told.as_of is not None and told.as_of.tzinfo is None:
        raise UnreadableStateError(f"as_of {as_of!r} has no offset")
    return told


def _pending(text: str) -> Pending:
    data = _parsed("pending", text, json.loads)
    if not isinstance(data, dict):
        raise UnreadableStateError("pending is no message")
    message = _typed(data, "message", dict)
    if not _typed(message, "message_id", str):
        raise UnreadableStateError("the pending message has no message_id")
    lease = data.get("lease_seconds")
    if isinstance(lease, bool) or not isinstance(lease, int | float) or finite(lease) is None:
        raise UnreadableStateError(f"lease_seconds is {lease!r}")
    return Pending(
        message=message,
        after=_told(_typed(data, "after", dict)),
        owner=_typed(data, "owner", str),
        attempt=_typed(data, "attempt", int),
        claimed_at=_typed(data, "claimed_at", str),
        lease_seconds=float(lease),
    )


def _row_values(row: Row) -> list[Any]:
    return [
        row.rule,
        row.severity,
        row.game_date.isoformat(),
        row.subject,
        row.observed,
        row.first_told.isoformat(),
        row.last_seen.isoformat(),
        row.is_open,
    ]


def _row(values: Any) -> tuple[str, Row]:
    try:
        key, rule, severity, game_date, subject, observed, first_told, last_seen, is_open = values
        row = Row(
            rule,
            severity,
            date.fromisoformat(game_date),
            subject,
            observed,
            date.fromisoformat(first_told),
            date.fromisoformat(last_seen),
            is_open,
        )
    except (TypeError, ValueError) as error:
        raise UnreadableStateError(f"told holds {str(values)[:100]!r}, which is no finding") from error
    is_text = all(isinstance(one, str) for one in (key, rule, subject))
    is_number = observed is None or (isinstance(observed, int | float) and not isinstance(observed, bool))
    if not (is_text and is_number and severity in SEVERITIES and isinstance(is_open, bool)):
        raise UnreadableStateError(f"told holds {str(values)[:100]!r}, which is no finding")
    return key, replace(row, observed=finite(observed))


def _typed(fields: Mapping[str, Any], name: str, kind: type[_T]) -> _T:
    value = fields.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise UnreadableStateError(f"{name} is {str(value)[:100]!r}")
    return value


def _parsed(name: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableStateError(f"{name} is {text[:100]!r}") from error


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
