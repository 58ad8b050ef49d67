"""The golden nights' files: made by the generator, readable, and true to themselves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from golden import NIGHTS
from golden.__main__ import main
from golden.golden import files
from helpers.nights import scenario_of
from helpers.support import PROJECT, SCENARIOS, csv_rows
from trueup.results.reference import load_reference
from trueup.scenario.scenario import find_scenarios

RULES = frozenset(load_reference(PROJECT / "seeds").rules)
PGS = "tables/nba_analytics.player_game_summary.csv"


@pytest.mark.parametrize("name", NIGHTS)
def test_every_golden_night_is_read_and_looked_at_after_its_last_date(name: str) -> None:
    made = scenario_of(name, RULES)
    assert made.title
    assert made.first_date <= made.last_date
    assert made.as_of.date() > made.last_date or made.status == "could_not_check"
    assert set(made.documents) <= {"phase3_completion", "processing_leases"}
    assert "nba_raw.nbac_schedule" in made.tables


@pytest.mark.parametrize("folder", find_scenarios([SCENARIOS]), ids=lambda folder: folder.name)
def test_the_committed_nights_are_the_golden_ones(folder: Path) -> None:
    committed = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert committed == files(NIGHTS[folder.name]()), "run: make scenarios-write"


def test_what_is_no_golden_night_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        main([str(tmp_path), "no-such-night"])
    assert refused.value.code == 2
    assert not list(tmp_path.iterdir())


def test_a_night_is_written_in_the_place_of_an_older_one(tmp_path: Path) -> None:
    stale = tmp_path / "no-games/tables/nba_raw.nbac_schedule_old.csv"
    stale.parent.mkdir(parents=True)
    stale.touch()
    assert main([str(tmp_path), "no-games"]) == 0
    assert not stale.exists()
    assert (tmp_path / "no-games/scenario.yml").is_file()


def test_the_incident_has_72_excess_rows_by_another_count() -> None:
    rows = csv_rows(SCENARIOS / "incident-2026-02-03" / PGS)
    keys = Counter((row["game_date"], row["game_id"], row["player_lookup"]) for row in rows)
    assert sum(count - 1 for count in keys.values()) == 72
    assert len({row["game_id"] for row in rows}) == 10
    assert len(keys) == 280


def test_the_box_scores_of_the_twin_add_up() -> None:
    folder = SCENARIOS / "clean-twin-2026-02-03" / "tables"
    players = csv_rows(folder / "nba_analytics.player_game_summary.csv")
    teams = {row["team_abbr"]: row for row in csv_rows(folder / "nba_analytics.team_offense_game_summary.csv")}
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
    assert len(csv_rows(folder / "nba_precompute.player_daily_cache.csv")) == sum(active.values())
    winners = Counter(row["game_id"] for row in teams.values() if row["win_flag"] == "true")
    assert set(winners.values()) == {1}
    assert len(winners) == 10
