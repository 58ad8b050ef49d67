"""Days without games, and nights with a clock change."""

from __future__ import annotations

from datetime import date

from golden.golden import DAY, TWO_GAMES, Golden
from golden.night import LOG, RUNS, SCHEDULE, SCRAPERS, good_night, scraper_run


def no_games() -> Golden:
    """No games, no runs and no rows: nothing is wrong."""
    night = good_night(DAY, ())
    night.tables = {SCHEDULE: night.tables[SCHEDULE], LOG: []}
    night.document = None
    return Golden("A day without games", night)


def clock_change(title: str, day: date, clocks: tuple[str, str], late_by: int) -> Golden:
    """The scrapers ran at these clock times; the second one was late."""
    night = good_night(day, TWO_GAMES)
    night.tables[RUNS] = [scraper_run(night, name, clock) for name, clock in zip(SCRAPERS, clocks, strict=True)]
    return Golden(title, night).wants("LATE001", "warn", SCRAPERS[1], late_by)


def spring_forward() -> Golden:
    """Due at 08:00 EDT (12:00 UTC); the day before at 13:00 UTC."""
    title = "Clocks go forward: due at 12:00 UTC instead of 13:00"
    return clock_change(title, date(2026, 3, 7), ("07:50", "08:20"), late_by=20)


def fall_back() -> Golden:
    """Due at 08:00 EST (13:00 UTC); the day before at 12:00 UTC."""
    title = "Clocks go back: due at 13:00 UTC instead of 12:00"
    return clock_change(title, date(2025, 11, 1), ("07:55", "08:45"), late_by=45)
