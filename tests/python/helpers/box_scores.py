"""Two nights of real box scores as rows of the analytics tables; team rows are sums of player rows."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

from helpers.replaying import plain_scenario
from helpers.support import csv_rows, real_data
from trueup.scenario.scenario import Scenario

Row = dict[str, Any]
NIGHTS = {date(2024, 1, 15): 11, date(2026, 1, 9): 10}
_COLUMNS = {
    "game_id": "game_id", "game_date": "game_date", "player_lookup": "player_lookup",
    "player_full_name": "player_full_name", "team_abbr": "team_abbr", "opponent_team_abbr": "opponent_team_abbr",
    "minutes": "minutes_played", "points": "points", "assists": "assists", "fg_made": "fg_makes",
    "fg_attempted": "fg_attempts", "three_made": "three_pt_makes", "three_attempted": "three_pt_attempts",
    "ft_made": "ft_makes", "ft_attempted": "ft_attempts", "steals": "steals", "blocks": "blocks",
    "turnovers": "turnovers", "personal_fouls": "personal_fouls",
}  # fmt: skip
_SUMMED = (
    "points", "assists", "fg_makes", "fg_attempts", "three_pt_makes", "three_pt_attempts", "ft_makes", "ft_attempts",
    "steals", "turnovers", "personal_fouls",
)  # fmt: skip


def player_rows(day: date) -> list[Row]:
    """``player_game_summary`` of a night, from the league's box scores."""
    more = {"season_year": _season(day), "is_active": True, **_written(day)}
    return [
        {**{_COLUMNS[name]: cell for name, cell in row.items() if name in _COLUMNS}, **more}
        for row in csv_rows(real_data(f"nba_box_scores_{day:%Y_%m_%d}.csv"))
    ]


def team_rows(players: list[Row]) -> tuple[list[Row], list[Row]]:
    """``team_offense_game_summary`` and ``team_defense_game_summary`` of the same night."""
    totals: dict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SUMMED, 0))
    for row in players:
        sums = totals[row["game_id"], row["team_abbr"], row["opponent_team_abbr"]]
        for column in _SUMMED:
            sums[column] += int(row[column])
    day = date.fromisoformat(players[0]["game_date"])
    offense, defense = [], []
    for (game_id, team, opponent), total in totals.items():
        key = {"game_id": game_id, "game_date": day.isoformat(), "season_year": _season(day), **_written(day)}
        margin = total["points"] - totals[game_id, opponent, team]["points"]
        made = {name: total[name] for name in _SUMMED if name not in ("points", "steals")}
        offense.append(
            {
                **key, **made, "team_abbr": team, "opponent_team_abbr": opponent, "points_scored": total["points"],
                "win_flag": margin > 0, "margin_of_victory": margin,
            }
        )  # fmt: skip
        defense.append(
            {
                **key, "defending_team_abbr": opponent, "opponent_team_abbr": team, "points_allowed": total["points"],
                "win_flag": margin < 0, "margin_of_victory": -margin, "turnovers_forced": total["turnovers"],
                **{f"opp_{name}": made[name] for name in made if name not in ("turnovers", "personal_fouls")},
            }
        )  # fmt: skip
    return offense, defense


def schedule_rows(players: list[Row]) -> list[Row]:
    """``nbac_schedule`` of the same night, all games final."""
    day = date.fromisoformat(players[0]["game_date"])
    return [
        {
            "game_date": day.isoformat(), "game_id": f"002{number:07d}", "away_team_tricode": game[9:12],
            "home_team_tricode": game[13:], "game_status": 3, "processed_at": _written(day)["processed_at"],
        }
        for number, game in enumerate(sorted({row["game_id"] for row in players}), 1)
    ]  # fmt: skip


def tables_of(day: date) -> dict[str, list[Row]]:
    """Every table of a night, by dataset and name."""
    players = player_rows(day)
    offense, defense = team_rows(players)
    return {
        "nba_analytics.player_game_summary": players,
        "nba_analytics.team_offense_game_summary": offense,
        "nba_analytics.team_defense_game_summary": defense,
        "nba_raw.nbac_schedule": schedule_rows(players),
    }


def night(day: date, tables: dict[str, list[Row]]) -> Scenario:
    """A scenario of these tables, by dataset and name."""
    as_of = datetime(day.year, day.month, day.day + 2, tzinfo=UTC)
    return plain_scenario("box-scores", (day, day), as_of, tables)


def _season(day: date) -> int:
    return day.year if day.month > 8 else day.year - 1


def _written(day: date) -> dict[str, str]:
    written = datetime(day.year, day.month, day.day, 23, tzinfo=UTC).isoformat()
    return {"processed_at": written, "created_at": written}
