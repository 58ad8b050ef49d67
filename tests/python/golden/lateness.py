"""Scrapers that are late, never ran or failed."""

from __future__ import annotations

from golden.golden import Golden, small
from golden.night import GAMEBOOK, RUNS, SCRAPERS, et, name_of, scraper_run


def scraper_silent() -> Golden:
    """One scraper never ran; a GROUP BY over runs has no row for it."""
    golden = small("A scraper that never ran")
    golden.night.tables[RUNS] = golden.night.tables[RUNS][:1]
    return golden.wants("LATE002", "error", SCRAPERS[1], 150)


def scraper_failed() -> Golden:
    """One scraper failed, and then succeeded without data."""
    golden = small("A scraper whose runs fetched no data")
    night = golden.night
    night.tables[RUNS][1:] = [
        scraper_run(night, SCRAPERS[1], "06:05", "failed", 0),
        scraper_run(night, SCRAPERS[1], "07:05", "success", 0),
        scraper_run(night, SCRAPERS[1], "08:05", "no_data", 0),
    ]
    return golden.wants("LATE003", "error", SCRAPERS[1], 150)


def failed_then_success() -> Golden:
    """After a failed run on time, the useful run is 25 minutes late."""
    golden = small("A failed run on time, a useful one after the due time")
    night = golden.night
    night.tables[RUNS][1:] = [
        scraper_run(night, SCRAPERS[1], "06:05", "failed", 0),
        scraper_run(night, SCRAPERS[1], "08:25"),
    ]
    return golden.wants("LATE001", "warn", SCRAPERS[1], 25)


def partial_arrival() -> Golden:
    """The run was on time with one game; the other game came after the alert time."""
    golden = small("A punctual first batch and a late second one")
    second = et(golden.night.morning, "10:15")
    for row in golden.night.tables[GAMEBOOK][28:]:
        row.update(created_at=second, processed_at=second)
    return golden.wants("LATE004", "error", name_of(GAMEBOOK), 1)
