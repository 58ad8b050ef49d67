"""Two nights of real box scores: no duplicates are found, and re-inserted rows are, exactly."""

from __future__ import annotations

import csv
import random
from collections import Counter
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from replaying import Silent
from support import PROJECT, real_data
from trueup.gateways.replay import loaded
from trueup.gateways.warehouse import Warehouse
from trueup.scenarios import Scenario

COLUMNS = {
    "game_id": "game_id", "game_date": "game_date", "player_lookup": "player_lookup",
    "player_full_name": "player_full_name", "team_abbr": "team_abbr", "opponent_team_abbr": "opponent_team_abbr",
    "minutes": "minutes_played", "points": "points", "assists": "assists", "fg_made": "fg_makes",
    "fg_attempted": "fg_attempts", "three_made": "three_pt_makes", "three_attempted": "three_pt_attempts",
    "ft_made": "ft_makes", "ft_attempted": "ft_attempts", "steals": "steals", "blocks": "blocks",
    "turnovers": "turnovers", "personal_fouls": "personal_fouls",
}  # fmt: skip


def box_scores(day: date) -> list[dict[str, Any]]:
    with real_data(f"nba_box_scores_{day:%Y_%m_%d}.csv").open(newline="") as file:
        rows = [{COLUMNS[name]: cell for name, cell in row.items() if name in COLUMNS} for row in csv.DictReader(file)]
    written = datetime(day.year, day.month, day.day, 23, tzinfo=timezone.utc).isoformat()
    return [{**row, "is_active": True, "processed_at": written, "created_at": written} for row in rows]


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(("day", "games"), [(date(2024, 1, 15), 11), (date(2026, 1, 9), 10)])
def test_real_rows_have_no_duplicates_and_reinserted_ones_are_found(day: date, games: int, state_dir: Path) -> None:
    rows = box_scores(day)
    assert len({row["game_id"] for row in rows}) == games
    sample = random.Random(3).sample(rows, 17)
    again = [{**row, "processed_at": row["processed_at"].replace("T23:00:00", "T23:00:18")} for row in sample]
    scenario = Scenario(
        name="box-scores", title="Real box scores",
        as_of=datetime(day.year, day.month, day.day + 2, tzinfo=timezone.utc),
        first_date=day, last_date=day, vars={}, expect=(), optional=frozenset(), documents={}, seeds=None,
        tables={"nba_analytics.player_game_summary": tuple(rows)},
    )  # fmt: skip
    models = [f"+{name}" for name in ("dup001_duplicate_rows", "dup002_tied_newest", "dup003_null_keys")]
    models += ["+dup004_counted_twice", "+dup005_poorer_newest"]
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        tables = work.tables
        assert isinstance(tables, Warehouse)

        def found() -> list[dict[str, Any]]:
            work.dbt.run(["run", "--select", *models])
            union = " union all ".join(
                f"select rule, subject, observed from `{work.dataset}.{name[1:]}`" for name in models
            )
            return tables.query(union)

        assert found() == []
        tables.load("nba_analytics", "player_game_summary", again)
        assert found() == [{"rule": "DUP001", "subject": "player_game_summary", "observed": 17.0}]
        groups = tables.query(f"select grain_key, cause from `{work.dataset}.duplicate_groups`")
    keys = Counter((row["game_date"], row["game_id"], row["player_lookup"]) for row in [*rows, *again])
    doubled = {key for key, count in keys.items() if count > 1}
    assert len(groups) == len(doubled) == 17
    assert all(any(all(part in group["grain_key"] for part in key) for group in groups) for key in doubled)
    assert {group["cause"] for group in groups} == {"racing_writers"}
