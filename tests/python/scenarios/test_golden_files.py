"""The golden nights' files: made by the generator, readable, and true to themselves."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from helpers.support import PROJECT, SCENARIOS
from trueup.results.reference import load_reference
from trueup.scenario.scenario import find_scenarios, load_scenario
from trueup.schemas import read_table_schemas

SCHEMAS = read_table_schemas(PROJECT / "models")
RULES = frozenset(load_reference(PROJECT / "seeds").rules)
PGS = "tables/nba_analytics.player_game_summary.csv"


@pytest.mark.parametrize("folder", find_scenarios([SCENARIOS]), ids=lambda folder: folder.name)
def test_every_golden_night_is_read_and_looked_at_after_its_last_date(folder: Path) -> None:
    made = load_scenario(folder, SCHEMAS, RULES)
    assert made.title
    assert made.first_date <= made.last_date
    assert made.as_of.date() > made.last_date or made.status == "could_not_check"
    assert set(made.documents) <= {"phase3_completion"}
    assert "nba_raw.nbac_schedule" in made.tables


def test_the_generator_writes_nothing_for_a_name_or_an_option_it_does_not_know() -> None:
    for argument in ("no-such-night", "--chek-it"):
        command = [sys.executable, "-B", str(SCENARIOS / "generate.py"), argument]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        assert said.returncode == 2
        assert argument in said.stderr


def test_the_generator_finds_what_was_changed_and_what_nobody_makes(tmp_path: Path) -> None:
    shutil.copytree(SCENARIOS, tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__"))

    def check(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", str(tmp_path / "copy/generate.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert check("--check").returncode == 0
    changed = tmp_path / "copy/waived/scenario.yml"
    changed.write_text(changed.read_text() + "\n")
    shutil.copytree(tmp_path / "copy/waived", tmp_path / "copy/renamed")
    said = check("--check")
    assert said.returncode == 1
    assert "stale: waived;" in said.stderr
    assert "renamed" in said.stderr
    assert check("no-games", "--check").returncode == 0
    assert check().returncode == 0
    assert "stale" not in check("--check").stderr


def test_the_incident_has_72_excess_rows_by_another_count() -> None:
    with (SCENARIOS / "incident-2026-02-03" / PGS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = Counter((row["game_date"], row["game_id"], row["player_lookup"]) for row in rows)
    assert sum(count - 1 for count in keys.values()) == 72
    assert len({row["game_id"] for row in rows}) == 10
    assert len(keys) == 280


def test_the_box_scores_of_the_twin_add_up() -> None:
    folder = SCENARIOS / "clean-twin-2026-02-03" / "tables"
    with (folder / "nba_analytics.player_game_summary.csv").open(newline="") as file:
        players = list(csv.DictReader(file))
    with (folder / "nba_analytics.team_offense_game_summary.csv").open(newline="") as file:
        teams = {row["team_abbr"]: row for row in csv.DictReader(file)}
    points: Counter[str] = Counter()
    minutes: Counter[str] = Counter()
    for row in (one for one in players if one["is_active"] == "true"):
        points[row["team_abbr"]] += int(row["points"])
        minutes[row["team_abbr"]] += int(float(row["minutes_played"]) * 10)
        twos = int(row["fg_makes"]) - int(row["three_pt_makes"])
        assert int(row["points"]) == 2 * twos + 3 * int(row["three_pt_makes"]) + int(row["ft_makes"])
        assert int(row["fg_makes"]) <= int(row["fg_attempts"])
        assert int(row["three_pt_makes"]) <= int(row["three_pt_attempts"]) <= int(row["fg_attempts"])
        assert int(row["ft_makes"]) <= int(row["ft_attempts"])
    assert {team: int(row["points_scored"]) for team, row in teams.items()} == dict(points)
    assert set(minutes.values()) == {2400}
    rosters = Counter(row["team_abbr"] for row in players)
    active = Counter(row["team_abbr"] for row in players if row["is_active"] == "true")
    assert len(rosters) == 20
    assert all(13 <= count <= 15 for count in rosters.values())
    assert all(9 <= count <= 11 for count in active.values())
    assert not [row for row in players if row["is_active"] == "false" and row["points"]]
    assert len({row["player_lookup"] for row in players}) == len(players)
    with (folder / "nba_precompute.player_daily_cache.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == sum(active.values())
    winners = Counter(row["game_id"] for row in teams.values() if row["win_flag"] == "true")
    assert set(winners.values()) == {1}
    assert len(winners) == 10
