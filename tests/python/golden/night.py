"""A night without faults, row by row: the base of the golden scenarios. Deterministic."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
Row = dict[str, Any]
Document = dict[str, Any]

PGS = "nba_analytics.player_game_summary"
OFFENSE = "nba_analytics.team_offense_game_summary"
DEFENSE = "nba_analytics.team_defense_game_summary"
UPCOMING_PLAYER = "nba_analytics.upcoming_player_game_context"
UPCOMING_TEAM = "nba_analytics.upcoming_team_game_context"
CACHE = "nba_precompute.player_daily_cache"
RUNS = "nba_orchestration.scraper_run_history"
LOG = "nba_orchestration.orchestrator_log"
GAMEBOOK = "nba_raw.nbac_gamebook_player_stats"
SCHEDULE = "nba_raw.nbac_schedule"
PROCESSORS = "nba_reference.processor_run_history"
SCRAPERS = ("nbac_gamebook_player_stats", "nbac_player_boxscores")
# PLAYED has results; the other analytics tables are about upcoming games.
PLAYED = (PGS, OFFENSE, DEFENSE)
ANALYTICS = (*PLAYED, UPCOMING_PLAYER, UPCOMING_TEAM)

TEN_GAMES = (
    ("BOS", "LAL"), ("DEN", "DET"), ("NYK", "WAS"), ("MIA", "ATL"), ("MIL", "CHI"), ("GSW", "PHX"), ("DAL", "SAC"),
    ("OKC", "ORL"), ("CLE", "LAC"), ("PHI", "TOR"),
)  # fmt: skip
FIRST_NAMES = tuple(
    """
    Aaron Andre Brandon Caleb Chris Damon Darius Devin Elijah Isaiah Jalen Jaylen Jordan Josh Julian
    Kevin Kyle Lamar Luka Malik Marcus Miles Nate Omar Quentin Reggie Terrence Trey Tyler Victor
    """.split()  # noqa: SIM905 - a list with one name per line reads no better
)
LAST_NAMES = tuple(
    """
    Adams Allen Bailey Banks Barnes Bell Brooks Carter Coleman Cooper Davis Ellis Foster Grant Green
    Hayes Hill Howard Jackson James King Lewis Mitchell Moore Murray Parker Price Reed Scott Turner
    Walker Ward Watson White Young
    """.split()  # noqa: SIM905
)
SHOTS = ("fg_attempts", "fg_makes", "three_pt_attempts", "three_pt_makes", "ft_attempts", "ft_makes")
PLAYERS_PER_TEAM = 14
ACTIVE_PER_TEAM = 10


def et(day: date, clock: str, seconds: float = 0) -> str:
    """An Eastern clock time of a day as a UTC timestamp."""
    local = datetime.combine(day, time.fromisoformat(clock), EASTERN)
    timestamp = local.astimezone(UTC) + timedelta(seconds=seconds)
    return timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(timestamp: str) -> dict[str, str]:
    """A timestamp as a document stores it."""
    return {"$timestamp": timestamp}


def name_of(table: str) -> str:
    """The table without its dataset, which is also the name of its processor."""
    return table.split(".")[1]


@dataclass
class Night:
    """One game date: its tables by ``dataset.table``, and its completion document."""

    day: date
    tables: dict[str, list[Row]] = field(default_factory=dict)
    document: Document | None = None

    @property
    def morning(self) -> date:
        """The day on which the results are due."""
        return self.day + timedelta(days=1)

    @property
    def fields(self) -> Document:
        """The fields of its document, which is there."""
        assert self.document is not None
        return self.document

    def rewrite(self, table: str, written_at: str) -> None:
        """Set the write time of all rows of a table."""
        for row in self.tables[table]:
            row.update(created_at=written_at, processed_at=written_at)

    def without_games(self, ids: Collection[str], tables: Iterable[str] = (*PLAYED, GAMEBOOK)) -> None:
        """Remove the rows of these games from tables, and adjust the reports."""
        for table in tables:
            self.tables[table] = [row for row in self.tables[table] if row["game_id"] not in ids]
            if self.document is not None and name_of(table) in self.document:
                self.report(name_of(table), record_count=len(self.tables[table]))

    def report(self, name: str, **fields: Any) -> None:
        """Change fields of a processor's report."""
        self.fields[name].update(fields)


def good_night(
    day: date, pairs: tuple[tuple[str, str], ...] = TEN_GAMES, seed: int = 7, prefix: str = "002", first: int = 501
) -> Night:
    """Everything on time, once and reported. ``prefix`` and ``first`` are of the league's ids (preseason: 001)."""
    chance = random.Random(f"{seed} {day}")
    night = Night(day)
    games = [(away, home, f"{prefix}25{index:05d}") for index, (away, home) in enumerate(pairs, first)]
    _schedule(night, games)
    _box_scores(night, games, chance)
    _upcoming(night, games, chance)
    _arrivals(night)
    _processor_runs(night)
    night.document = _document(night)
    _phase4(night)
    return night


def game_id(day: date, away: str, home: str) -> str:
    """The system's id of a game."""
    return f"{day:%Y%m%d}_{away}_{home}"


def _schedule(night: Night, games: list[tuple[str, str, str]]) -> None:
    around = (("SAS", "HOU"), ("NOP", "MEM"))
    night.tables[SCHEDULE] = [
        {
            "game_id": pair[2] if len(pair) == 3 else f"00225{700 + 10 * offset + index:05d}",
            "game_date": (night.day + timedelta(days=offset)).isoformat(),
            "home_team_tricode": pair[1],
            "away_team_tricode": pair[0],
            "game_status": status,
            "processed_at": et(night.morning, "01:30"),
        }
        for offset, status, pairs in ((-1, 3, around), (0, 3, games), (1, 1, around[::-1]))
        for index, pair in enumerate(pairs)
    ]


def _names(chance: random.Random, taken: set[str]) -> list[str]:
    names: list[str] = []
    while len(names) < PLAYERS_PER_TEAM:
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
        if name in taken:
            name = f"{name} {chance.choice(('Jr', 'II', 'III', 'IV'))}"
        if name not in taken:
            taken.add(name)
            names.append(name)
    return names


def _stats(chance: random.Random, is_starter: bool) -> Row:
    three_attempts = chance.randint(1, 8 if is_starter else 4)
    three_makes = min(three_attempts, int(three_attempts * chance.uniform(0.1, 0.6)))
    two_attempts = chance.randint(3, 12 if is_starter else 6)
    two_makes = min(two_attempts, int(two_attempts * chance.uniform(0.3, 0.75)) + 1)
    free_attempts = chance.randint(0, 7 if is_starter else 3)
    free_makes = chance.randint(free_attempts // 2, free_attempts)
    return {
        "points": 2 * two_makes + 3 * three_makes + free_makes,
        "minutes_played": "",
        "assists": chance.randint(0, 9 if is_starter else 4),
        "offensive_rebounds": chance.randint(0, 3),
        "defensive_rebounds": chance.randint(0, 9),
        "steals": chance.randint(0, 3),
        "blocks": chance.randint(0, 2),
        "turnovers": chance.randint(0, 4),
        "fg_attempts": two_attempts + three_attempts,
        "fg_makes": two_makes + three_makes,
        "three_pt_attempts": three_attempts,
        "three_pt_makes": three_makes,
        "ft_attempts": free_attempts,
        "ft_makes": free_makes,
        "personal_fouls": chance.randint(0, 5),
    }


def _team_lines(
    night: Night, chance: random.Random, team: str, opponent: str, game: str, names: list[str]
) -> list[Row]:
    written = et(night.morning, "06:30")
    shift = [chance.choice((-4, -2.5, 0, 2.5, 4)) for _ in range(ACTIVE_PER_TEAM // 2)]
    minutes = [32 + one for one in shift] + [16 - one for one in shift]
    rows = []
    for index, name in enumerate(names):
        is_active = index < ACTIVE_PER_TEAM
        stats = _stats(chance, index < 5)
        if is_active:
            stats["minutes_played"] = f"{minutes[index]:.1f}"
        else:
            stats = dict.fromkeys(stats, "")
        row = {
            "player_lookup": "".join(name.lower().split()),
            "player_full_name": name,
            "game_id": game,
            "game_date": night.day.isoformat(),
            "team_abbr": team,
            "opponent_team_abbr": opponent,
            "season_year": 2025,
            **stats,
            "starter_flag": "true" if index < 5 else "false",
            "win_flag": "false",
            "is_active": "true" if is_active else "false",
            "player_status": "active" if is_active else "inactive",
        }
        row["data_hash"] = hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()[:16]
        rows.append({**row, "created_at": written, "processed_at": written})
    return rows


def _box_scores(night: Night, games: list[tuple[str, str, str]], chance: random.Random) -> None:
    taken: set[str] = set()
    players: list[Row] = []
    offense: list[Row] = []
    defense: list[Row] = []
    for away, home, _ in games:
        game = game_id(night.day, away, home)
        lines = {
            team: _team_lines(night, chance, team, other, game, _names(chance, taken))
            for team, other in ((away, home), (home, away))
        }
        totals = {team: _totals(rows) for team, rows in lines.items()}
        if totals[away]["points"] == totals[home]["points"]:
            _free_throw(lines[home][0])
            totals[home] = _totals(lines[home])
        for team, other in ((away, home), (home, away)):
            has_won = totals[team]["points"] > totals[other]["points"]
            for row in lines[team]:
                row["win_flag"] = "true" if has_won else "false"
            players += lines[team]
            offense.append(_team_row(night, "team_abbr", team, other, game, team == home, totals))
            defense.append(_team_row(night, "defending_team_abbr", team, other, game, team == home, totals))
    night.tables[PGS], night.tables[OFFENSE], night.tables[DEFENSE] = players, offense, defense


def _free_throw(row: Row) -> None:
    for stat in ("points", "ft_makes", "ft_attempts"):
        row[stat] += 1


def _totals(rows: list[Row]) -> dict[str, int]:
    stats = [name for name, value in rows[0].items() if isinstance(value, int) and name != "season_year"]
    return {name: sum(row[name] for row in rows if row[name] != "") for name in stats}


def _team_row(
    night: Night, key: str, team: str, other: str, game: str, is_home: bool, totals: dict[str, dict[str, int]]
) -> Row:
    own, theirs = totals[team], totals[other]
    head = {
        "game_id": game,
        "game_date": night.day.isoformat(),
        key: team,
        "opponent_team_abbr": other,
        "season_year": 2025,
    }
    if key == "team_abbr":
        stats: Row = {
            "points_scored": own["points"],
            **{name: own[name] for name in SHOTS},
            "rebounds": own["offensive_rebounds"] + own["defensive_rebounds"],
            **{name: own[name] for name in ("assists", "turnovers", "personal_fouls")},
        }
        written = et(night.morning, "06:40")
    else:
        stats = {
            "points_allowed": theirs["points"],
            "opp_fg_attempts": theirs["fg_attempts"],
            "opp_fg_makes": theirs["fg_makes"],
            "opp_rebounds": theirs["offensive_rebounds"] + theirs["defensive_rebounds"],
            "opp_assists": theirs["assists"],
            "turnovers_forced": theirs["turnovers"],
            "steals": own["steals"],
            "defensive_rebounds": own["defensive_rebounds"],
        }
        written = et(night.morning, "06:45")
    margin = own["points"] - theirs["points"]
    return {
        **head,
        **stats,
        "home_game": "true" if is_home else "false",
        "win_flag": "true" if margin > 0 else "false",
        "margin_of_victory": margin,
        "overtime_periods": 0,
        "created_at": written,
        "processed_at": written,
    }


def _upcoming(night: Night, games: list[tuple[str, str, str]], chance: random.Random) -> None:
    written = et(night.day, "11:00")
    homes = {home for _, home, _ in games}
    shared = ("player_lookup", "game_id", "game_date", "team_abbr", "opponent_team_abbr")
    night.tables[UPCOMING_PLAYER] = [
        {
            **{name: row[name] for name in shared},
            "home_game": "true" if row["team_abbr"] in homes else "false",
            "back_to_back": "false",
            "days_rest": chance.randint(1, 4),
            "games_in_last_7_days": chance.randint(2, 4),
            "points_avg_last_5": f"{chance.uniform(2, 30):.1f}",
            "points_avg_last_10": f"{chance.uniform(2, 30):.1f}",
            "player_age": chance.randint(19, 39),
            "created_at": written,
            "processed_at": written,
        }
        for row in night.tables[PGS]
    ]
    night.tables[UPCOMING_TEAM] = [
        {
            "team_abbr": team,
            "game_id": league_id,
            "game_date": night.day.isoformat(),
            "season_year": 2025,
            "opponent_team_abbr": other,
            "home_game": "true" if team == home else "false",
            "is_back_to_back": "false",
            "team_days_rest": chance.randint(1, 3),
            "team_back_to_back": "false",
            "games_in_last_7_days": chance.randint(2, 4),
            "games_in_last_14_days": chance.randint(5, 8),
            "starters_out_count": chance.randint(0, 2),
            "processed_at": written,
            "created_at": written,
        }
        for away, home, league_id in games
        for team, other in ((away, home), (home, away))
    ]


def scraper_run(night: Night, name: str, clock: str, status: str = "success", count: int = 280) -> Row:
    """One run on the next morning that ended at a clock time."""
    return {
        "scraper_name": name,
        "started_at": et(night.morning, clock, -95),
        "completed_at": et(night.morning, clock),
        "status": status,
        "game_date": night.day.isoformat(),
        "record_count": count,
    }


def _arrivals(night: Night) -> None:
    rows = night.tables[PGS]
    shared = ("game_date", "game_id", "player_lookup", "team_abbr", "player_status")
    night.tables[RUNS] = [
        scraper_run(night, name, clock, count=len(rows))
        for name, clock in zip(SCRAPERS, ("06:00", "06:05"), strict=True)
    ]
    arrived = et(night.morning, "06:10")
    night.tables[GAMEBOOK] = [
        {**{name: row[name] for name in shared}, "created_at": arrived, "processed_at": arrived} for row in rows
    ]


def _processor_runs(night: Night) -> None:
    night.tables[PROCESSORS] = [
        {
            "processor_name": "".join(part.title() for part in name.split("_")) + "Processor",
            "run_id": f"{name}_{night.morning:%Y%m%d}_01",
            "data_date": night.day.isoformat(),
            "started_at": et(night.morning, "06:30", 60 * index + seconds),
            "status": status,
            "backfill_mode": "false",
            "trigger_source": "pubsub",
        }
        for index, name in enumerate(map(name_of, ANALYTICS))
        for status, seconds in (("running", 0), ("success", 50))
    ]


def _document(night: Night) -> Document:
    clocks = ("06:32", "06:42", "06:47", "06:52", "06:55")
    document: Document = {}
    for table, clock in zip(ANALYTICS, clocks, strict=True):
        name = name_of(table)
        document[name] = {
            "status": "success",
            "record_count": len(night.tables[table]),
            "completed_at": stamp(et(night.morning, clock)),
            "execution_id": f"{name}_{night.morning:%Y%m%d}_01",
            "correlation_id": f"night-{night.day}",
            "is_incremental": False,
        }
    triggered = stamp(et(night.morning, "06:56"))
    return {
        **document,
        "_completed_count": len(ANALYTICS),
        "_mode": "overnight",
        "_triggered": True,
        "_triggered_at": triggered,
        "_trigger_reason": "all_complete",
        "_last_update": triggered,
    }


def _phase4(night: Night) -> None:
    written = et(night.morning, "07:05")
    night.tables[CACHE] = [
        {
            "cache_date": row["game_date"],
            "player_lookup": row["player_lookup"],
            "season_year": 2025,
            "team_abbr": row["team_abbr"],
            "points_avg_last_5": f"{int(row['points']) + 0.4:.1f}",
            "created_at": written,
            "processed_at": written,
        }
        for row in night.tables[PGS]
        if row["is_active"] == "true"
    ]
    night.tables[LOG] = [
        {
            "timestamp": et(night.day, "12:00", 600 * index),
            "severity": "INFO",
            "resource.type": "cloud_run_revision",
            "resource.labels.function_name": "phase3-to-phase4-orchestrator",
        }
        for index in range(6)
    ]
