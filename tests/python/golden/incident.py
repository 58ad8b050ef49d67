"""The night of 2026-02-03, and its twin."""

from __future__ import annotations

from golden.golden import DAY, KEY, Golden
from golden.night import (
    ANALYTICS,
    CACHE,
    DEFENSE,
    GAMEBOOK,
    OFFENSE,
    PGS,
    RUNS,
    SCRAPERS,
    Night,
    et,
    good_night,
    name_of,
    scraper_run,
    stamp,
)

RACING_ROWS = 72


def incident() -> Golden:
    """Late scrapers, racing writers, a count of 3 of 5, and phase 4 not triggered."""
    night = good_night(DAY)
    late(night)
    race(night)
    for index, table in enumerate(ANALYTICS, 1):
        night.report(name_of(table), completed_at=stamp(et(night.morning, f"15:0{index}")))
    for key in ("_triggered", "_triggered_at", "_trigger_reason"):
        del night.fields[key]
    night.fields.update(_completed_count=3, _last_update=stamp(et(night.morning, "15:05")))
    night.tables[CACHE] = []
    golden = Golden(
        "The incident: late scrapers, racing writers, 3 of 5 counted, phase 4 not started",
        night,
        as_of=et(night.morning, "16:00"),
        expectations=True,
    )
    clocks = {
        **{"DONE007": "08:00", "LATE002": "10:00", "LATE004": "10:00", "LATE001": "14:45"},
        **{"DONE001": "15:05", "DUP001": "15:05", "TRIG001": "15:40"},
    }
    golden.told = {rule: et(night.morning, clock) for rule, clock in clocks.items()}
    golden.wants("DUP001", "error", name_of(PGS), RACING_ROWS)
    for name in SCRAPERS:
        golden.wants("LATE001", "error", name, 405)
    golden.wants("LATE004", "error", name_of(GAMEBOOK), 0)
    return golden.wants("DONE001", "error", KEY, 3).wants("TRIG001", "error", KEY)


def late(night: Night) -> None:
    """The gamebook scrapers fetched two games at 14:45, and the other eight at 15:00."""
    first = {row["game_id"] for row in night.tables[PGS][:56]}
    assert len(first) == 2
    night.tables[RUNS] = [
        scraper_run(night, name, clock, count=count)
        for name in SCRAPERS
        for clock, count in (("14:45", 56), ("15:00", 224))
    ]
    for row in night.tables[GAMEBOOK]:
        clock, seconds = ("14:44", 30) if row["game_id"] in first else ("14:59", 34)
        written = et(night.morning, clock, seconds)
        row.update(created_at=written, processed_at=written)


def race(night: Night) -> None:
    """Two instances 18 s apart: the DELETE of the second missed the rows that the first had just inserted."""
    night.rewrite(PGS, et(night.morning, "15:00", 6))
    night.rewrite(OFFENSE, et(night.morning, "15:01"))
    night.rewrite(DEFENSE, et(night.morning, "15:02"))
    later = et(night.morning, "15:00", 24)
    rows = night.tables[PGS]
    rows += [{**row, "created_at": later, "processed_at": later} for row in rows[:RACING_ROWS]]


def clean_twin() -> Golden:
    """The same night without any fault."""
    return Golden("The same night without any fault: no findings", good_night(DAY), expectations=True)
