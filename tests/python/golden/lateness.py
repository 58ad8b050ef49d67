"""Scrapers that are late, silent or failed."""

from __future__ import annotations

from golden.golden import Golden, small
from golden.night import (
    GAMEBOOK,
    RUNS,
    SCRAPERS,
    et,
    name_of,
    scraper_run,
)


def scraper_silent() -> Golden:
    """One scraper never ran. A GROUP BY over runs cannot show it."""
    golden = small("A scraper that never ran")
    golden.night.tables[RUNS] = golden.night.tables[RUNS][:1]
    return golden.wants("LATE002", "error", SCRAPERS[1], 150)


def scraper_failed() -> Golden:
    """One scraper failed, and then succeeded with nothing."""
    golden = small("A scraper whose runs brought nothing")
    night = golden.night
    night.tables[RUNS][1:] = [
        scraper_run(night, SCRAPERS[1], "06:05", "failed", 0),
        scraper_run(night, SCRAPERS[1], "07:05", "success", 0),
        scraper_run(night, SCRAPERS[1], "08:05", "no_data", 0),
    ]
    return golden.wants("LATE003", "error", SCRAPERS[1], 150)


def failed_then_success() -> Golden:
    """A failed run in time does not make the good one 25 minutes past due punctual."""
    golden = small("A failed run in time, a good one past due")
    night = golden.night
    night.tables[RUNS][1:] = [
        scraper_run(night, SCRAPERS[1], "06:05", "failed", 0),
        scraper_run(night, SCRAPERS[1], "08:25"),
    ]
    return golden.wants("LATE001", "warn", SCRAPERS[1], 25)


def partial_arrival() -> Golden:
    """The run was in time and brought one game; the other came after the alert time."""
    golden = small("A first batch in time hides a late second one")
    second = et(golden.night.morning, "10:15")
    for row in golden.night.tables[GAMEBOOK][28:]:
        row.update(created_at=second, processed_at=second)
    return golden.wants("LATE004", "error", name_of(GAMEBOOK), 1)
