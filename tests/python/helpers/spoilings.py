"""Changes that spoil one thing of a night, and their expected effect, from the contract, without trueup's code.

``ERROR``: the report is not healthy. ``WARNED``: there is at least a warning; the report may be healthy.
``HARMLESS``: nothing is wrong, and trueup must have no finding.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
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


class Spoiling:
    """``does`` changes a night of any date, with these arguments, and returns the expected effect."""

    def __init__(self, does: Callable[..., Effect], *arguments: Any) -> None:
        self.does, self.arguments = does, arguments

    def __repr__(self) -> str:
        return f"{self.does.__name__}{self.arguments}"

    def on(self, night: Night) -> Effect:
        return self.does(night, *self.arguments)


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
    for key in (name_of(DEFENSE), "_triggered", "_triggered_at", "_trigger_reason"):
        del night.fields[key]
    night.fields["_completed_count"] = 3
    night.tables[CACHE] = []
    return night


# --- rows -------------------------------------------------------------------------------------------------------------


def without_rows(night: Night, table: str) -> Effect:
    night.tables[table] = []
    # These two tables are optional.
    return HARMLESS if table in (PROCESSORS, LOG) else ERROR


def without_game(night: Night, table: str, index: int) -> Effect:
    gone = names_of(night, index)
    night.tables[table] = [row for row in night.tables[table] if row["game_id"] not in gone]
    return ERROR


def without_row(night: Night, table: str, place: int) -> Effect:
    if rows := night.tables[table]:
        del rows[place % len(rows)]
    # The reports count the rows of their tables; for a gamebook or the cache, some rows are enough.
    return ERROR if table in (RUNS, SCHEDULE) else WARNED if table in ANALYTICS else HARMLESS


def doubled_row(night: Night, table: str, place: int, is_newer: bool) -> Effect:
    rows = night.tables[table]
    row = dict(rows[place % len(rows)])
    if is_newer:
        row["processed_at"] = et(night.morning, "07:30")
    rows.append(row)
    return ERROR


def row_of_no_game(night: Night, table: str, place: int) -> Effect:
    """A row of a game that is in no schedule."""
    row = night.tables[table][place % len(night.tables[table])]
    row["game_id"] = game_id(night.day, "SAS", "HOU")
    return ERROR


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


def null(night: Night, table: str, column: str, place: int, effect: Effect) -> Effect:
    if rows := night.tables[table]:
        rows[place % len(rows)][column] = ""
    return effect


# --- the schedule -----------------------------------------------------------------------------------------------------


def status(night: Night, games: tuple[int, ...], value: int | str, clock: str) -> Effect:
    """Rows loaded the next morning at ``clock``, or at 20:00 on the evening before."""
    loaded = et(night.day, clock) if clock == "20:00" else et(night.morning, clock)
    for index in games:
        night.tables[SCHEDULE][index].update(game_status=value, processed_at=loaded)
    if len(games) == len(PAIRS):
        return ERROR
    # Error: called off, but it has rows. Warning: not final, and all rows exist.
    return ERROR if value == 1 and clock != "20:00" else WARNED


def unfinished_without(night: Night, table: str, index: int) -> Effect:
    status(night, (index,), 2, "20:00")
    return without_game(night, table, index)


def moved_away(night: Night, index: int, nights: int, keeps_rows: bool) -> Effect:
    """Move a game to a free day, ``nights`` nights away."""
    row = night.tables[SCHEDULE][index]
    row["processed_at"] = et(night.day, "22:00")
    to_free_day = DAYS_PER_NIGHT - 1 - (night.day - FIRST_DAY).days % DAYS_PER_NIGHT
    new_day = (night.day + timedelta(days=to_free_day + DAYS_PER_NIGHT * nights)).isoformat()
    loaded = et(night.morning, "01:30")
    night.tables[SCHEDULE].append({**row, "game_date": new_day, "game_status": 1, "processed_at": loaded})
    if not keeps_rows:
        night.without_games(names_of(night, index))
    return ERROR if keeps_rows else HARMLESS


def postponed(night: Night, index: int) -> Effect:
    night.tables[SCHEDULE][index].update(game_status=1)
    night.without_games(names_of(night, index))
    return HARMLESS


def older_row(night: Night, index: int, value: int) -> Effect:
    """An older row of a game has another status; the newest row wins."""
    row = night.tables[SCHEDULE][index]
    night.tables[SCHEDULE].insert(0, {**row, "game_status": value, "processed_at": et(night.day, "15:00")})
    return HARMLESS


def lagging(night: Night, index: int, has_rows: bool) -> Effect:
    """A second source still has the game as scheduled after the first one has it as final."""
    row = night.tables[SCHEDULE][index]
    night.tables[SCHEDULE].append({**row, "game_status": 1, "processed_at": et(night.morning, "02:00")})
    if not has_rows:
        night.without_games(names_of(night, index))
    return WARNED if has_rows else ERROR


def stand_in(night: Night, table: str, index: int) -> Effect:
    """The table has, instead of a game, one of the same teams that does not count."""
    row = night.tables[SCHEDULE][index]
    other = f"001{row['game_id'][3:]}"
    night.tables[SCHEDULE].append({**row, "game_id": other})
    for one in night.tables[table]:
        if one["game_id"] in names_of(night, index):
            one["game_id"] = other
    return ERROR


def uncounted_game(night: Night, prefix: str, has_rows: bool) -> Effect:
    """A game that does not count."""
    number = night.tables[SCHEDULE][0]["game_id"][3:]
    row = {**night.tables[SCHEDULE][0], "game_id": f"{prefix}{number}"}
    night.tables[SCHEDULE].append({**row, "home_team_tricode": "UTA", "away_team_tricode": "NZB"})
    if has_rows:
        there = night.tables[PGS][0]
        night.tables[PGS].append({**there, "game_id": game_id(night.day, "NZB", "UTA"), "team_abbr": "NZB"})
        night.report(name_of(PGS), record_count=len(night.tables[PGS]))
    return HARMLESS


def unpadded_id(night: Night, index: int, has_rows: bool) -> Effect:
    """The id was loaded as a number, so it is unknown whether the game counts."""
    gone = names_of(night, index)
    row = night.tables[SCHEDULE][index]
    row["game_id"] = row["game_id"].lstrip("0")
    if not has_rows:
        night.without_games(gone, (*ANALYTICS, GAMEBOOK))
    return ERROR


def second_game(night: Night, index: int) -> Effect:
    """A second game of the same teams, without rows."""
    row = night.tables[SCHEDULE][index]
    night.tables[SCHEDULE].append({**row, "game_id": f"0022{int(row['game_id'][4:]) + 700_000:06d}"})
    return ERROR


# --- runs and arrivals ------------------------------------------------------------------------------------------------


def run_ended(night: Night, scraper: int, *clocks: str) -> Effect:
    started, ended = sorted(clocks)
    run = night.tables[RUNS][scraper]
    run.update(started_at=et(night.morning, started), completed_at=et(night.morning, ended))
    return HARMLESS if ended <= "08:00" else WARNED if ended <= "10:00" else ERROR


def run_said(night: Night, scraper: int, field: str, value: Any) -> Effect:
    night.tables[RUNS][scraper][field] = value
    return ERROR


def failed_run_before(night: Night, scraper: int) -> Effect:
    """A failed run before the good one."""
    night.tables[RUNS].insert(0, scraper_run(night, SCRAPERS[scraper], "04:00", "failed", 0))
    return HARMLESS


def rewritten(night: Night, table: str) -> Effect:
    """Written again four days later."""
    for row in night.tables[table]:
        row["processed_at"] = et(night.day + timedelta(days=4), "12:00")
    return HARMLESS


def arrived_late(night: Night, index: int) -> Effect:
    for row in night.tables[GAMEBOOK]:
        if row["game_id"] in names_of(night, index):
            row.update(created_at=et(night.morning, "11:00"), processed_at=et(night.morning, "11:00"))
    return ERROR


# --- documents --------------------------------------------------------------------------------------------------------


def no_document(night: Night) -> Effect:
    night.document = None
    return ERROR


def without_field(night: Night, name: str, effect: Effect) -> Effect:
    night.fields.pop(name, None)
    return effect


def with_field(night: Night, name: str, value: Any, effect: Effect) -> Effect:
    night.fields[name] = value
    return effect


def with_count(night: Night, count: int) -> Effect:
    return with_field(night, "_completed_count", count, HARMLESS if count == 5 else ERROR)


def report_says(night: Night, table: str, field: str, value: Any, effect: Effect) -> Effect:
    report = night.fields.get(name_of(table))
    if report is None:  # the broken night has lost it
        return HARMLESS
    if value is None:
        report.pop(field, None)
    else:
        report[field] = value
    return effect


def triggered_after(night: Night, minutes: int) -> Effect:
    night.fields["_triggered_at"] = stamp(et(night.morning, "06:55", 60 * minutes))
    night.rewrite(CACHE, et(night.morning, "06:55", 60 * (minutes + 5)))
    return HARMLESS if minutes <= 10 else WARNED if minutes <= 30 else ERROR


def early_output(night: Night) -> Effect:
    """Output of phase 4 from before the games."""
    night.rewrite(CACHE, et(night.day, "11:30"))
    return ERROR


def class_style(night: Night) -> Effect:
    """A report under the name of its class."""
    night.fields["PlayerGameSummaryProcessor"] = night.fields.pop(name_of(PGS))
    return HARMLESS


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


def some(does: Callable[..., Effect], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Spoiling]:
    return st.builds(partial(Spoiling, does), *arguments)


spoilings: st.SearchStrategy[Spoiling] = st.one_of(
    some(without_rows, st.sampled_from([*ANALYTICS, CACHE, GAMEBOOK, SCHEDULE, RUNS, PROCESSORS, LOG])),
    some(without_game, st.sampled_from([*ANALYTICS, GAMEBOOK, SCHEDULE]), _game),
    some(without_row, st.sampled_from([*ANALYTICS, GAMEBOOK, CACHE, SCHEDULE, RUNS]), _place),
    some(doubled_row, st.sampled_from(ANALYTICS), _place, st.booleans()),
    some(row_of_no_game, st.sampled_from([*ANALYTICS, GAMEBOOK]), _place),
    st.builds(lambda cell, place: Spoiling(null, *cell, place, ERROR), _keyed, _place),
    st.builds(lambda cell, place: Spoiling(null, *cell, place, HARMLESS), _spare, _place),
    some(
        status, st.sampled_from([(0,), (1,), (0, 1)]), st.sampled_from([1, 2, ""]), st.sampled_from(["01:30", "20:00"])
    ),
    some(unfinished_without, st.sampled_from([*PLAYED, GAMEBOOK]), _game),
    some(moved_away, _game, st.sampled_from([-13, -1, 0, 1, 20, 70]), st.booleans()),
    some(postponed, _game),
    some(older_row, _game, st.sampled_from([1, 2])),
    some(lagging, _game, st.booleans()),
    some(stand_in, st.sampled_from([*ANALYTICS, GAMEBOOK]), _game),
    some(early_output),
    some(unpadded_id, _game, st.booleans()),
    some(uncounted_game, st.sampled_from(["001", "003"]), st.booleans()),
    some(second_game, _game),
    some(run_ended, _scraper, _minute, _minute),
    st.builds(
        lambda scraper, said: Spoiling(run_said, scraper, *said),
        _scraper,
        st.sampled_from(
            [("status", "failed"), ("status", "no_data"), ("record_count", 0), ("started_at", "2030-01-01T00:00:00Z")]
        ),
    ),
    some(failed_run_before, _scraper),
    some(rewritten, st.sampled_from([GAMEBOOK, CACHE])),
    some(arrived_late, _game),
    some(no_document),
    st.sampled_from(
        [
            Spoiling(without_field, "_completed_count", ERROR),
            Spoiling(without_field, "_triggered", ERROR),
            Spoiling(without_field, "_triggered_at", HARMLESS),
            Spoiling(without_field, "_mode", HARMLESS),
            Spoiling(without_field, "_last_update", HARMLESS),
            Spoiling(with_field, "_mode", "same_day", HARMLESS),
            Spoiling(with_field, "_mode", "tomorrow", HARMLESS),
            Spoiling(with_field, "_mode", "nightly", ERROR),
            Spoiling(with_field, "_triggered", "yes", ERROR),
            Spoiling(with_field, "_triggered", False, ERROR),
            Spoiling(with_field, "mlb_game_summary", {"status": "success"}, WARNED),
            Spoiling(class_style),
        ]
    ),
    some(without_field, st.sampled_from(ANALYTICS).map(name_of), st.just(ERROR)),
    some(with_count, st.integers(0, 9)),
    st.builds(
        lambda table, said: Spoiling(report_says, table, *said),
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
    some(triggered_after, st.integers(0, 60)),
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
