"""The geometry of the page's charts; the template draws them. Lengths are SVG user units. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from math import ceil, floor
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trueup.plural import counted
from trueup.reporting.page import wording
from trueup.results.report import Lateness, ServiceLevel

# The lateness chart: names on the left, hours in the middle, words on the right.
WIDTH, LEFT, RIGHT, ROW, HEAD = 1036, 285, 275, 26, 34
# A run after noon of the next day is drawn as an arrow: an axis of days would hide the minutes.
_LATEST_HOUR = 36.0
_WORDS = {
    "on_time": "on time",
    "late": "late",
    "missing": "never ran",
    "failed": "returned no data",
    "pending": "not due yet",
    "not_expected": "not expected",
    "unknown": "unknown",
}
# The chart of a service level.
LEVEL_WIDTH, LEVEL_HEIGHT, _MARGIN, _TOP, _BASE = 320, 110, 14, 16, 88


@dataclass(frozen=True)
class LatenessRow:
    """One scraper and date: x of each mark (None if there is none), and texts for the margin and the table."""

    y: int
    game_date: date
    is_first_of_date: bool
    scraper: str
    state: str
    grade: str
    words: str
    due_x: float | None
    alert_x: float | None
    run_x: float | None
    is_beyond: bool
    due: str
    alert: str
    run: str
    reason: str


@dataclass(frozen=True)
class LatenessChart:
    """All rows of one time zone, with its local hours."""

    zone: str
    height: int
    hours: tuple[tuple[float, str], ...]
    rows: tuple[LatenessRow, ...]
    summary: str


@dataclass(frozen=True)
class LevelMark:
    """One value of a service level in its chart."""

    x: float
    y: float
    state: str
    text: str


@dataclass(frozen=True)
class LevelChart:
    """One service level over the days. ``lines``: polylines, interrupted at days without a value."""

    target_y: float
    alert_y: float | None
    marks: tuple[LevelMark, ...]
    lines: tuple[str, ...]
    first: str
    last: str
    top: str
    summary: str


def lateness_charts(rows: Sequence[Lateness]) -> tuple[LatenessChart, ...]:
    """One chart per time zone, newest date first."""
    zones = sorted({one.time_zone for one in rows})
    return tuple(_lateness_chart(zone, [one for one in rows if one.time_zone == zone]) for zone in zones)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _hours(timestamp: datetime | None, row: Lateness, zone: ZoneInfo) -> float | None:
    """Local hours since midnight of the day on which the run was due."""
    if timestamp is None:
        return None
    anchor = row.due_at.astimezone(zone).date() if row.due_at else row.game_date + timedelta(days=1)
    clock = timestamp.astimezone(zone).replace(tzinfo=None)
    return (clock - datetime.combine(anchor, time())) / timedelta(hours=1)


def _lateness_chart(name: str, rows: Sequence[Lateness]) -> LatenessChart:
    zone = _zone(name)
    placed = [
        (one, tuple(_hours(at, one, zone) for at in (one.due_at, one.alert_at, one.first_useful_run_at)))
        for one in sorted(rows, key=lambda one: (-one.game_date.toordinal(), one.scraper_name))
    ]
    known = [min(hour, _LATEST_HOUR) for _, hours in placed for hour in hours if hour is not None] or [8.0, 10.0]
    low, high = floor(min(known) - 0.25), ceil(max(known) + 0.25)
    span = max(1, high - low)

    def x(hour: float | None) -> float | None:
        if hour is None:
            return None
        return round(LEFT + (max(low, min(hour, high)) - low) / span * (WIDTH - LEFT - RIGHT), 1)

    step = hours_between_ticks(span)
    ticks = [hour for hour in range(low, high + 1) if hour % step == 0]
    seen: set[date] = set()
    made = []
    for index, (one, hours) in enumerate(placed):
        made.append(_lateness_row(one, (x(hours[0]), x(hours[1]), x(hours[2])), hours[2], zone, index, seen))
        seen.add(one.game_date)
    return LatenessChart(
        name,
        HEAD + ROW * len(made) + 8,
        tuple((x(hour) or 0.0, _hour_text(hour)) for hour in ticks),
        tuple(made),
        _lateness_summary(rows),
    )


def hours_between_ticks(span: float) -> int:
    """So many hours that an axis of ``span`` hours has about ten ticks."""
    return next((one for one in (1, 2, 3, 6) if span / one <= 10), 12)


def _hour_text(hour: int) -> str:
    days = {-1: " day before", 0: "", 1: " next day"}.get(hour // 24, "")
    return f"{hour % 24:02d}:00{days if hour % 24 == 0 else ''}"


def _lateness_row(
    one: Lateness,
    marks: tuple[float | None, float | None, float | None],
    run_hour: float | None,
    zone: ZoneInfo,
    index: int,
    seen: set[date],
) -> LatenessRow:
    def text(timestamp: datetime | None) -> str:
        return wording.local(timestamp, zone) if timestamp else ""

    past_alert = bool(one.first_useful_run_at and one.alert_at and one.first_useful_run_at > one.alert_at)
    grades = {"on_time": "ok", "late": "error" if past_alert else "warn", "missing": "error", "failed": "error"}
    words = _WORDS.get(one.state, wording.plain(one.state))
    if one.late_by_minutes is not None:
        by = wording.duration(one.late_by_minutes)
        words = f"{by} late" if one.state == "late" else f"{words}, {by} past due"
    return LatenessRow(
        y=HEAD + ROW * index + ROW // 2,
        game_date=one.game_date,
        is_first_of_date=one.game_date not in seen,
        scraper=one.scraper_name,
        state=_WORDS.get(one.state, wording.plain(one.state)),
        grade=grades.get(one.state, "idle"),
        words=words,
        due_x=marks[0],
        alert_x=marks[1],
        run_x=marks[2],
        is_beyond=run_hour is not None and run_hour > _LATEST_HOUR,
        due=text(one.due_at),
        alert=text(one.alert_at),
        run=text(one.first_useful_run_at),
        reason=one.reason or "",
    )


def _lateness_summary(rows: Sequence[Lateness]) -> str:
    states = sorted(one.state for one in rows)
    counts = [f"{len(list(group))} {_WORDS.get(state, wording.plain(state))}" for state, group in groupby(states)]
    return f"{counted(len(rows), 'expected run')}: {', '.join(counts)}."


def level_chart(levels: Sequence[ServiceLevel]) -> LevelChart:
    """The values of one metric, sorted by date, against its target and alert lines."""
    known = [one.value for one in levels if one.value is not None]
    target, alert = levels[-1].target_value, levels[-1].alert_value
    top = max([*known, target, alert or 0.0, 1.0])
    top = 100.0 if levels[-1].unit == "percent" and top > 50 else top * 1.15
    step = (LEVEL_WIDTH - 2 * _MARGIN) / max(1, len(levels) - 1)

    def y(value: float) -> float:
        return round(_BASE - max(0.0, min(value, top)) / top * (_BASE - _TOP), 1)

    marks: list[LevelMark | None] = [
        None
        if one.value is None
        else LevelMark(
            round(LEVEL_WIDTH / 2 if len(levels) == 1 else _MARGIN + step * index, 1),
            y(one.value),
            one.state,
            f"{one.game_date}: {wording.measure(one.value, one.unit)}",
        )
        for index, one in enumerate(levels)
    ]
    lines = [" ".join(f"{mark.x},{mark.y}" for mark in run if mark) for there, run in groupby(marks, bool) if there]
    states = [f"{one.game_date} {wording.measure(one.value, one.unit)}" for one in levels if one.value is not None]
    return LevelChart(
        y(target),
        None if alert is None or alert == target else y(alert),
        tuple(mark for mark in marks if mark),
        tuple(line for line in lines if " " in line),
        f"{levels[0].game_date}",
        f"{levels[-1].game_date}" if len(levels) > 1 else "",
        wording.measure(top, levels[-1].unit),
        f"{wording.plain(levels[-1].metric)}: " + ("; ".join(states[-7:]) or "not measured"),
    )
