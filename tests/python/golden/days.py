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


def spring_forward() -> Golden:
    """Due at 08:00 EDT (12:00 UTC); the day before at 13:00 UTC."""
    night = good_night(date(2026, 3, 7), TWO_GAMES)
    night.tables[RUNS] = [scraper_run(night, SCRAPERS[0], "07:50"), scraper_run(night, SCRAPERS[1], "08:20")]
    golden = Golden("Clocks go forward: due at 12:00 UTC instead of 13:00", night)
    return golden.wants("LATE001", "warn", SCRAPERS[1], 20)


def fall_back() -> Golden:
    """Due at 08:00 EST (13:00 UTC); the day before at 12:00 UTC."""
    night = good_night(date(2025, 11, 1), TWO_GAMES)
    night.tables[RUNS] = [scraper_run(night, SCRAPERS[0], "07:55"), scraper_run(night, SCRAPERS[1], "08:45")]
    golden = Golden("Clocks go back: due at 13:00 UTC instead of 12:00", night)
    return golden.wants("LATE001", "warn", SCRAPERS[1], 45)
