"""Games that are moved, called off, unfinished or not counted."""

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
    """Remove the rows of the second game, and adjust the reports."""
    night.without_games([game_id(night.day, *TWO_GAMES[1])])


def schedule_row(night: Night, index: int) -> Row:
    """The schedule's row of one of the night's games."""
    return [row for row in night.tables[SCHEDULE] if row["game_date"] == night.day.isoformat()][index]


def unfinished_game() -> Golden:
    """One game was live when the schedule was last loaded, and the processors ran without it."""
    golden = small("A game that is never final in the schedule", status="findings")
    night = golden.night
    schedule_row(night, 1).update(game_status=2, processed_at=et(night.day, "23:40"))
    without_second_game(night)
    golden.wants("SCHED001", "warn", name_of(SCHEDULE), 1)
    for table in PLAYED:
        golden.wants("DONE009", "error", name_of(table), 1)
    return golden.wants("LATE004", "error", name_of(GAMEBOOK), 1)


def postponed_game() -> Golden:
    """Still scheduled in a row loaded after the day, while the other game is final: it was not played."""
    golden = small("A postponed game without a new date", status="healthy")
    schedule_row(golden.night, 1).update(game_status=1)
    without_second_game(golden.night)
    return golden


def postponed_and_played() -> Golden:
    """A game that was called off has rows."""
    golden = small("Rows of a game that was called off", status="findings")
    schedule_row(golden.night, 1).update(game_status=1)
    for table in (*PLAYED, GAMEBOOK):
        golden.wants("SCHED002", "error", name_of(table), len(golden.night.tables[table]) // 2)
    return golden


def stale_schedule(title: str, game_status: int | str) -> Golden:
    """The schedule was last loaded on the afternoon before the games, five days ago; all other tables are missing."""
    golden = small(title, status="findings")
    night = golden.night
    for row in night.tables[SCHEDULE]:
        row.update(game_status=game_status, processed_at=et(night.day, "15:00"))
    night.tables = {SCHEDULE: night.tables[SCHEDULE]}
    night.document = None
    golden.as_of = et(night.day + timedelta(days=5), "10:30")
    return golden.wants("SCHED001", "error", name_of(SCHEDULE), 2)


def stale_scheduled() -> Golden:
    """Five days later, every game is still scheduled."""
    return stale_schedule("A schedule last loaded before the games", 1)


def stale_unknown() -> Golden:
    """No game has a status."""
    return stale_schedule("A schedule without a status", "")


def stale_and_incomplete() -> Golden:
    """All games are live, the tables have one of them, and three reports are missing: no repair is allowed."""
    golden = small("A stale schedule and an incomplete night", status="findings")
    night = golden.night
    for index in (0, 1):
        schedule_row(night, index).update(game_status=2, processed_at=et(night.day, "23:40"))
    without_second_game(night)
    untriggered(night, name_of(DEFENSE))
    for table in (PGS, OFFENSE):
        del night.fields[name_of(table)]
    night.fields["_completed_count"] = 2
    return golden.wants("SCHED001", "error", name_of(SCHEDULE), 2)


def lost_day() -> Golden:
    """The schedule has the days before and after, but lost this one."""
    golden = small("A schedule that lost the day", status="findings")
    night = golden.night
    night.tables[SCHEDULE] = [row for row in night.tables[SCHEDULE] if row["game_date"] != KEY]
    for table in (*ANALYTICS, GAMEBOOK):
        golden.wants("SCHED002", "error", name_of(table), len(night.tables[table]))
    return golden.wants("SCHED002", "error", SCRAPERS[1], 1).wants("SCHED002", "error", KEY, 5)


def lost_game() -> Golden:
    """The schedule has one of the two games that were played."""
    golden = small("A schedule that lost a game", status="findings")
    golden.night.tables[SCHEDULE].remove(schedule_row(golden.night, 1))
    for table in (*ANALYTICS, GAMEBOOK):
        golden.wants("SCHED002", "error", name_of(table), len(golden.night.tables[table]) // 2)
    return golden


def quiet_day() -> Golden:
    """A day without games: everything ran as usual, without data."""
    golden = small("A day without games on which everything ran without data", status="healthy")
    night = golden.night
    night.tables[SCHEDULE] = [row for row in night.tables[SCHEDULE] if row["game_date"] != KEY]
    night.tables[RUNS] = [scraper_run(night, name, "06:00", "no_data", 0) for name in SCRAPERS]
    for table in ANALYTICS:
        night.tables[table] = []
        night.report(name_of(table), record_count=0)
    for table in (GAMEBOOK, CACHE):
        night.tables[table] = []
    return golden


def moved_game(title: str, days: int) -> Golden:
    """Final at 22:00, and moved to another day at 01:30: the tables were right when they were written."""
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
    return moved_game("A final game that was moved to the next day", 1)


def moved_by_months() -> Golden:
    """The newer row is far outside the checked days."""
    golden = moved_game("A game that was moved by two months", 60)
    golden.expectations = True
    return golden


def moved_with_rows() -> Golden:
    """Its rows remain on the old day, where no game is scheduled for them."""
    golden = small("Rows of a game that was moved away", status="findings")
    moved = moved_game("", 1).night
    golden.night.tables[SCHEDULE] = moved.tables[SCHEDULE]
    for table in (*PLAYED, GAMEBOOK):
        golden.wants("SCHED002", "error", name_of(table), len(golden.night.tables[table]) // 2)
    return golden


def uncounted(night: Night) -> None:
    """No runs, reports or phase 4 for games that do not count; rows of these games are not a fault."""
    night.tables[RUNS], night.tables[CACHE], night.tables[GAMEBOOK] = [], [], []
    night.document = None


def preseason_abroad() -> Golden:
    """A preseason game against a team outside the league."""
    night = good_night(DAY, (("NZB", "UTA"), ("DEN", "DET")), prefix="001")
    uncounted(night)
    regular_season(night)
    return Golden("Preseason against a foreign team", night, expectations=True, status="healthy")


def all_star_sunday() -> Golden:
    """A tournament of short games in which teams play twice."""
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
    """The id of a game lost its leading zeros, and no table has rows of the game."""
    golden = small("A game id with an unknown prefix", status="could_not_check")
    night = golden.night
    row = schedule_row(night, 1)
    night.without_games({game_id(night.day, *TWO_GAMES[1]), row["game_id"]}, (*ANALYTICS, GAMEBOOK))
    row["game_id"] = row["game_id"].lstrip("0")
    return golden


def two_in_a_day() -> Golden:
    """Two games of the same teams on one day: the rows of one do not prove both."""
    golden = small("Two games of the same teams on one day", status="findings")
    row = schedule_row(golden.night, 0)
    golden.night.tables[SCHEDULE].append({**row, "game_id": "0022500599"})
    for table in ANALYTICS:
        golden.wants("DONE009", "error", name_of(table), 2)
    return golden.wants("LATE004", "error", name_of(GAMEBOOK), 2)


def rewritten_later() -> Golden:
    """The gamebooks and the cache were written again three days later; their arrival stays on time."""
    golden = small("Tables that were rewritten days later", status="healthy")
    night = golden.night
    later = night.day + timedelta(days=3)
    for table in (GAMEBOOK, CACHE):
        for row in night.tables[table]:
            row.update(processed_at=et(later, "12:00"))
    golden.as_of = et(later, "16:00")
    return golden


def lagging_source() -> Golden:
    """A second source shows a game as scheduled after the first one showed it as final: it was played."""
    golden = small("A lagging source does not call a game off", status="findings")
    row = schedule_row(golden.night, 1)
    golden.night.tables[SCHEDULE].append({**row, "game_status": 1, "processed_at": et(golden.night.morning, "02:00")})
    without_second_game(golden.night)
    golden.wants("SCHED001", "warn", name_of(SCHEDULE), 1)
    for table in PLAYED:
        golden.wants("DONE009", "error", name_of(table), 1)
    return golden.wants("LATE004", "error", name_of(GAMEBOOK), 1)


def stand_in() -> Golden:
    """A game that does not count does not replace a counted game of the same teams on the same day."""
    golden = small("Rows of an uncounted game in place of a counted one", status="findings")
    row = schedule_row(golden.night, 1)
    golden.night.tables[SCHEDULE].append({**row, "game_id": "0012500777"})
    for one in golden.night.tables[UPCOMING_TEAM]:
        if one["game_id"] == row["game_id"]:
            one["game_id"] = "0012500777"
    return golden.wants("DONE009", "error", name_of(UPCOMING_TEAM), 1)


def off_beside_uncounted() -> Golden:
    """The only counted game was postponed; an uncounted one was played, so the schedule is not stale."""
    golden = small("A postponed game beside an uncounted one", status="healthy")
    night = golden.night
    schedule_row(night, 1).update(game_status=1)
    schedule_row(night, 0).update(game_id="0012500501")
    uncounted(night)
    for table in ANALYTICS:
        night.tables[table] = []
    return golden


def moved_and_replaced() -> Golden:
    """A team's game was replaced by another one: the tables on upcoming games have both."""
    golden = small("A game that was moved and replaced", status="healthy")
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
    """The gamebook rows have no write time: it is unknown whether they were on time."""
    golden = small("Gamebooks without a write time", status="could_not_check")
    for row in golden.night.tables[GAMEBOOK]:
        row.update(created_at="", processed_at="")
    return golden
