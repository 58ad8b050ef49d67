"""Days without games, and the nights on which the clocks change."""

from __future__ import annotations

from datetime import date

from golden.golden import DAY, TWO_GAMES, Golden
from golden.night import (
    LOG,
    RUNS,
    SCHEDULE,
    SCRAPERS,
    good_night,
    scraper_run,
)


def no_games() -> Golden:
    """Nobody played, nobody ran, nobody wrote, and that is right."""
    night = good_night(DAY, ())
    night.tables = {SCHEDULE: night.tables[SCHEDULE], LOG: []}
    night.document = None
    return Golden("A day without games: silence is right", night)


def spring_forward() -> Golden:
    """Due at 08:00 EDT, which is 12:00 UTC; the day before it was 13:00 UTC."""
    night = good_night(date(2026, 3, 7), TWO_GAMES)
    night.tables[RUNS] = [
        scraper_run(night, SCRAPERS[0], "07:50"),
        scraper_run(night, SCRAPERS[1], "08:20"),
    ]
    golden = Golden("The clocks went forward: due at 12:00 UTC, not at 13:00", night)
    return golden.wants("LATE001", "warn", SCRAPERS[1], 20)


def fall_back() -> Golden:
    """Due at 08:00 EST, which is 13:00 UTC; the day before it was 12:00 UTC."""
    night = good_night(date(2025, 11, 1), TWO_GAMES)
    night.tables[RUNS] = [
        scraper_run(night, SCRAPERS[0], "07:55"),
        scraper_run(night, SCRAPERS[1], "08:45"),
    ]
    golden = Golden("The clocks went back: due at 13:00 UTC, not at 12:00", night)
    return golden.wants("LATE001", "warn", SCRAPERS[1], 45)
