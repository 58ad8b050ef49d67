"""Makes the golden scenarios: ``python scenarios/generate.py [--check] [NAME ...]``.

Each scenario is a good night and what was changed in it. --check writes nothing and exits 1 when the
committed files differ from what this script makes.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from night import (
    ANALYTICS,
    CACHE,
    DEFENSE,
    GAMEBOOK,
    LOG,
    OFFENSE,
    PGS,
    PLAYED,
    PROCESSORS,
    RUNS,
    SCHEDULE,
    SCRAPERS,
    UPCOMING_PLAYER,
    UPCOMING_TEAM,
    Night,
    Row,
    et,
    game_id,
    good_night,
    name_of,
    scraper_run,
    stamp,
)

ROOT = Path(__file__).parent
DAY = date(2026, 2, 3)
KEY = DAY.isoformat()
TWO_GAMES = (("BOS", "LAL"), ("DEN", "DET"))
RACING_ROWS = 72


@dataclass
class Golden:
    """A scenario: a night, the moment it is looked at, and what must be found."""

    title: str
    night: Night
    expect: list[dict[str, Any]] = field(default_factory=list)
    as_of: str = ""
    optional: list[str] = field(default_factory=list)
    seeds: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    expectations: bool = False
    others: list[Night] = field(default_factory=list)

    @property
    def nights(self) -> list[Night]:
        """Every night of the scenario, in order."""
        return sorted([self.night, *self.others], key=lambda one: one.day)

    status: str = ""

    def wants(
        self, rule: str, severity: str, subject: str, observed: float | None = None, day: date | None = None
    ) -> Golden:
        """Expect one more finding, on the night's date if on no other."""
        finding: dict[str, Any] = {
            "rule": rule,
            "severity": severity,
            "game_date": (day or self.night.day).isoformat(),
            "subject": subject,
        }
        if observed is not None:
            finding["observed"] = observed
        self.expect.append(finding)
        return self


def small(title: str, **settings: Any) -> Golden:
    """A good night of two games, to be changed."""
    return Golden(title, good_night(DAY, TWO_GAMES), **settings)


# --- the night of 2026-02-03, and its twin ------------------------------------------------------


def incident() -> Golden:
    """Late scrapers, racing writers, a count of 3 of 5, and no trigger."""
    night = good_night(DAY)
    late(night)
    race(night)
    assert night.document is not None
    for index, table in enumerate(ANALYTICS, 1):
        night.report(name_of(table), completed_at=stamp(et(night.morning, f"15:0{index}")))
    for key in ("_triggered", "_triggered_at", "_trigger_reason"):
        del night.document[key]
    night.document.update(_completed_count=3, _last_update=stamp(et(night.morning, "15:05")))
    night.tables[CACHE] = []
    golden = Golden(
        "The night that went wrong: late scrapers, racing writers, 3 of 5, and no phase 4",
        night,
        as_of=et(night.morning, "16:00"),
        expectations=True,
    )
    golden.wants("DUP001", "error", name_of(PGS), RACING_ROWS)
    for name in SCRAPERS:
        golden.wants("LATE001", "error", name, 405)
    golden.wants("LATE004", "error", name_of(GAMEBOOK), 0)
    golden.wants("DONE001", "error", KEY, 3)
    return golden.wants("TRIG001", "error", KEY)


def late(night: Night) -> None:
    """The gamebook scrapers came at 14:45 with two games, and at 15:00 with the other eight."""
    first = {row["game_id"] for row in night.tables[PGS][:56]}
    assert len(first) == 2
    night.tables[RUNS] = [
        scraper_run(night, name, clock, count=count)
        for name in SCRAPERS
        for clock, count in (("14:45", 56), ("15:00", 224))
    ]
    for row in night.tables[GAMEBOOK]:
        clock, seconds = ("14:44", 30) if row["game_id"] in first else ("14:59", 34)
        moment = et(night.morning, clock, seconds)
        row.update(created_at=moment, processed_at=moment)


def race(night: Night) -> None:
    """Two instances, 18 s apart; the second one's DELETE missed what the first had just inserted."""
    night.rewrite(PGS, et(night.morning, "15:00", 6))
    night.rewrite(OFFENSE, et(night.morning, "15:01"))
    night.rewrite(DEFENSE, et(night.morning, "15:02"))
    later = et(night.morning, "15:00", 24)
    rows = night.tables[PGS]
    rows += [{**row, "created_at": later, "processed_at": later} for row in rows[:RACING_ROWS]]


def clean_twin() -> Golden:
    """The same night gone well."""
    return Golden("The same night gone well: nothing to find", good_night(DAY), expectations=True)


# --- days and zones -----------------------------------------------------------------------------


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


# --- duplicates ---------------------------------------------------------------------------------


def partition_filter() -> Golden:
    """Two teams written three times, in the table that refuses queries without a partition filter."""
    golden = small("Duplicates in the table that requires a partition filter")
    rows = golden.night.tables[OFFENSE]
    for hours in (1, 2):
        moment = et(golden.night.morning, f"0{6 + hours}:40")
        rows += [{**row, "created_at": moment, "processed_at": moment} for row in rows[:2]]
    return golden.wants("DUP001", "error", name_of(OFFENSE), 4)


def tied_newest() -> Golden:
    """Two rows of one player, without timestamps and with different points."""
    golden = small("Rows that tie for newest and differ")
    row = golden.night.tables[PGS][0]
    row.update(created_at="", processed_at="")
    golden.night.tables[PGS].append({**row, "assists": row["assists"] + 1})
    golden.wants("DUP001", "error", name_of(PGS), 1)
    return golden.wants("DUP002", "error", name_of(PGS), 1)


def null_key() -> Golden:
    """Two rows of players that nobody could name: reported, and not taken for duplicates."""
    golden = small("Rows without a player")
    row = golden.night.tables[PGS][13]
    golden.night.tables[PGS] += [{**row, "player_lookup": ""}] * 2
    return golden.wants("DUP003", "error", name_of(PGS), 2)


def two_game_ids() -> Golden:
    """One game under two ids: away and home are swapped in the second."""
    golden = small("One game under two ids")
    rows = golden.night.tables[PGS]
    swapped = game_id(DAY, "LAL", "BOS")
    rows += [{**row, "game_id": swapped} for row in rows[:28]]
    golden.night.report(name_of(PGS), record_count=len(rows))
    return golden.wants("DUP004", "error", name_of(PGS), 28)


def poorer_newest() -> Golden:
    """A rerun without its inputs put an emptier row over a full one."""
    golden = small("The newest row is poorer")
    row = golden.night.tables[PGS][0]
    later = et(golden.night.morning, "09:00")
    golden.night.tables[PGS].append({**row, "assists": "", "steals": "", "created_at": later, "processed_at": later})
    golden.wants("DUP001", "error", name_of(PGS), 1)
    return golden.wants("DUP005", "warn", name_of(PGS), 1)


def waived() -> Golden:
    """Known duplicates, waived until a day that has not come; another waiver has ended."""
    golden = small("Duplicates that are waived, and a waiver that has ended")
    for table in (PGS, OFFENSE):
        row = golden.night.tables[table][0]
        later = et(golden.night.morning, "06:50")
        golden.night.tables[table].append({**row, "created_at": later, "processed_at": later})
    golden.seeds["known_exceptions"] = (
        "rule,subject,game_date,reason,until\n"
        f"DUP001,{name_of(PGS)},{KEY},Cleaned by hand on Friday.,2026-02-06\n"
        f"DUP001,{name_of(OFFENSE)},{KEY},Cleaned by hand on Wednesday.,2026-02-03\n"
    )
    golden.wants("DUP001", "info", name_of(PGS), 1)
    return golden.wants("DUP001", "error", name_of(OFFENSE), 1)


# --- lateness -----------------------------------------------------------------------------------


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


# --- documents ----------------------------------------------------------------------------------


def same_day() -> Golden:
    """Three of five have reported, and the mode wants two: complete, and triggered. Nothing else is due yet."""
    golden = same_day_only("Same-day mode: three of five reports are enough until those of the night are due")
    golden.as_of = et(golden.night.morning, "07:30")
    golden.status = "healthy"
    return golden


def same_day_hides() -> Golden:
    """The same document, looked at once the reports of the night are due."""
    golden = same_day_only("A document that says same_day does not stand for the night")
    golden.wants("DONE002", "error", name_of(OFFENSE))
    return golden.wants("DONE002", "error", name_of(DEFENSE))


def same_day_only(title: str) -> Golden:
    """A document of the run before the games, which two processors of the night have not reported to."""
    golden = small(title)
    assert golden.night.document is not None
    for table in (OFFENSE, DEFENSE):
        del golden.night.document[name_of(table)]
    golden.night.document.update(_mode="same_day", _completed_count=3)
    return golden


def backfilled() -> Golden:
    """A backfill wrote the rows and reported to nobody, as backfills do."""
    golden = small("A backfilled table without a report", status="could_not_check")
    night = golden.night
    assert night.document is not None
    for row in night.tables[PROCESSORS]:
        if row["processor_name"] == "TeamDefenseGameSummaryProcessor":
            row["backfill_mode"] = "true"
    untriggered(night, name_of(DEFENSE))
    night.document["_completed_count"] = 4
    return golden.wants("DONE002", "info", name_of(DEFENSE))


def untriggered(night: Night, missing: str) -> None:
    """One report is missing, so phase 4 was not started, and wrote nothing."""
    assert night.document is not None
    for key in (missing, "_triggered", "_triggered_at", "_trigger_reason"):
        del night.document[key]
    night.document["_completed_count"] = 4
    night.tables[CACHE] = []


def lost_report() -> Golden:
    """The rows are there, the message was lost in a cold start."""
    golden = small("A report that was lost")
    untriggered(golden.night, name_of(DEFENSE))
    return golden.wants("DONE002", "error", name_of(DEFENSE))


def missing_document() -> Golden:
    """Games were played and nobody wrote the document."""
    golden = small("A document that is not there")
    golden.night.document = None
    return golden.wants("DONE007", "error", KEY)


def unreadable_document() -> Golden:
    """A status that is a number, and a moment that is a word."""
    golden = small("A document that cannot be read")
    golden.night.report(name_of(PGS), status=200)
    golden.night.report(name_of(OFFENSE), completed_at="yesterday")
    return golden.wants("DONE008", "error", KEY)


def done_without_rows() -> Golden:
    """A report of success, and an empty table."""
    golden = small("A report without rows")
    golden.night.tables[DEFENSE] = []
    return golden.wants("DONE003", "error", name_of(DEFENSE))


def other_count() -> Golden:
    """The report counts three rows that the table does not have."""
    golden = small("A report that counts other rows")
    golden.night.report(name_of(PGS), record_count=59)
    return golden.wants("DONE004", "warn", name_of(PGS), 59)


def reported_failure() -> Golden:
    """One processor failed and said so; four are counted, for a failure is no completion."""
    golden = small("A processor that reported a failure")
    night = golden.night
    untriggered(night, name_of(DEFENSE))
    assert night.document is not None
    night.document["TeamDefenseGameSummaryProcessor"] = {"status": "failed"}
    night.tables[DEFENSE] = night.tables[DEFENSE][:2]
    golden.wants("DONE005", "error", name_of(DEFENSE))
    return golden.wants("DONE009", "error", name_of(DEFENSE), 1)


def stranger() -> Golden:
    """A key that is no processor of any mode, and is not counted."""
    golden = small("A report that nobody expects")
    assert golden.night.document is not None
    golden.night.document["mlb_game_summary"] = {"status": "success"}
    return golden.wants("DONE006", "warn", "mlb_game_summary")


def missing_game() -> Golden:
    """The table has one of the two games."""
    golden = small("A table that lacks a game")
    golden.night.tables[PGS] = golden.night.tables[PGS][:28]
    golden.night.report(name_of(PGS), record_count=28)
    return golden.wants("DONE009", "error", name_of(PGS), 1)


# --- phase 4 ------------------------------------------------------------------------------------


def late_trigger() -> Golden:
    """Started 15 minutes after the last report."""
    golden = small("Phase 4 was started late")
    assert golden.night.document is not None
    golden.night.document["_triggered_at"] = stamp(et(golden.night.morning, "07:10"))
    golden.night.rewrite(CACHE, et(golden.night.morning, "07:20"))
    return golden.wants("TRIG002", "warn", KEY, 15)


def early_trigger() -> Golden:
    """Started although one processor left neither a report nor rows."""
    golden = small("Phase 4 was started too early")
    assert golden.night.document is not None
    del golden.night.document[name_of(DEFENSE)]
    golden.night.document["_completed_count"] = 4
    golden.night.tables[DEFENSE] = []
    golden.wants("TRIG003", "error", KEY)
    return golden.wants("DONE009", "error", name_of(DEFENSE), 0)


def silent_phase4() -> Golden:
    """Said to be started, and nothing came of it."""
    golden = small("Phase 4 was started and wrote nothing")
    golden.night.tables[CACHE] = []
    return golden.wants("TRIG004", "error", KEY)


def missing_optional() -> Golden:
    """Two sources do not exist in this deployment; what needs them is not run, and nothing is wrong."""
    golden = small("Optional sources that do not exist")
    for table in (PROCESSORS, LOG):
        del golden.night.tables[table]
        golden.optional.append(table)
    return golden


def impossible_values() -> Golden:
    """A player scored 131 points, and one played against a team that there is not."""
    golden = small("Values that basketball does not allow")
    golden.expectations = True
    first, second = golden.night.tables[PGS][:2]
    first["points"] = 131
    second["opponent_team_abbr"] = "LAK"
    golden.wants("EXP001", "error", name_of(PGS), 1)
    golden.wants("EXP002", "error", f"{name_of(PGS)}_latest", 1)
    # The team's points are no longer the sum of its players' points.
    return golden.wants("EXP002", "error", "team_box_scores", 1)


# --- the schedule as it really is -----------------------------------------------------------------


def without_second_game(night: Night) -> None:
    """The rows of the second game are not there, and the reports say so."""
    night.without_games([game_id(night.day, *TWO_GAMES[1])])


def schedule_row(night: Night, index: int) -> Row:
    """The schedule's row of one of the night's games."""
    return [row for row in night.tables[SCHEDULE] if row["game_date"] == night.day.isoformat()][index]


def unfinished_game() -> Golden:
    """One game was live when the schedule was last loaded, and nobody waited for it."""
    golden = small("A game that the schedule never saw end", status="findings")
    night = golden.night
    schedule_row(night, 1).update(game_status=2, processed_at=et(night.day, "23:40"))
    without_second_game(night)
    golden.wants("SCHED001", "warn", name_of(SCHEDULE), 1)
    for table in PLAYED:
        golden.wants("DONE009", "error", name_of(table), 1)
    return golden.wants("LATE004", "error", name_of(GAMEBOOK), 1)


def postponed_game() -> Golden:
    """Still scheduled in a row from after the day, while the other game is final: it was not played."""
    golden = small("A game that was postponed and has no new date", status="healthy")
    schedule_row(golden.night, 1).update(game_status=1)
    without_second_game(golden.night)
    return golden


def postponed_and_played() -> Golden:
    """A game that is known to be off has rows all the same."""
    golden = small("Rows of a game that is known to be off", status="findings")
    schedule_row(golden.night, 1).update(game_status=1)
    for table in (*PLAYED, GAMEBOOK):
        golden.wants("SCHED002", "error", name_of(table), len(golden.night.tables[table]) // 2)
    return golden


def stale_schedule(title: str, game_status: int | str) -> Golden:
    """Nothing was loaded since the afternoon before the games, five days ago, and nothing else is there."""
    golden = small(title, status="findings")
    night = golden.night
    for row in night.tables[SCHEDULE]:
        row.update(game_status=game_status, processed_at=et(night.day, "15:00"))
    night.tables = {SCHEDULE: night.tables[SCHEDULE]}
    night.document = None
    golden.as_of = et(night.day + timedelta(days=5), "10:30")
    return golden.wants("SCHED001", "error", name_of(SCHEDULE), 2)


def stale_scheduled() -> Golden:
    """Every game is still to come, five days later."""
    return stale_schedule("A schedule that was not loaded since before the games", 1)


def stale_unknown() -> Golden:
    """No game has a status."""
    return stale_schedule("A schedule without a status", "")


def stale_and_incomplete() -> Golden:
    """All games are live, the tables have one of them, and three reports are missing: nothing may be repaired."""
    golden = small("A stale schedule under an incomplete night", status="findings")
    night = golden.night
    for index in (0, 1):
        schedule_row(night, index).update(game_status=2, processed_at=et(night.day, "23:40"))
    without_second_game(night)
    untriggered(night, name_of(DEFENSE))
    assert night.document is not None
    for table in (PGS, OFFENSE):
        del night.document[name_of(table)]
    night.document["_completed_count"] = 2
    return golden.wants("SCHED001", "error", name_of(SCHEDULE), 2)


def lost_day() -> Golden:
    """The schedule has the days around it, and has lost this one."""
    golden = small("A schedule that lost the day", status="findings")
    night = golden.night
    night.tables[SCHEDULE] = [row for row in night.tables[SCHEDULE] if row["game_date"] != KEY]
    for table in (*ANALYTICS, GAMEBOOK):
        golden.wants("SCHED002", "error", name_of(table), len(night.tables[table]))
    golden.wants("SCHED002", "error", SCRAPERS[1], 1)
    return golden.wants("SCHED002", "error", KEY, 5)


def lost_game() -> Golden:
    """The schedule has one of the two games that were played."""
    golden = small("A schedule that lost a game", status="findings")
    golden.night.tables[SCHEDULE].remove(schedule_row(golden.night, 1))
    for table in (*ANALYTICS, GAMEBOOK):
        golden.wants("SCHED002", "error", name_of(table), len(golden.night.tables[table]) // 2)
    return golden


def quiet_day() -> Golden:
    """A free day on which everything ran as every day, and brought nothing."""
    golden = small("A day without games on which all ran and brought nothing", status="healthy")
    night = golden.night
    night.tables[SCHEDULE] = [row for row in night.tables[SCHEDULE] if row["game_date"] != KEY]
    night.tables[RUNS] = [scraper_run(night, name, "06:00", "no_data", 0) for name in SCRAPERS]
    assert night.document is not None
    for table in ANALYTICS:
        night.tables[table] = []
        night.report(name_of(table), record_count=0)
    for table in (GAMEBOOK, CACHE):
        night.tables[table] = []
    return golden


def moved_game(title: str, days: int) -> Golden:
    """Called final at 22:00, and moved to another day at 01:30: the tables were right when they were written."""
    golden = small(title, status="healthy")
    night = golden.night
    row = schedule_row(night, 1)
    row.update(processed_at=et(night.day, "22:00"))
    moved = {**row, "game_date": (night.day + timedelta(days=days)).isoformat(), "game_status": 1}
    night.tables[SCHEDULE].append({**moved, "processed_at": et(night.morning, "01:30")})
    without_second_game(night)
    return golden


def moved_by_a_day() -> Golden:
    """To the next day."""
    return moved_game("A game that was called final and moved to the next day", 1)


def moved_by_months() -> Golden:
    """The newer row lies far outside the days that are checked."""
    return moved_game("A game that was moved by two months", 60)


def moved_with_rows() -> Golden:
    """Its rows of the old day are still there: they belong to no game."""
    golden = small("Rows of a game that was moved away", status="findings")
    moved = moved_game("", 1).night
    golden.night.tables[SCHEDULE] = moved.tables[SCHEDULE]
    for table in (*PLAYED, GAMEBOOK):
        golden.wants("SCHED002", "error", name_of(table), len(golden.night.tables[table]) // 2)
    return golden


def uncounted(night: Night) -> None:
    """Nobody runs, reports or waits for games that do not count; what the tables hold of them is no fault."""
    night.tables[RUNS], night.tables[CACHE], night.tables[GAMEBOOK] = [], [], []
    night.document = None


def preseason_abroad() -> Golden:
    """A preseason game against a team that is not of the league."""
    night = good_night(DAY, (("NZB", "UTA"), ("DEN", "DET")), prefix="001")
    uncounted(night)
    regular_season(night)
    return Golden("Preseason against a foreign team", night, expectations=True, status="healthy")


def all_star_sunday() -> Golden:
    """A tournament of short games, in which everyone plays twice."""
    night = good_night(DAY, (("TMA", "TMB"), ("TMC", "TMD")), prefix="003")
    uncounted(night)
    final = game_id(DAY, "TMA", "TMC")
    row = schedule_row(night, 0)
    night.tables[SCHEDULE].append({**row, "game_id": "0032500503", "home_team_tricode": "TMC"})
    night.tables[PGS] += [{**one, "game_id": final} for one in night.tables[PGS] if one["team_abbr"] in ("TMA", "TMC")]
    regular_season(night)
    return Golden("All-Star Sunday", night, expectations=True, status="healthy")


def regular_season(night: Night) -> None:
    """The games of the days before and after count."""
    for row in night.tables[SCHEDULE]:
        if row["game_date"] != KEY:
            row["game_id"] = f"002{row['game_id'][3:]}"


def unpadded_id() -> Golden:
    """The id of a game has lost its zeros on the way, and the game has no rows anywhere."""
    golden = small("A game whose id is of no known kind", status="could_not_check")
    night = golden.night
    row = schedule_row(night, 1)
    night.without_games({game_id(night.day, *TWO_GAMES[1]), row["game_id"]}, (*ANALYTICS, GAMEBOOK))
    row["game_id"] = row["game_id"].lstrip("0")
    return golden


def two_in_a_day() -> Golden:
    """Two games of the same teams on one day are two games: one of them alone is not both."""
    golden = small("Two games of the same teams on one day", status="findings")
    row = schedule_row(golden.night, 0)
    golden.night.tables[SCHEDULE].append({**row, "game_id": "0022500599"})
    for table in ANALYTICS:
        golden.wants("DONE009", "error", name_of(table), 2)
    return golden.wants("LATE004", "error", name_of(GAMEBOOK), 2)


def rewritten_later() -> Golden:
    """Three days later the gamebooks and the cache were written again: they had arrived all the same."""
    golden = small("Tables that were rewritten days later", status="healthy")
    night = golden.night
    later = night.day + timedelta(days=3)
    for table in (GAMEBOOK, CACHE):
        for row in night.tables[table]:
            row.update(processed_at=et(later, "12:00"))
    golden.as_of = et(later, "16:00")
    return golden


def lagging_source() -> Golden:
    """A second source has a game as scheduled after the first one had seen it end: it was played, and is missed."""
    golden = small("A source that lags behind does not call a game off", status="findings")
    row = schedule_row(golden.night, 1)
    golden.night.tables[SCHEDULE].append({**row, "game_status": 1, "processed_at": et(golden.night.morning, "02:00")})
    without_second_game(golden.night)
    golden.wants("SCHED001", "warn", name_of(SCHEDULE), 1)
    for table in PLAYED:
        golden.wants("DONE009", "error", name_of(table), 1)
    return golden.wants("LATE004", "error", name_of(GAMEBOOK), 1)


def stand_in() -> Golden:
    """A game that does not count, of the same teams on the same day, is not the one that does."""
    golden = small("A game that does not count stands in for one that does", status="findings")
    row = schedule_row(golden.night, 1)
    golden.night.tables[SCHEDULE].append({**row, "game_id": "0012500777"})
    for one in golden.night.tables[UPCOMING_TEAM]:
        if one["game_id"] == row["game_id"]:
            one["game_id"] = "0012500777"
    return golden.wants("DONE009", "error", name_of(UPCOMING_TEAM), 1)


def off_beside_uncounted() -> Golden:
    """The only game that counts was postponed; one that does not count was played, so the schedule is not stale."""
    golden = small("A postponed game beside one that does not count", status="healthy")
    night = golden.night
    schedule_row(night, 1).update(game_status=1)
    schedule_row(night, 0).update(game_id="0012500501")
    uncounted(night)
    for table in ANALYTICS:
        night.tables[table] = []
    return golden


def moved_and_replaced() -> Golden:
    """A team's game was moved away and another one put in its place: the announcements hold both."""
    golden = small("A game that another one took the place of", status="healthy")
    night = golden.night
    row = schedule_row(night, 1)
    moved = {**row, "game_id": "0022500599", "away_team_tricode": "DEN", "home_team_tricode": "MIA", "game_status": 1}
    night.tables[SCHEDULE] += [
        {**moved, "processed_at": et(night.day, "09:00")},
        {**moved, "game_date": "2026-03-02", "processed_at": et(night.day, "15:00")},
    ]
    player = next(one for one in night.tables[UPCOMING_PLAYER] if one["team_abbr"] == "DEN")
    night.tables[UPCOMING_PLAYER].append({**player, "game_id": game_id(DAY, "DEN", "MIA")})
    night.report(name_of(UPCOMING_PLAYER), record_count=len(night.tables[UPCOMING_PLAYER]))
    return golden


def undated_arrivals() -> Golden:
    """The gamebooks do not say when they were written: nobody knows whether they were in time."""
    golden = small("Gamebooks that do not say when they came", status="could_not_check")
    for row in golden.night.tables[GAMEBOOK]:
        row.update(created_at="", processed_at="")
    return golden


# --- other ways to say healthy wrongly ------------------------------------------------------------


def long_run() -> Golden:
    """Started before due, and ended with the data after the alert time."""
    golden = small("A run that started in time and ended hours later")
    run = golden.night.tables[RUNS][1]
    run.update(started_at=et(golden.night.morning, "07:55"), completed_at=et(golden.night.morning, "11:20"))
    golden.as_of = et(golden.night.morning, "12:00")
    return golden.wants("LATE001", "error", SCRAPERS[1], 200)


def endless_run() -> Golden:
    """It says success, and not when: nobody can say whether it was in time."""
    golden = small("A run that does not say when it ended", status="could_not_check")
    golden.night.tables[RUNS][1]["completed_at"] = ""
    return golden


def run_that_ended_before_it_began() -> Golden:
    """Its end cannot be true: nobody can say whether it was in time."""
    golden = small("A run that ended before it began", status="could_not_check")
    morning = golden.night.morning
    golden.night.tables[RUNS][1].update(started_at=et(morning, "07:45"), completed_at=et(morning, "05:00"))
    return golden


def early_output() -> Golden:
    """Phase 4's output is from the morning before the games: it is not of this night."""
    golden = small("Output of phase 4 from before the games", status="findings")
    golden.night.rewrite(CACHE, et(golden.night.day, "11:30"))
    return golden.wants("TRIG004", "error", KEY)


def waived_and_unseen() -> Golden:
    """The document cannot be read, and that is waived: what it says of phase 4 is unseen all the same."""
    golden = small("A waiver does not see for anyone", status="could_not_check")
    golden.night.report(name_of(PGS), completed_at="yesterday")
    golden.seeds["known_exceptions"] = (
        f"rule,subject,game_date,reason,until\nDONE008,{KEY},{KEY},The writer is being mended.,2026-03-01\n"
    )
    return golden.wants("DONE008", "info", KEY)


def undated_rows() -> Golden:
    """Rows that belong to no date: two of players, and a game of the schedule."""
    golden = small("Rows without a date")
    row = golden.night.tables[PGS][0]
    golden.night.tables[PGS] += [{**row, "game_date": "", "player_lookup": name} for name in ("one", "other")]
    golden.night.tables[SCHEDULE].append({**schedule_row(golden.night, 0), "game_date": "", "game_id": "0022500700"})
    golden.wants("DUP003", "error", name_of(PGS), 2)
    return golden.wants("DUP003", "error", name_of(SCHEDULE), 1)


def too_early() -> Golden:
    """Looked at before the day: nothing is there, and nothing has passed."""
    golden = small("A day that is not over", status="could_not_check")
    night = golden.night
    for row in night.tables[SCHEDULE]:
        row.update(game_status=1, processed_at=et(night.day, "06:00"))
    night.tables = {SCHEDULE: night.tables[SCHEDULE]}
    night.document = None
    golden.as_of = et(night.day, "08:00")
    return golden


def many_wrong_rows() -> Golden:
    """On each of two dates more rows are wrong than Great Expectations names."""
    first, second = good_night(DAY), good_night(DAY + timedelta(days=1), seed=8, first=601)
    second.tables[SCHEDULE] = [row for row in second.tables[SCHEDULE] if row["game_date"] > KEY]
    first.tables[SCHEDULE] = [row for row in first.tables[SCHEDULE] if row["game_date"] <= KEY]
    golden = Golden("Wrong values on two dates, more than anyone lists", first, expectations=True, others=[second])
    for night in golden.nights:
        for row in night.tables[UPCOMING_PLAYER][:78]:
            row["days_rest"] = -1
        golden.wants("EXP002", "error", "upcoming_player_game_context_latest", 78, night.day)
    return golden


GOLDEN: dict[str, Callable[[], Golden]] = {
    "incident-2026-02-03": incident,
    "clean-twin-2026-02-03": clean_twin,
    "backfilled-without-report": backfilled,
    "done-without-rows": done_without_rows,
    "dst-fall-back": fall_back,
    "dst-spring-forward": spring_forward,
    "early-trigger": early_trigger,
    "failed-then-success": failed_then_success,
    "impossible-values": impossible_values,
    "late-trigger": late_trigger,
    "lost-report": lost_report,
    "missing-document": missing_document,
    "missing-game": missing_game,
    "missing-optional-sources": missing_optional,
    "no-games": no_games,
    "null-key": null_key,
    "other-count": other_count,
    "partial-arrival": partial_arrival,
    "poorer-newest": poorer_newest,
    "reported-failure": reported_failure,
    "required-partition-filter": partition_filter,
    "same-day-three-of-five": same_day,
    "scraper-failed": scraper_failed,
    "scraper-silent": scraper_silent,
    "silent-phase4": silent_phase4,
    "stranger": stranger,
    "tied-newest": tied_newest,
    "two-game-ids": two_game_ids,
    "unreadable-document": unreadable_document,
    "waived": waived,
    "all-star-sunday": all_star_sunday,
    "early-output": early_output,
    "ended-before-it-began": run_that_ended_before_it_began,
    "lagging-source": lagging_source,
    "moved-and-replaced": moved_and_replaced,
    "off-beside-uncounted": off_beside_uncounted,
    "stand-in-game": stand_in,
    "undated-arrivals": undated_arrivals,
    "waived-and-unseen": waived_and_unseen,
    "endless-run": endless_run,
    "long-run": long_run,
    "lost-day": lost_day,
    "lost-game": lost_game,
    "many-wrong-rows": many_wrong_rows,
    "moved-by-a-day": moved_by_a_day,
    "moved-by-months": moved_by_months,
    "moved-with-rows": moved_with_rows,
    "postponed-game": postponed_game,
    "postponed-and-played": postponed_and_played,
    "preseason-abroad": preseason_abroad,
    "unpadded-id": unpadded_id,
    "quiet-day": quiet_day,
    "rewritten-later": rewritten_later,
    "same-day-hides-the-night": same_day_hides,
    "stale-and-incomplete": stale_and_incomplete,
    "stale-schedule": stale_scheduled,
    "stale-without-status": stale_unknown,
    "too-early": too_early,
    "two-games-of-two-teams": two_in_a_day,
    "undated-rows": undated_rows,
    "unfinished-game": unfinished_game,
}


def files(golden: Golden) -> dict[str, str]:
    """The scenario's files by path below its folder."""
    night = golden.night
    made = {"scenario.yml": head(golden)}
    for table in night.tables:
        if rows := [row for one in golden.nights for row in one.tables.get(table, [])]:
            made[f"tables/{table}.csv"] = csv_text(rows)
    for one in golden.nights:
        if one.document is not None:
            path = f"documents/phase3_completion/{one.day.isoformat()}.json"
            made[path] = json.dumps(one.document, indent=2) + "\n"
    for seed, text in golden.seeds.items():
        made[f"seeds/{seed}.csv"] = text
    return made


def head(golden: Golden) -> str:
    """scenario.yml, written the way a person would."""
    night = golden.night
    as_of = golden.as_of or et(golden.nights[-1].morning, "10:30")
    lines = [
        f"title: {json.dumps(golden.title)}",
        f"as_of: '{as_of}'",
        f"first_date: {golden.nights[0].day}",
        f"last_date: {golden.nights[-1].day}",
    ]
    if golden.optional:
        lines.append(f"optional: [{', '.join(golden.optional)}]")
    if golden.variables:
        lines.append(f"vars: {json.dumps(golden.variables)}")
    if golden.expectations:
        lines.append("expectations: true")
    if golden.status:
        lines.append(f"status: {golden.status}")
    if not golden.expect:
        return "\n".join([*lines, "expect: []"]) + "\n"
    lines.append("expect:")
    for finding in golden.expect:
        lines.append("  - {" + ", ".join(f"{key}: {value}" for key, value in finding.items()) + "}")
    text = "\n".join(lines) + "\n"
    # A document's id looks like a date to YAML; as a subject it is a text.
    return text.replace(f"subject: {night.day}", f"subject: '{night.day}'")


def csv_text(rows: list[Row]) -> str:
    """Rows with the columns of the first; sorted files would hide the order of the writes."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    """Write the scenarios, or compare them with what is committed."""
    parser = argparse.ArgumentParser(description="Make the golden scenarios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these scenarios; all without any")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when a file differs")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in GOLDEN]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]}; there are {', '.join(GOLDEN)}")
    stale = [name for name in given.names or GOLDEN if is_stale(name)]
    # A scenario that nothing makes any more would be replayed for ever, as it was when it was renamed.
    strangers = [] if given.names else sorted({one.parent.name for one in ROOT.glob("*/scenario.yml")} - set(GOLDEN))
    if not given.check:
        for name in stale:
            write(name)
        if strangers:
            print(f"not made here, remove or add to GOLDEN: {', '.join(strangers)}", file=sys.stderr)
        return 0
    if stale:
        print(f"stale: {', '.join(stale)}; run: python scenarios/generate.py", file=sys.stderr)
    if strangers:
        print(f"made by nothing in scenarios/generate.py: {', '.join(strangers)}", file=sys.stderr)
    return 1 if stale or strangers else 0


def committed(name: str) -> dict[str, bytes]:
    """The files of a scenario as they are on disk, by path below its folder."""
    folder = ROOT / name
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_stale(name: str) -> bool:
    """Whether the files on disk differ from those made here."""
    return {path: text.encode() for path, text in files(GOLDEN[name]()).items()} != committed(name)


def write(name: str) -> None:
    """Put the files of a scenario in the place of those on disk."""
    made = files(GOLDEN[name]())
    for path in set(committed(name)) - set(made):
        (ROOT / name / path).unlink()
    for path, text in made.items():
        target = ROOT / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
