"""Numbers, timestamps and names as text. Pure."""

from datetime import UTC, date, datetime
from math import isfinite
from zoneinfo import ZoneInfo

from trueup.plural import counted
from trueup.reporting.stories.titles import duration, listed
from trueup.window import EASTERN

__all__ = ["counted", "day_span", "duration", "eastern", "listed", "measure", "number", "plain", "size", "utc"]

# The unit of a rule's numbers, if it has only one.
UNITS = {
    **dict.fromkeys(("LATE001", "LATE002", "LATE003", "TRIG001", "TRIG002"), "minutes"),
    **dict.fromkeys(("LATE004", "DONE009", "SCHED001"), "games"),
    **dict.fromkeys(("DUP003", "DONE002", "DONE003", "EXP001", "EXP002", "EXP003", "EXP004"), "rows"),
    **dict.fromkeys(("DUP002", "DUP005", "DONE004"), "keys"),
    **dict.fromkeys(("DONE001", "TRIG003"), "processors"),
    "DUP001": "excess rows",
}


def number(value: float | None) -> str:
    """``1,234``, ``10.4``; one decimal, or two digits below 1."""
    if value is None:
        return "unknown"
    if not isfinite(value):
        return f"{value}"
    if value == int(value):
        return f"{int(value):,}"
    text = f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2g}"
    return text.removesuffix(".0")


def measure(value: float | None, unit: str) -> str:
    """A value with its unit: ``405 min = 6 h 45 min``, ``10.4 %``, ``72 excess rows``."""
    if value is None:
        return "unknown"
    if unit == "percent":
        return f"{number(value)} %"
    if unit == "minutes":
        return f"{number(value)} min" + (f" = {duration(value)}" if abs(value) >= 60 else "")
    return f"{number(value)} {unit[:-1] if value == 1 and unit.endswith('s') else unit}".strip()


def size(count: int | None) -> str:
    """Bytes in decimal units: ``1.2 MB``."""
    if count is None:
        return "not measured"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{number(round(value, 1))} {unit}"
        value /= 1000
    return f"{number(round(value, 1))} TB"


def seconds(value: float) -> str:
    """``0.25 s``, ``17.5 s``, ``2 min 5 s``."""
    if value < 60:
        return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
    return f"{int(value // 60)} min {value % 60:.0f} s"


def utc(timestamp: datetime) -> str:
    """``2026-02-04 20:00:06 UTC``."""
    return f"{_clocked(timestamp.astimezone(UTC))} UTC"


def eastern(timestamp: datetime) -> str:
    """``2026-02-04 15:00:06 ET``."""
    return f"{_clocked(timestamp.astimezone(EASTERN))} ET"


def local(timestamp: datetime, zone: ZoneInfo) -> str:
    """``2026-02-04 15:00``, in the local time of ``zone``."""
    return _clocked(timestamp.astimezone(zone))


def _clocked(timestamp: datetime) -> str:
    return f"{timestamp:%Y-%m-%d %H:%M:%S}" if timestamp.second else f"{timestamp:%Y-%m-%d %H:%M}"


def day_name(day: date) -> str:
    """``Tuesday, 3 February 2026``."""
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def day_span(first: date, last: date) -> str:
    """``2026-02-03``, or ``2026-02-01 to 2026-02-07``."""
    return f"{first}" if first == last else f"{first} to {last}"


def plain(name: str) -> str:
    """An identifier as words: ``first_written_at`` is ``first written at``."""
    return name.replace("_", " ").replace("phase4", "phase 4")
