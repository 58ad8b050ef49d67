"""Games that are moved, postponed, unfinished or not counted."""

from __future__ import annotations

from datetime import timedelta

from golden.documents import untriggered
from golden.golden import DAY, KEY, TWO_GAMES, Golden, small
from golden.night import (
    ANALYTICS,
    CACHE,
    DEFENSE,
    GAMEBOOK,
    OFFENSE,
    PGS,
    PLAYED,
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
)


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
    golden = moved_game("A game that was moved by two months", 60)
    golden.expectations = True
    return golden


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
