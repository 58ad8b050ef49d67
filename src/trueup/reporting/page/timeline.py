"""The geometry of the chart that shows when pulses told each finding; the template draws it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trueup.plural import counted
from trueup.reporting.alerts.change import COULD_NOT_CHECK
from trueup.reporting.page import wording
from trueup.reporting.page.charts import HEAD, LEFT, RIGHT, ROW, WIDTH, hours_between_ticks
from trueup.results.told import CHECKED, Told, before_check, next_check
from trueup.window import EASTERN

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class ToldRow:
    """One finding from when it was told to when it was closed, or to the end. ``closed``: "" if it stayed open."""

    y: int
    rule: str
    game_date: str
    subject: str
    grade: str
    told_x: float
    end_x: float
    told: str
    closed: str
    words: str
    text: str


@dataclass(frozen=True)
class TimelineChart:
    """Rows by the time of telling. ``checks``: x of each daily check; ``hours``: x and text of each tick."""

    height: int
    hours: tuple[tuple[float, str], ...]
    checks: tuple[float, ...]
    rows: tuple[ToldRow, ...]
    summary: str


def timeline_chart(timeline: Sequence[Told], as_of: datetime) -> TimelineChart | None:
    """The chart of what was told up to ``as_of``, with the daily check after it; None if nothing was told."""
    told = [one for one in timeline if one.kind == "told"]
    if not told:
        return None
    first = min(one.at for one in told).astimezone(EASTERN).replace(minute=0)
    end = next_check(as_of)
    span = (end - first) / _HOUR
    scale = (WIDTH - LEFT - RIGHT) / max(span, 1)

    def x(at: datetime) -> float:
        return round(LEFT + min((at - first) / _HOUR, span) * scale, 1)

    rows = tuple(
        _row(one, closed, HEAD + ROW * index + ROW // 2, (x(one.at), x(closed.at if closed else as_of)))
        for index, (one, closed) in enumerate((one, _closing(one, timeline)) for one in told)
    )
    step = hours_between_ticks(span)
    hours = [first + _HOUR * one for one in range(int(span) + 1)]
    return TimelineChart(
        HEAD + ROW * len(rows) + 8,
        tuple((x(at), f"{at:%H:%M}") for at in hours if at.hour % step == 0),
        tuple(x(at) for at in hours if at.time() == CHECKED),
        rows,
        f"{counted(len(told), 'message')}, {sum(bool(one.closed) for one in rows)} of them closed.",
    )


def _closing(told: Told, timeline: Sequence[Told]) -> Told | None:
    key = (told.rule, told.game_date, told.subject)
    later = [one for one in timeline if one.kind == "closed" and one.at >= told.at]
    return next((one for one in later if (one.rule, one.game_date, one.subject) == key), None)


def _row(told: Told, closed: Told | None, y: int, ends: tuple[float, float]) -> ToldRow:
    return ToldRow(
        y=y,
        rule="" if told.rule == COULD_NOT_CHECK else told.rule,
        game_date=f"{told.game_date}",
        # The subject of what could not be checked is the target.
        subject="could not check" if told.rule == COULD_NOT_CHECK else told.subject,
        grade=told.severity if closed is None else "ok",
        told_x=ends[0],
        end_x=ends[1],
        told=wording.local(told.at, EASTERN),
        closed=wording.local(closed.at, EASTERN) if closed else "",
        words=f"closed {closed.at.astimezone(EASTERN):%H:%M}" if closed else before_check(told.at) or "at the check",
        text=told.text,
    )
