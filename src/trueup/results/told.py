"""What a pulse tells, and when; how much earlier that is than a daily check."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from trueup.plain import Plain
from trueup.plural import duration
from trueup.results.finding import Severity
from trueup.window import EASTERN

Telling = Literal["told", "worse", "closed"]


@dataclass(frozen=True)
class Told(Plain):
    """One finding, told or closed at a time (UTC). ``text``: its summary, or why it was closed, "" if there is none."""

    at: datetime
    kind: Telling
    rule: str
    game_date: date
    subject: str
    severity: Severity
    text: str


# When a daily check runs, and when the first scripts ran.
CHECKED = time(8)


def next_check(at: datetime) -> datetime:
    """The first daily check at or after a time."""
    local = at.astimezone(EASTERN)
    check = datetime.combine(local.date(), CHECKED, EASTERN)
    return check if check >= local else datetime.combine(local.date() + timedelta(days=1), CHECKED, EASTERN)


def before_check(at: datetime) -> str:
    """How long before the next daily check, in words; "" at its time."""
    minutes = _minutes_before_check(at)
    return f"{duration(minutes)} before the next check" if minutes else ""


def lead_over_checks(timeline: tuple[Told, ...]) -> str:
    """One sentence: how much earlier the findings were told than by a daily check. "" if none was."""
    minutes = [found for one in timeline if one.kind == "told" and (found := _minutes_before_check(one.at))]
    if not minutes:
        return ""
    least, most = duration(min(minutes)), duration(max(minutes))
    lead = least if least == most else f"{least} to {most}"
    return f"Told {lead} before the next daily check at {CHECKED:%H:%M}."


def _minutes_before_check(at: datetime) -> int:
    return int((next_check(at) - at).total_seconds() // 60)
