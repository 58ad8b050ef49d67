"""Nights that trueup once wrongly called healthy."""

from __future__ import annotations

from golden.golden import KEY, Golden, small
from golden.night import CACHE, PGS, RUNS, SCHEDULE, SCRAPERS, et, name_of
from golden.schedule import schedule_row


def long_run() -> Golden:
    """Started before the due time, and ended after the alert time."""
    golden = small("A run that started on time and ended hours later")
    run = golden.night.tables[RUNS][1]
    run.update(started_at=et(golden.night.morning, "07:55"), completed_at=et(golden.night.morning, "11:20"))
    golden.as_of = et(golden.night.morning, "12:00")
    return golden.wants("LATE001", "error", SCRAPERS[1], 200)


def endless_run() -> Golden:
    """A success without an end time: it is unknown whether it was on time."""
    golden = small("A successful run without an end time", status="could_not_check")
    golden.night.tables[RUNS][1]["completed_at"] = ""
    return golden


def run_that_ended_before_it_began() -> Golden:
    """The end time is invalid: it is unknown whether the run was on time."""
    golden = small("A run that ended before it started", status="could_not_check")
    morning = golden.night.morning
    golden.night.tables[RUNS][1].update(started_at=et(morning, "07:45"), completed_at=et(morning, "05:00"))
    return golden


def early_output() -> Golden:
    """Phase 4's output is from the morning before the games, so it is not of this night."""
    golden = small("Output of phase 4 from before the games", status="findings")
    golden.night.rewrite(CACHE, et(golden.night.day, "11:30"))
    return golden.wants("TRIG004", "error", KEY)


def waived_and_unseen() -> Golden:
    """The document cannot be read, and that is waived: phase 4 still could not be checked."""
    golden = small("A waived unreadable document", status="could_not_check")
    golden.night.report(name_of(PGS), completed_at="yesterday")
    golden.waive("DONE008", KEY, "The writer is being repaired.", until="2026-03-01")
    return golden.wants("DONE008", "info", KEY)


def undated_rows() -> Golden:
    """Rows without a date: two of players, and a game of the schedule."""
    golden = small("Rows without a date", expectations=True)
    row = golden.night.tables[PGS][0]
    golden.night.tables[PGS] += [{**row, "game_date": "", "player_lookup": name} for name in ("one", "other")]
    golden.night.tables[SCHEDULE].append({**schedule_row(golden.night, 0), "game_date": "", "game_id": "0022500700"})
    return golden.wants("DUP003", "error", name_of(PGS), 2).wants("DUP003", "error", name_of(SCHEDULE), 1)


def too_early() -> Golden:
    """Evaluated on the morning of the day: there are no data, and no rule has passed."""
    golden = small("A day that is not over", status="could_not_check")
    night = golden.night
    for row in night.tables[SCHEDULE]:
        row.update(game_status=1, processed_at=et(night.day, "06:00"))
    night.tables = {SCHEDULE: night.tables[SCHEDULE]}
    night.document = None
    golden.as_of = et(night.day, "08:00")
    return golden
