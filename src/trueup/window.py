"""The checked days and the as-of timestamp."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from trueup.errors import UsageError

EASTERN = ZoneInfo("America/New_York")
DEFAULT_DAYS = 7
# Of a pulse: today and yesterday.
PULSE_DAYS = 2
# Ten years. A check of more days would run for hours.
MOST_DAYS = 3660
_YEARS = range(1900, 2200)
# The forms that the macro check_window accepts.
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(rf"{_DAY.pattern}[T ]\d{{2}}:\d{{2}}(:\d{{2}}([.]\d+)?)?([+-](0\d|1[0-4]):[0-5]\d|Z)?", re.ASCII)
# The vars of a window in dbt.
WINDOW_VARS = ("as_of", "first_date", "last_date")


@dataclass(frozen=True)
class Window:
    """The checked Eastern days, first and last included, and the timestamp that the check is evaluated as of."""

    first_date: date
    last_date: date
    as_of: datetime

    @property
    def dates(self) -> tuple[date, ...]:
        """Every checked day, in order."""
        count = (self.last_date - self.first_date).days + 1
        return tuple(self.first_date + timedelta(days=offset) for offset in range(count))


def window_vars(window: Window, others: Mapping[str, Any]) -> dict[str, Any]:
    """``others`` plus the window, as dbt vars."""
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
    zone: ZoneInfo = EASTERN,
) -> Window:
    """The days to check. Default: the seven days in ``zone`` before that of ``as_of``. Raises UsageError.

    The macro check_window gives dbt the same days.
    """
    evaluated_at = _timestamp(as_of) if as_of else now
    last = _date("--last-date", last_date) if last_date else None
    first = _date("--first-date", first_date) if first_date else None
    if days is not None and days < 1:
        raise UsageError(f"--days {days} is less than 1.", "Use 1 or more.")
    if days is not None and first is not None:
        raise UsageError("--days conflicts with --first-date.", "Use only one of them.")
    if last is None:
        yesterday = evaluated_at.astimezone(zone).date() - timedelta(days=1)
        last = max(first, yesterday) if first else yesterday
    if first is None:
        first = _days_before(last, days or DEFAULT_DAYS)
    if first > last:
        raise UsageError(f"--first-date {first} is after --last-date {last}.", "Swap the two dates.")
    if (last - first).days >= MOST_DAYS:
        raise UsageError(f"{first} to {last} are more than {MOST_DAYS} days.", "Check fewer days at once.")
    return Window(first, last, evaluated_at)


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def _days_before(last: date, days: int) -> date:
    """The first day of a period of ``days`` days that ends at ``last``."""
    try:
        return last - timedelta(days=days - 1)
    except OverflowError as error:
        raise UsageError(f"--days {days} begins before the year 1.", "Use fewer days.") from error


def _date(option: str, text: str) -> date:
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a date.", "Use the form 2026-02-03.") from error
    if day.year not in _YEARS:
        raise UsageError(f"{option} {text!r} is out of range.", f"Use a year from {_YEARS[0]} to {_YEARS[-1]}.")
    return day


def _timestamp(text: str) -> datetime:
    expected = "Use the form 2026-02-04T16:00:00-05:00."
    try:
        timestamp = datetime.fromisoformat(text.replace("Z", "+00:00") if _MOMENT.fullmatch(text) else "")
    except ValueError as error:
        raise UsageError(f"--as-of {text!r} is not a timestamp.", expected) from error
    if timestamp.tzinfo is None:
        raise UsageError(f"--as-of {text!r} has no offset.", expected)
    if timestamp.year not in _YEARS:
        raise UsageError(f"--as-of {text!r} is out of range.", f"Use a year from {_YEARS[0]} to {_YEARS[-1]}.")
    return timestamp
