"""Changes that spoil one thing of a night, and their expected effect, from the contract, without trueup's code.

``ERROR``: the report is not healthy. ``WARNED``: there is at least a warning; the report may be healthy.
``HARMLESS``: nothing is wrong, and trueup must have no finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from hypothesis import strategies as st

from golden.night import (
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
    Night,
    Row,
    et,
    game_id,
    good_night,
    name_of,
    scraper_run,
    stamp,
)

Effect = Literal["error", "warned", "harmless"]
ERROR: Effect = "error"
WARNED: Effect = "warned"
HARMLESS: Effect = "harmless"
PAIRS = (("BOS", "LAL"), ("DEN", "DET"))
PLAYERS = 2  # of each team: few rows for a fast test
# Each spoiling has a good night, one to be repaired, and then a free day.
FIRST_DAY = date(2024, 1, 1)
DAYS_PER_NIGHT = 3


@dataclass(frozen=True)
class Spoiling:
    """``does`` changes a night of any date, and returns the expected effect."""

    name: str
    does: Callable[[Night], Effect]

    def __repr__(self) -> str:
        return self.name


def small_night(day: date, number: int) -> Night:
    """A good night with two games and few players; no two nights share a game."""
    night = good_night(day, PAIRS, first=1 + 2 * number)
    night.tables[SCHEDULE] = [row for row in night.tables[SCHEDULE] if row["game_date"] == day.isoformat()]
    kept = {
        row["player_lookup"]
        for team in {row["team_abbr"] for row in night.tables[PGS]}
        for row in [one for one in night.tables[PGS] if one["team_abbr"] == team][:PLAYERS]
    }
    for table in (PGS, UPCOMING_PLAYER, GAMEBOOK, CACHE):
        night.tables[table] = [row for row in night.tables[table] if row["player_lookup"] in kept]
    for table in ANALYTICS:
        night.report(name_of(table), record_count=len(night.tables[table]))
    return night


def broken_night(day: date, number: int) -> Night:
    """A night to be repaired: one report is lost, the count is wrong, and phase 4 was not started."""
    night = small_night(day, number)
    assert night.document is not None
    for key in (name_of(DEFENSE), "_triggered", "_triggered_at", "_trigger_reason"):
        del night.document[key]
    night.document["_completed_count"] = 3
    night.tables[CACHE] = []
    return night


# --- rows -------------------------------------------------------------------------------------------------------------


def without_rows(table: str) -> Spoiling:
    def does(night: Night) -> Effect:
        night.tables[table] = []
        # These two tables are optional.
        return HARMLESS if table in (PROCESSORS, LOG) else ERROR

    return Spoiling(f"no rows in {table}", does)


def without_game(table: str, index: int) -> Spoiling:
    def does(night: Night) -> Effect:
        gone = names_of(night, index)
        night.tables[table] = [row for row in night.tables[table] if row["game_id"] not in gone]
        return ERROR

    return Spoiling(f"no rows of game {index} in {table}", does)


def without_row(table: str, place: int) -> Spoiling:
    def does(night: Night) -> Effect:
        if rows := night.tables[table]:
            del rows[place % len(rows)]
        # The reports count the rows of their tables; for a gamebook or the cache, some rows are enough.
        return ERROR if table in (RUNS, SCHEDULE) else WARNED if table in ANALYTICS else HARMLESS

    return Spoiling(f"one row less in {table} ({place})", does)


def doubled_row(table: str, place: int, is_newer: bool) -> Spoiling:
    def does(night: Night) -> Effect:
        rows = night.tables[table]
        row = dict(rows[place % len(rows)])
        if is_newer:
            row["processed_at"] = et(night.morning, "07:30")
        rows.append(row)
        return ERROR

    return Spoiling(f"one row twice in {table} ({place}, {'newer' if is_newer else 'exact'})", does)


def row_of_no_game(table: str, place: int) -> Spoiling:
    def does(night: Night) -> Effect:
        row = night.tables[table][place % len(night.tables[table])]
        row["game_id"] = game_id(night.day, "SAS", "HOU")
        return ERROR

    return Spoiling(f"a row of a game that is in no schedule in {table} ({place})", does)


# --- cells ------------------------------------------------------------------------------------------------------------

_KEYS: dict[str, tuple[str, ...]] = {
    PGS: ("game_date", "game_id", "player_lookup"),
    OFFENSE: ("game_date", "game_id", "team_abbr"),
    DEFENSE: ("game_date", "game_id", "defending_team_abbr"),
    UPCOMING_PLAYER: ("game_date", "game_id", "player_lookup"),
    GAMEBOOK: ("game_date", "game_id"),
    CACHE: ("cache_date",),
    SCHEDULE: ("game_date", "game_id", "home_team_tricode"),
    RUNS: ("started_at", "scraper_name", "completed_at"),
    PROCESSORS: ("data_date",),
}
_SPARE: dict[str, tuple[str, ...]] = {
    PGS: ("processed_at", "created_at"),
    OFFENSE: ("processed_at",),
    UPCOMING_PLAYER: ("processed_at", "created_at"),
    GAMEBOOK: ("processed_at", "created_at", "player_lookup", "team_abbr"),
    CACHE: ("processed_at", "created_at", "player_lookup"),
    SCHEDULE: ("processed_at",),
    RUNS: ("status", "game_date", "record_count"),
    PROCESSORS: ("status", "started_at"),
}


def null(table: str, column: str, place: int, effect: Effect) -> Spoiling:
    def does(night: Night) -> Effect:
        if rows := night.tables[table]:
            rows[place % len(rows)][column] = ""
        return effect

    return Spoiling(f"NULL in {table}.{column} ({place})", does)


# --- the schedule -----------------------------------------------------------------------------------------------------


def status(games: tuple[int, ...], value: int | str, clock: str) -> Spoiling:
    """Rows loaded the next morning at ``clock``, or at 20:00 on the evening before."""

    def does(night: Night) -> Effect:
        loaded = et(night.day, clock) if clock == "20:00" else et(night.morning, clock)
        for index in games:
            night.tables[SCHEDULE][index].update(game_status=value, processed_at=loaded)
        if len(games) == len(PAIRS):
            return ERROR
        # Error: called off, but it has rows. Warning: not final, and all rows exist.
        return ERROR if value == 1 and clock != "20:00" else WARNED

    return Spoiling(f"status {value!r} of games {games}, loaded {clock}", does)


def unfinished_without(table: str, index: int) -> Spoiling:
    def does(night: Night) -> Effect:
        status((index,), 2, "20:00").does(night)
        return without_game(table, index).does(night)

    return Spoiling(f"game {index} never ended, and has no rows in {table}", does)


def moved_away(index: int, nights: int, keeps_rows: bool) -> Spoiling:
    """Move a game to a free day, ``nights`` nights away."""

    def does(night: Night) -> Effect:
        row = night.tables[SCHEDULE][index]
        row["processed_at"] = et(night.day, "22:00")
        to_free_day = DAYS_PER_NIGHT - 1 - (night.day - FIRST_DAY).days % DAYS_PER_NIGHT
        new_day = (night.day + timedelta(days=to_free_day + DAYS_PER_NIGHT * nights)).isoformat()
        loaded = et(night.morning, "01:30")
        night.tables[SCHEDULE].append({**row, "game_date": new_day, "game_status": 1, "processed_at": loaded})
        if not keeps_rows:
            night.without_games(names_of(night, index))
        return ERROR if keeps_rows else HARMLESS

    return Spoiling(f"game {index} moved by {nights} nights, rows {'kept' if keeps_rows else 'gone'}", does)


def postponed(index: int) -> Spoiling:
    def does(night: Night) -> Effect:
        night.tables[SCHEDULE][index].update(game_status=1)
        night.without_games(names_of(night, index))
        return HARMLESS

    return Spoiling(f"game {index} postponed", does)


def older_row(index: int, value: int) -> Spoiling:
    """An older row of a game has another status; the newest row wins."""

    def does(night: Night) -> Effect:
        row = night.tables[SCHEDULE][index]
        night.tables[SCHEDULE].insert(0, {**row, "game_status": value, "processed_at": et(night.day, "15:00")})
        return HARMLESS

    return Spoiling(f"an older row of game {index} with status {value}", does)


def lagging(index: int, has_rows: bool) -> Spoiling:
    """A second source still has the game as scheduled after the first one has it as final."""

    def does(night: Night) -> Effect:
        row = night.tables[SCHEDULE][index]
        night.tables[SCHEDULE].append({**row, "game_status": 1, "processed_at": et(night.morning, "02:00")})
        if not has_rows:
            night.without_games(names_of(night, index))
        return WARNED if has_rows else ERROR

    return Spoiling(f"a source that lags on game {index}, {'with' if has_rows else 'without'} rows", does)


def stand_in(table: str, index: int) -> Spoiling:
    """The table has, instead of a game, one of the same teams that does not count."""

    def does(night: Night) -> Effect:
        row = night.tables[SCHEDULE][index]
        other = f"001{row['game_id'][3:]}"
        night.tables[SCHEDULE].append({**row, "game_id": other})
        for one in night.tables[table]:
            if one["game_id"] in names_of(night, index):
                one["game_id"] = other
        return ERROR

    return Spoiling(f"a game that does not count for game {index} in {table}", does)


def uncounted_game(prefix: str, has_rows: bool) -> Spoiling:
    def does(night: Night) -> Effect:
        number = night.tables[SCHEDULE][0]["game_id"][3:]
        row = {**night.tables[SCHEDULE][0], "game_id": f"{prefix}{number}"}
        night.tables[SCHEDULE].append({**row, "home_team_tricode": "UTA", "away_team_tricode": "NZB"})
        if has_rows:
            there = night.tables[PGS][0]
            night.tables[PGS].append({**there, "game_id": game_id(night.day, "NZB", "UTA"), "team_abbr": "NZB"})
            night.report(name_of(PGS), record_count=len(night.tables[PGS]))
        return HARMLESS

    return Spoiling(f"a game {prefix} that does not count, {'with' if has_rows else 'without'} rows", does)


def unpadded_id(index: int, has_rows: bool) -> Spoiling:
    """The id was loaded as a number, so it is unknown whether the game counts."""

    def does(night: Night) -> Effect:
        gone = names_of(night, index)
        row = night.tables[SCHEDULE][index]
        row["game_id"] = row["game_id"].lstrip("0")
        if not has_rows:
            night.without_games(gone, (*ANALYTICS, GAMEBOOK))
        return ERROR

    return Spoiling(f"game {index} without the zeros of its id, {'with' if has_rows else 'without'} rows", does)


def second_game(index: int) -> Spoiling:
    def does(night: Night) -> Effect:
        row = night.tables[SCHEDULE][index]
        night.tables[SCHEDULE].append({**row, "game_id": f"0022{int(row['game_id'][4:]) + 700_000:06d}"})
        return ERROR

    return Spoiling(f"a second game of the same teams as game {index}, without rows", does)


# --- runs and arrivals ------------------------------------------------------------------------------------------------


def run_ended(scraper: int, started: str, ended: str) -> Spoiling:
    def does(night: Night) -> Effect:
        run = night.tables[RUNS][scraper]
        run.update(started_at=et(night.morning, started), completed_at=et(night.morning, ended))
        return HARMLESS if ended <= "08:00" else WARNED if ended <= "10:00" else ERROR

    return Spoiling(f"{SCRAPERS[scraper]} ran {started} to {ended}", does)


def run_said(scraper: int, field: str, value: Any) -> Spoiling:
    def does(night: Night) -> Effect:
        night.tables[RUNS][scraper][field] = value
        return ERROR

    return Spoiling(f"the run of {SCRAPERS[scraper]} says {field} = {value!r}", does)


def failed_run_before(scraper: int) -> Spoiling:
    def does(night: Night) -> Effect:
        night.tables[RUNS].insert(0, scraper_run(night, SCRAPERS[scraper], "04:00", "failed", 0))
        return HARMLESS

    return Spoiling(f"a failed run of {SCRAPERS[scraper]} before the good one", does)


def rewritten(table: str) -> Spoiling:
    def does(night: Night) -> Effect:
        for row in night.tables[table]:
            row["processed_at"] = et(night.day + timedelta(days=4), "12:00")
        return HARMLESS

    return Spoiling(f"{table} written again four days later", does)


def arrived_late(index: int) -> Spoiling:
    def does(night: Night) -> Effect:
        for row in night.tables[GAMEBOOK]:
            if row["game_id"] in names_of(night, index):
                row.update(created_at=et(night.morning, "11:00"), processed_at=et(night.morning, "11:00"))
        return ERROR

    return Spoiling(f"the gamebook of game {index} arrived at 11:00", does)


# --- documents --------------------------------------------------------------------------------------------------------


def no_document() -> Spoiling:
    def does(night: Night) -> Effect:
        night.document = None
        return ERROR

    return Spoiling("no document", does)


def without_field(name: str, effect: Effect) -> Spoiling:
    def does(night: Night) -> Effect:
        assert night.document is not None
        night.document.pop(name, None)
        return effect

    return Spoiling(f"no {name} in the document", does)


def with_field(name: str, value: Any, effect: Effect) -> Spoiling:
    def does(night: Night) -> Effect:
        assert night.document is not None
        night.document[name] = value
        return effect

    return Spoiling(f"{name} = {value!r} in the document", does)


def report_says(table: str, field: str, value: Any, effect: Effect) -> Spoiling:
    def does(night: Night) -> Effect:
        assert night.document is not None
        report = night.document.get(name_of(table))
        if report is None:  # the broken night has lost it
            return HARMLESS
        if value is None:
            report.pop(field, None)
        else:
            report[field] = value
        return effect

    return Spoiling(f"the report of {table} says {field} = {value!r}", does)


def triggered_after(minutes: int) -> Spoiling:
    def does(night: Night) -> Effect:
        assert night.document is not None
        night.document["_triggered_at"] = stamp(et(night.morning, "06:55", 60 * minutes))
        night.rewrite(CACHE, et(night.morning, "06:55", 60 * (minutes + 5)))
        return HARMLESS if minutes <= 10 else WARNED if minutes <= 30 else ERROR

    return Spoiling(f"phase 4 started {minutes} minutes after the last report", does)


def early_output() -> Spoiling:
    def does(night: Night) -> Effect:
        night.rewrite(CACHE, et(night.day, "11:30"))
        return ERROR

    return Spoiling("output of phase 4 from before the games", does)


def class_style() -> Spoiling:
    def does(night: Night) -> Effect:
        assert night.document is not None
        night.document["PlayerGameSummaryProcessor"] = night.document.pop(name_of(PGS))
        return HARMLESS

    return Spoiling("a report under the name of its class", does)


def names_of(night: Night, index: int) -> set[str]:
    """All ids of one of the night's games in the tables."""
    away, home = PAIRS[index]
    league = [row["game_id"] for row in night.tables[SCHEDULE] if row["home_team_tricode"] == home]
    return {game_id(night.day, away, home), *league}


# --- one of all of them -----------------------------------------------------------------------------------------------

_place = st.integers(0, 40)
_game = st.integers(0, 1)
_scraper = st.integers(0, 1)
_minute = st.sampled_from(["05:00", "07:59", "08:00", "08:01", "09:59", "10:00", "10:01", "11:20", "23:00"])
_keyed = st.sampled_from([(table, column) for table, columns in _KEYS.items() for column in columns])
_spare = st.sampled_from([(table, column) for table, columns in _SPARE.items() for column in columns])


def _run_times(started: str, ended: str, scraper: int) -> Spoiling:
    first, last = sorted((started, ended))
    return run_ended(scraper, first, last)


spoilings: st.SearchStrategy[Spoiling] = st.one_of(
    st.sampled_from([*ANALYTICS, CACHE, GAMEBOOK, SCHEDULE, RUNS, PROCESSORS, LOG]).map(without_rows),
    st.builds(without_game, st.sampled_from([*ANALYTICS, GAMEBOOK, SCHEDULE]), _game),
    st.builds(without_row, st.sampled_from([*ANALYTICS, GAMEBOOK, CACHE, SCHEDULE, RUNS]), _place),
    st.builds(doubled_row, st.sampled_from(ANALYTICS), _place, st.booleans()),
    st.builds(row_of_no_game, st.sampled_from([*ANALYTICS, GAMEBOOK]), _place),
    st.builds(lambda one, place: null(one[0], one[1], place, ERROR), _keyed, _place),
    st.builds(lambda one, place: null(one[0], one[1], place, HARMLESS), _spare, _place),
    st.builds(
        status, st.sampled_from([(0,), (1,), (0, 1)]), st.sampled_from([1, 2, ""]), st.sampled_from(["01:30", "20:00"])
    ),
    st.builds(unfinished_without, st.sampled_from([*PLAYED, GAMEBOOK]), _game),
    st.builds(moved_away, _game, st.sampled_from([-13, -1, 0, 1, 20, 70]), st.booleans()),
    st.builds(postponed, _game),
    st.builds(older_row, _game, st.sampled_from([1, 2])),
    st.builds(lagging, _game, st.booleans()),
    st.builds(stand_in, st.sampled_from([*ANALYTICS, GAMEBOOK]), _game),
    st.just(early_output()),
    st.builds(unpadded_id, _game, st.booleans()),
    st.builds(uncounted_game, st.sampled_from(["001", "003"]), st.booleans()),
    st.builds(second_game, _game),
    st.builds(_run_times, _minute, _minute, _scraper),
    st.builds(
        lambda scraper, said: run_said(scraper, *said),
        _scraper,
        st.sampled_from(
            [("status", "failed"), ("status", "no_data"), ("record_count", 0), ("started_at", "2030-01-01T00:00:00Z")]
        ),
    ),
    st.builds(failed_run_before, _scraper),
    st.sampled_from([GAMEBOOK, CACHE]).map(rewritten),
    st.builds(arrived_late, _game),
    st.just(no_document()),
    st.sampled_from(
        [
            without_field("_completed_count", ERROR),
            without_field("_triggered", ERROR),
            without_field("_triggered_at", HARMLESS),
            without_field("_mode", HARMLESS),
            without_field("_last_update", HARMLESS),
            with_field("_mode", "same_day", HARMLESS),
            with_field("_mode", "tomorrow", HARMLESS),
            with_field("_mode", "nightly", ERROR),
            with_field("_triggered", "yes", ERROR),
            with_field("_triggered", False, ERROR),
            with_field("mlb_game_summary", {"status": "success"}, WARNED),
            class_style(),
        ]
    ),
    st.builds(lambda table: without_field(name_of(table), ERROR), st.sampled_from(ANALYTICS)),
    st.integers(0, 9).map(lambda count: with_field("_completed_count", count, HARMLESS if count == 5 else ERROR)),
    st.builds(
        lambda table, said: report_says(table, *said),
        st.sampled_from(ANALYTICS),
        st.sampled_from(
            [
                ("status", "failed", ERROR),
                ("status", "running", ERROR),
                ("status", None, ERROR),
                ("status", "COMPLETED", HARMLESS),
                ("status", "partial", HARMLESS),
                ("record_count", None, HARMLESS),
                ("record_count", 399, WARNED),
                ("completed_at", None, HARMLESS),
                ("completed_at", "soon", ERROR),
            ]
        ),
    ),
    st.integers(0, 60).map(triggered_after),
)


def days_of(number: int) -> tuple[date, date]:
    """The days of the good night and of the one to be repaired."""
    first = FIRST_DAY + timedelta(days=DAYS_PER_NIGHT * number)
    return first, first + timedelta(days=1)


def as_rows(nights: list[Night]) -> dict[str, tuple[Row, ...]]:
    """All rows of the nights by table, as load jobs take them: an empty cell is NULL."""
    names = dict.fromkeys(name for night in nights for name in night.tables)
    return {name: tuple(_loaded(row) for night in nights for row in night.tables.get(name, ())) for name in names}


def _loaded(row: Row) -> Row:
    plain = {key: value for key, value in row.items() if value != "" and "." not in key}
    nested = {key: value for key, value in row.items() if "." in key}
    if nested:
        plain["resource"] = {
            "type": nested["resource.type"],
            "labels": {"function_name": nested["resource.labels.function_name"]},
        }
    return plain
