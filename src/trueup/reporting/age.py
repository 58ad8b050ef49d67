"""The age of a report: in words, and whether it is too old to send. Pure."""

from datetime import datetime, timedelta

from trueup.errors import CannotCheckError, UsageError
from trueup.plural import counted
from trueup.reporting.page.wording import utc
from trueup.results.report import Report

# A check runs every morning: a report older than half a day is not from today.
MOST_HOURS = 12.0
# How much the clocks of two machines may differ.
_CLOCK_TOLERANCE = timedelta(minutes=5)


def age_in_words(report: Report, now: datetime) -> str:
    """When a report was written, and its age: ``2026-02-04 08:03 UTC, 26 hours ago``."""
    if report.written_at is None:
        return "at an unknown time"
    written = utc(report.written_at.replace(second=0))
    age = now - report.written_at
    if age < -_CLOCK_TOLERANCE:
        return f"{written}, which is in the future on this machine's clock"
    return f"{written}, {_ago(age)}"


def is_old(report: Report, now: datetime, most_hours: float = MOST_HOURS) -> bool:
    """Whether a report is older than ``most_hours``. A report without ``written_at`` counts as older."""
    return report.written_at is None or (now - report.written_at) / timedelta(hours=1) > most_hours


def refuse_old(report: Report, now: datetime, most_hours: float = MOST_HOURS) -> None:
    """Raise CannotCheckError for a report older than ``most_hours`` (UsageError if not above 0), or from the future."""
    if not most_hours > 0:  # also refuses NaN
        raise UsageError(f"--max-age is {most_hours:g}.", "Give a number of hours above 0.")
    if is_old(report, now, most_hours):
        raise CannotCheckError(
            f"The last report was written {age_in_words(report, now)}: it is older than {most_hours:g} hours, "
            "so nothing was sent.",
            "Run trueup check again, or give --max-age HOURS.",
        )
    if report.written_at is not None and report.written_at - now > _CLOCK_TOLERANCE:
        raise CannotCheckError(
            f"The last report was written {age_in_words(report, now)}, so nothing was sent.",
            "Correct the clock, then run trueup check again.",
        )


def _ago(age: timedelta) -> str:
    minutes = int(age / timedelta(minutes=1))
    if minutes < 1:
        return "less than a minute ago"
    if minutes < 60:
        return f"{counted(minutes, 'minute')} ago"
    hours = minutes // 60
    return f"{counted(hours, 'hour') if hours < 48 else counted(hours // 24, 'day')} ago"
