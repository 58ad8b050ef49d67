"""The checked days and the time as of which they are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from trueup.errors import UsageError

EASTERN = ZoneInfo("America/New_York")
DEFAULT_DAYS = 7


@dataclass(frozen=True)
class Window:
    """The checked Eastern days, both included, and the moment that the check speaks of."""

    first_date: date
    last_date: date
    as_of: datetime

    @property
    def dates(self) -> tuple[date, ...]:
        """Every checked day, in order."""
        count = (self.last_date - self.first_date).days + 1
        return tuple(self.first_date + timedelta(days=offset) for offset in range(count))


def window_vars(window: Window, others: Mapping[str, Any]) -> dict[str, Any]:
    """A window as dbt vars, beside the other ones."""
    return {
        **others,
        "as_of": window.as_of.isoformat(),
        "first_date": window.first_date.isoformat(),
        "last_date": window.last_date.isoformat(),
    }


def make_window(
    first_date: str | None,
    last_date: str | None,
    days: int | None,
    as_of: str | None,
    now: datetime,
) -> Window:
    """The days to check; without any, the seven Eastern days that end the day before ``as_of``.

    Raises UsageError with the wrong value and the form it should have.
    """
    moment = _moment(as_of) if as_of else now
    last = _date("--last-date", last_date) if last_date else None
    first = _date("--first-date", first_date) if first_date else None
    if days is not None and days < 1:
        raise UsageError(f"--days is {days}.", "Give a number of days from 1 on.")
    if days is not None and first is not None:
        raise UsageError("--days and --first-date say the same thing twice.", "Give one of them.")
    if last is None:
        yesterday = moment.astimezone(EASTERN).date() - timedelta(days=1)
        last = max(first, yesterday) if first else yesterday
    if first is None:
        first = _days_before(last, days or DEFAULT_DAYS)
    if first > last:
        raise UsageError(f"--first-date {first} is after --last-date {last}.", "Swap the two dates.")
    return Window(first, last, moment)


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def _days_before(last: date, days: int) -> date:
    """The first of so many days that end at ``last``."""
    try:
        return last - timedelta(days=days - 1)
    except OverflowError as error:
        raise UsageError(f"--days {days} begins before the year 1.", "Give fewer days.") from error


def _date(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a date.", "Write it as in 2026-02-03.") from error


def _moment(text: str) -> datetime:
    wanted = "Write it as in 2026-02-04T16:00:00-05:00."
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise UsageError(f"--as-of {text!r} is not a moment.", wanted) from error
    if moment.tzinfo is None:
        raise UsageError(f"--as-of {text!r} has no offset.", wanted)
    if not 1 < moment.year < MAXYEAR:  # elsewhere it may be in a year that there is not
        raise UsageError(f"--as-of {text!r} is in the year {moment.year}.", wanted)
    return moment
