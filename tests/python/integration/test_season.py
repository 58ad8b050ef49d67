"""Lateness over a real season: 231 dates with games, one query, against Python's own time zones."""

from __future__ import annotations

import csv
import random
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from helpers.replaying import Silent, plain_scenario
from helpers.support import PROJECT, csv_rows, real_data
from trueup.runs.replay import loaded
from trueup.window import EASTERN

ROSTER = (
    "scraper_name,due_time,alert_time,time_zone,day_offset,requires_games\n"
    "nbac_gamebook_player_stats,08:00,10:00,America/New_York,1,true\n"
    "west_box_scores,23:30,23:59,America/Los_Angeles,0,true\n"
    "night_odds,02:30,03:30,America/New_York,1,false\n"
)
AS_OF = datetime(2025, 3, 20, 15, 0, tzinfo=UTC)
FIRST, LAST = date(2024, 10, 4), date(2025, 6, 22)


def moment(day: date, clock: str, zone: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC)


def make_runs(entries: list[dict[str, str]], days: list[date]) -> list[dict[str, Any]]:
    """Runs around due and alert, to the minute, and every way of bringing nothing."""
    chance = random.Random(5)
    runs = []
    for entry in entries:
        offset = timedelta(days=int(entry["day_offset"]))
        for day in days:
            due = moment(day + offset, entry["due_time"], entry["time_zone"])
            for _ in range(chance.choice((0, 1, 1, 2))):
                started = due + timedelta(minutes=chance.choice((-60, -1, 0, 1, 29, 119, 120, 121, 300)))
                ended = started + timedelta(seconds=chance.choice((90, 90, 4000, 12000)))
                runs.append(
                    {
                        "scraper_name": entry["scraper_name"],
                        "started_at": started.isoformat(),
                        "completed_at": None if chance.random() < 0.1 else ended.isoformat(),
                        "status": chance.choice(("success", "success", "SUCCESS", None, "failed", "no_data")),
                        "game_date": day.isoformat(),
                        "record_count": chance.choice((None, 0, 10, 10)),
                    }
                )
    return runs


def useful_at(run: dict[str, Any]) -> datetime | None:
    """When a run ended with data, as far as it says so by now."""
    if run["record_count"] == 0 or (run["status"] or "success").lower() != "success" or not run["completed_at"]:
        return None
    ended = datetime.fromisoformat(run["completed_at"])
    return ended if ended <= AS_OF else None


def is_unproven(run: dict[str, Any]) -> bool:
    """It says success, and not when."""
    return run["record_count"] != 0 and (run["status"] or "").lower() == "success" and not run["completed_at"]


def expected_state(
    entry: dict[str, str], day: date, has_games: bool, runs: list[dict[str, Any]]
) -> tuple[str, int | None]:
    local_day = day + timedelta(days=int(entry["day_offset"]))
    due = moment(local_day, entry["due_time"], entry["time_zone"])
    alert = moment(local_day, entry["alert_time"], entry["time_zone"])
    if entry["requires_games"] == "true" and not has_games:
        return "not_expected", None
    started = [datetime.fromisoformat(run["started_at"]) for run in runs]
    past = [(at, run) for at, run in zip(started, runs, strict=True) if at <= AS_OF]
    useful = min((at for _, run in past if (at := useful_at(run))), default=None)
    unproven = min((at for at, run in past if is_unproven(run)), default=None)
    if useful and useful <= alert:
        return ("on_time", None) if useful <= due else ("late", int((useful - due).total_seconds() // 60))
    if unproven and unproven <= alert:
        return "unknown", None
    if useful or unproven:
        first = min(at for at in (useful, unproven) if at)
        return "late", int((first - due).total_seconds() // 60)
    if alert > AS_OF:
        return "pending", None
    return ("failed" if past else "missing"), int((AS_OF - due).total_seconds() // 60)


@pytest.mark.usefixtures("endpoint")
def test_a_whole_season_agrees_with_an_independent_computation(state_dir: Path, tmp_path: Path) -> None:
    games = csv_rows(real_data("nba_schedule_2024_25.csv"))
    days = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
    assert len({game["game_date"] for game in games}) == 231
    # Preseason and All-Star games do not count.
    with_games = {date.fromisoformat(game["game_date"]) for game in games if game["game_id"][:3] not in ("001", "003")}
    entries = list(csv.DictReader(ROSTER.splitlines()))
    runs = make_runs(entries, days)
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "scraper_roster.csv").write_text(ROSTER)
    columns = ("game_id", "game_date", "home_team_tricode", "away_team_tricode")
    tables = {
        "nba_raw.nbac_schedule": ({**{c: g[c] for c in columns}, "game_status": 3} for g in games),
        "nba_orchestration.scraper_run_history": runs,
    }
    scenario = plain_scenario("season", (FIRST, LAST), AS_OF, tables, seeds=seeds)
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        work.dbt.run(["seed"])
        work.tables.replace_seed("scraper_roster", entries)
        results = work.dbt.run(["run", "--select", "+scraper_lateness"])
        rows = work.tables.query(f"select * from `{work.dataset}.scraper_lateness`")
    assert sum(one.name == "scraper_lateness" for one in results) == 1

    found = {(row["scraper_name"], row["game_date"]): (row["state"], row["late_by_minutes"]) for row in rows}
    assert len(rows) == len(found) == len(entries) * len(days)
    by_key: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in runs:
        by_key.setdefault((run["scraper_name"], run["game_date"]), []).append(run)
    # A day is free where nothing says otherwise: a run that brought data of it does.
    listed = {date.fromisoformat(game["game_date"]) for game in games}
    needing = {entry["scraper_name"] for entry in entries if entry["requires_games"] == "true"}
    contradicted = {
        date.fromisoformat(run["game_date"]) for run in runs if run["scraper_name"] in needing and useful_at(run)
    } - listed
    assert contradicted
    wanted = {
        (entry["scraper_name"], day): ("unknown", None)
        if day in contradicted and entry["requires_games"] == "true"
        else expected_state(entry, day, day in with_games, by_key.get((entry["scraper_name"], day.isoformat()), []))
        for entry in entries
        for day in days
    }
    assert found == wanted
    assert {state for state, _ in wanted.values()} == {
        "on_time", "late", "missing", "failed", "pending", "not_expected", "unknown",
    }  # fmt: skip


@pytest.mark.usefixtures("endpoint")
def test_a_run_without_a_game_date_belongs_to_the_local_day_it_was_due(state_dir: Path) -> None:
    """And a schedule that does not cover a day makes its state unknown."""
    day = date(2025, 3, 8)  # the night before the clocks went forward
    started = datetime(2025, 3, 9, 7, 59, tzinfo=EASTERN)
    at = started.isoformat()
    run = {"scraper_name": "nbac_gamebook_player_stats", "started_at": at, "completed_at": at}
    games = [
        {"game_id": f"002{one:%y%m%d}1", "game_date": one.isoformat(), "home_team_tricode": "BOS",
         "away_team_tricode": "LAL", "game_status": 3}
        for one in (day, day + timedelta(days=1))
    ]  # fmt: skip
    tables: dict[str, Any] = {"nba_raw.nbac_schedule": games, "nba_orchestration.scraper_run_history": [run]}
    days = (day, day + timedelta(days=2))
    scenario = plain_scenario("undated", days, datetime(2025, 3, 12, tzinfo=UTC), tables)
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        work.dbt.run(["seed"])
        work.dbt.run(["run", "--select", "+scraper_lateness"])
        rows = work.tables.query(
            f"select game_date, state from `{work.dataset}.scraper_lateness` "
            "where scraper_name = 'nbac_gamebook_player_stats'"
        )
    states = {row["game_date"]: row["state"] for row in rows}
    assert list(dict(sorted(states.items())).values()) == ["on_time", "missing", "unknown"]
