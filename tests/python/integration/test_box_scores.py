"""Two nights of real box scores: no duplicates are found, and re-inserted rows are, exactly."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from helpers.box_scores import NIGHTS, night, player_rows
from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.gateways.warehouse import Warehouse
from trueup.runs.replay import loaded


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(("day", "games"), NIGHTS.items())
def test_real_rows_have_no_duplicates_and_reinserted_ones_are_found(day: date, games: int, state_dir: Path) -> None:
    rows = player_rows(day)
    assert len({row["game_id"] for row in rows}) == games
    sample = random.Random(3).sample(rows, 17)
    again = [{**row, "processed_at": row["processed_at"].replace("T23:00:00", "T23:00:18")} for row in sample]
    scenario = night(day, {"nba_analytics.player_game_summary": rows})
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
