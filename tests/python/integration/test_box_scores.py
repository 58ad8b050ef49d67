"""Two nights of real box scores: nothing is found in them, and re-inserted rows are, exactly."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from helpers.box_scores import NIGHTS, night, player_rows, tables_of
from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.gateways.warehouse import Warehouse
from trueup.results.report import Report
from trueup.runs.expectations import check_expectations
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace

DUPLICATES = (
    *("dup001_duplicate_rows", "dup002_tied_newest", "dup003_null_keys", "dup004_counted_twice"),
    "dup005_poorer_newest",
)


@dataclass(frozen=True)
class RealNight:
    """A night on which the suites were run, and its warehouse, with all that they read."""

    day: date
    work: Workplace
    report: Report
    data_docs: Path

    def duplicates(self) -> list[dict[str, Any]]:
        tables = self.work.tables
        each = (f"select rule, subject, observed from `{self.work.dataset}.{name}`" for name in DUPLICATES)
        return tables.query(" union all ".join(each))


@pytest.fixture(scope="module", params=NIGHTS, ids=str)
def real_night(request: pytest.FixtureRequest, endpoint: str, state_dir: Path) -> Iterator[RealNight]:
    day: date = request.param
    with loaded(night(day, tables_of(day)), PROJECT, state_dir, Silent(), state_dir / "data_docs") as work:
        yield RealNight(day, work, check_expectations(work), state_dir)


def test_a_real_night_has_nothing_that_is_not_as_expected(real_night: RealNight) -> None:
    report = real_night.report
    assert report.findings == ()
    outcomes = {one.rule: one.outcome for one in report.outcomes}
    assert outcomes == {"EXP001": "passed", "EXP002": "passed", "EXP003": "passed", "EXP004": "not_run"}
    counts = {one.name: (one.expectation_count, len(one.unexamined)) for one in report.suites}
    # The league's box scores have no shot zones, usage rate or plus-minus: those expectations are not run.
    assert counts["player_game_summary_latest"] == (27, 6)
    assert counts["team_box_scores"] == (11, 0)
    assert counts["upcoming_team_game_context"][1] == counts["upcoming_team_game_context"][0]
    assert (real_night.data_docs / report.data_docs).is_file()


def test_real_rows_have_no_duplicates_and_reinserted_ones_are_found(real_night: RealNight) -> None:
    rows = player_rows(real_night.day)
    assert len({row["game_id"] for row in rows}) == NIGHTS[real_night.day]
    assert real_night.duplicates() == []
    sample = random.Random(3).sample(rows, 17)
    again = [{**row, "processed_at": row["processed_at"].replace("T23:00:00", "T23:00:18")} for row in sample]
    work = real_night.work
    assert isinstance(work.tables, Warehouse)
    work.tables.load("nba_analytics", "player_game_summary", again)
    work.dbt.run(["run", "--select", *(f"+{name}" for name in DUPLICATES)])
    assert real_night.duplicates() == [{"rule": "DUP001", "subject": "player_game_summary", "observed": 17.0}]
    groups = work.tables.query(f"select grain_key, cause from `{work.dataset}.duplicate_groups`")
    keys = Counter((row["game_date"], row["game_id"], row["player_lookup"]) for row in [*rows, *again])
    doubled = {key for key, count in keys.items() if count > 1}
    assert len(groups) == len(doubled) == 17
    assert all(any(all(part in group["grain_key"] for part in key) for group in groups) for key in doubled)
    assert {group["cause"] for group in groups} == {"racing_writers"}
