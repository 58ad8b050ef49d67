"""The suites on real box scores: every planted error is found by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from helpers.box_scores import Row, night, tables_of
from helpers.declared import declared_tables
from helpers.replaying import Silent, sent_by
from helpers.support import PROJECT
from sqlcheck.checker import Checker
from sqlcheck.engine import Engine
from trueup.expectations.queries import batch_query, needed_dates_query
from trueup.expectations.suites import read_suites
from trueup.gateways.warehouse import Warehouse
from trueup.results.report import Report
from trueup.results.verdict import Verdict
from trueup.runs.check import run_check
from trueup.runs.expectations import check_expectations, open_examiner
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace

pytestmark = pytest.mark.usefixtures("endpoint")
DAY = date(2026, 1, 9)
PLAYERS = "nba_analytics.player_game_summary"
OFFENSE = "nba_analytics.team_offense_game_summary"
DEFENSE = "nba_analytics.team_defense_game_summary"
SCHEDULE = "nba_raw.nbac_schedule"
Tables = dict[str, list[Row]]


def examined(day: date, tables: Tables, state_dir: Path) -> Report:
    with loaded(night(day, tables), PROJECT, state_dir, Silent(), state_dir / "data_docs") as work:
        return check_expectations(work)


def outcomes(report: Report) -> dict[str, str]:
    return {one.rule: one.outcome for one in report.outcomes}


@dataclass(frozen=True)
class Planted:
    """One error: which row of which game it is put into, and which expectation must name it."""

    suite: str
    says: str
    plant: Callable[[Tables, str], dict[str, Any]]
    severity: str = "error"


def in_player(place: int = 0, **cells: Any) -> Callable[[Tables, str], dict[str, Any]]:
    """Cells of one of the game's players, by minutes played. Returns the key by which the row must be named."""

    def plant(tables: Tables, game: str) -> dict[str, Any]:
        rows = [one for one in tables[PLAYERS] if one["game_id"] == game]
        row = sorted(rows, key=lambda one: -float(one["minutes_played"]))[place]
        row.update(cells)
        return {name: row[name] for name in ("game_id", "player_lookup")}

    return plant


def one_point_more(tables: Tables, game: str) -> dict[str, Any]:
    row = next(one for one in tables[OFFENSE] if one["game_id"] == game)
    row["points_scored"] += 1
    return {"game_id": game, "team_abbr": row["team_abbr"]}


def one_team_less(tables: Tables, game: str) -> dict[str, Any]:
    gone = next(one for one in tables[OFFENSE] if one["game_id"] == game)
    tables[OFFENSE].remove(gone)
    return {"game_id": game, "team_abbr": gone["team_abbr"]}


def seven_players(tables: Tables, game: str) -> dict[str, Any]:
    team = next(one["team_abbr"] for one in tables[PLAYERS] if one["game_id"] == game)
    players = [one for one in tables[PLAYERS] if (one["game_id"], one["team_abbr"]) == (game, team)]
    for row in sorted(players, key=lambda one: -float(one["minutes_played"]))[7:]:
        tables[PLAYERS].remove(row)
    return {"game_id": game, "team_abbr": team}


def wrong_winner(tables: Tables, game: str) -> dict[str, Any]:
    row = next(one for one in tables[OFFENSE] if one["game_id"] == game)
    row["win_flag"] = not row["win_flag"]
    return {"game_id": game, "team_abbr": row["team_abbr"]}


SOURCE, LATEST, TEAMS = "player_game_summary", "player_game_summary_latest", "team_box_scores"
PLANTED = (
    Planted(SOURCE, "team_abbr is one of the 30 team codes", in_player(team_abbr="LAK")),
    Planted(SOURCE, "player_lookup is lower-case letters and digits", in_player(player_lookup="LeBron James")),
    Planted(SOURCE, "processed_at is not in the future", in_player(processed_at="2099-01-01T00:00:00+00:00")),
    Planted(LATEST, "Points are between 0 and 100", in_player(points=131)),
    Planted(LATEST, "Minutes are between 0 and 65: 48, and up to three overtimes", in_player(minutes_played="70")),
    Planted(LATEST, "Made field goals are at most the attempted ones", in_player(fg_attempts=1, fg_makes=2)),
    Planted(LATEST, "Assists are between 0 and 30", in_player(assists=-1)),
    Planted(TEAMS, "The team's points are the sum of its players' points", one_point_more),
    Planted(TEAMS, "A game has two teams in team_offense_game_summary_latest", one_team_less),
    Planted(TEAMS, "8 to 15 players of a team were on court", seven_players, "warn"),
    # One error for each game of the night so far; of these a second one in the same game.
    Planted("team_offense_game_summary_latest", "win_flag agrees with margin_of_victory", wrong_winner),
    Planted(LATEST, "Personal fouls are between 0 and 6", in_player(1, personal_fouls=7), "warn"),
    Planted(SOURCE, "season_year is the year in which the season began", in_player(1, season_year=2019), "warn"),
    Planted(SOURCE, "A team does not play itself", in_player(1, opponent_team_abbr="BOS", team_abbr="BOS")),
    Planted(LATEST, "Made three-pointers are at most the made field goals", in_player(1, three_pt_makes=5, fg_makes=4)),
    Planted(SOURCE, "game_id is YYYYMMDD_AWAY_HOME", in_player(1, game_id="0022500555")),
    Planted(SOURCE, "player_lookup is lower-case letters and digits", in_player(1, player_lookup="o'neal\\ \"")),
)


@dataclass(frozen=True)
class PlantedNight:
    """The night with every error in it, as it was examined, and its warehouse. ``keys``: of the planted rows."""

    work: Workplace
    report: Report
    keys: tuple[dict[str, Any], ...]


@pytest.fixture(scope="module")
def planted_night(endpoint: str, state_dir: Path) -> Iterator[PlantedNight]:
    tables = tables_of(DAY)
    games = sorted({row["game_id"] for row in tables[PLAYERS]})
    keys = tuple(one.plant(tables, games[place % len(games)]) for place, one in enumerate(PLANTED))
    with loaded(night(DAY, tables), PROJECT, state_dir, Silent()) as work:
        yield PlantedNight(work, run_check(work, with_tests=False), keys)


@pytest.mark.parametrize("place", range(len(PLANTED)), ids=[one.says for one in PLANTED])
def test_a_planted_error_is_found_and_named(planted_night: PlantedNight, place: int) -> None:
    planted, key = PLANTED[place], planted_night.keys[place]
    findings = [one for one in planted_night.report.findings if one.rule.startswith("EXP")]
    (finding,) = (one for one in findings if one.subject == planted.suite)
    (told,) = (one for one in finding.detail["failed_expectations"] if one["expectation"] == planted.says)
    assert told["severity"] == planted.severity
    # Five examples are told; of more, as where one error has others follow, the query shows all.
    rows = told["examples"] if told["unexpected_count"] <= 5 else planted_night.work.tables.query(finding.query)
    assert any(key.items() <= row.items() for row in rows)


def test_a_finding_has_the_worst_severity_and_a_query_that_shows_its_rows(planted_night: PlantedNight) -> None:
    report = planted_night.report
    told = outcomes(report)
    assert [told[f"EXP00{number}"] for number in (1, 2, 3, 4)] == ["failed", "failed", "passed", "passed"]
    findings = [one for one in report.findings if one.rule.startswith("EXP")]
    assert {one.severity for one in findings} == {"error"}
    for finding in findings:
        rows = planted_night.work.tables.query(finding.query)
        assert len(rows) == finding.observed, finding.subject


def test_tables_of_our_own_that_contradict_themselves_are_found(planted_night: PlantedNight) -> None:
    work = planted_night.work
    day = f"date '{DAY}'"
    work.tables.query(
        f"insert into `{work.relation}.deduplication_ledger` (table_name, game_date, run_id, rows_out) "
        f"values ('planted', {day}, 'planted', -1)"
    )
    work.tables.query(
        f"insert into `{work.relation}.rule_outcomes` (rule, game_date, outcome, examined_count, reason) "
        f"values ('DUP001', {day}, 'passed', 0, '')"
    )
    examiner = open_examiner(work)
    verdicts = (*examiner.examine_data().verdicts, *examiner.examine_report().verdicts)
    failed = {one.subject: one for one in verdicts if one.outcome == "failed" and one.rule in ("EXP003", "EXP004")}
    assert {subject: one.rule for subject, one in failed.items()} == {
        "deduplication_ledger": "EXP003",
        "rule_outcomes": "EXP004",
    }
    assert "Rows out are not negative" in failed["deduplication_ledger"].summary
    assert "examined something" in failed["rule_outcomes"].summary
    for table, mark in (("deduplication_ledger", "run_id = 'planted'"), ("rule_outcomes", "examined_count = 0")):
        work.tables.query(f"delete from `{work.relation}.{table}` where game_date = {day} and {mark}")


def test_a_day_without_rows_is_not_run_and_not_passed(planted_night: PlantedNight) -> None:
    work = planted_night.work
    window = replace(work.settings.window, first_date=date(2025, 7, 1), last_date=date(2025, 7, 2))
    examination = open_examiner(replace(work, settings=replace(work.settings, window=window))).examine_data()
    assert {one.outcome for one in examination.verdicts} == {"not_run"}
    # These have rows on each date, whatever was played: without them nothing else can be believed.
    must = {"completion_evidence", "completion_verdicts", "scraper_lateness"}
    assert {one.subject for one in examination.verdicts if one.is_blocking} == must
    assert all(len(one.unexamined) == one.expectation_count for one in examination.suites)
    assert examination.data_docs == ""


def test_a_suite_whose_table_cannot_be_read_is_not_run_and_the_others_are(
    planted_night: PlantedNight, tmp_path: Path
) -> None:
    (tmp_path / "expectations").mkdir()
    for name in ("player_game_summary", "team_box_scores"):
        suite = json.loads((PROJECT / "expectations" / f"{name}.json").read_text(encoding="utf-8"))
        if name == "team_box_scores":
            suite["meta"]["derived"] = {"points_gap": "no_such_column"}
        (tmp_path / "expectations" / f"{name}.json").write_text(json.dumps(suite), encoding="utf-8")
    work = planted_night.work
    examiner = open_examiner(replace(work, settings=replace(work.settings, project_dir=tmp_path)))
    source, teams = examiner.examine_data().verdicts
    assert (source.subject, source.outcome) == ("player_game_summary", "failed")
    assert (teams.outcome, teams.is_blocking) == ("not_run", True), teams.reason
    assert "no_such_column" in teams.reason
    (stale,) = examiner.examine_data(frozenset({"stg_nba_analytics__player_game_summary"})).verdicts[:1]
    assert (stale.outcome, stale.is_blocking) == ("not_run", True)
    assert "was not built" in stale.reason


def test_great_expectations_that_sees_other_rows_than_were_counted_has_examined_nothing(
    planted_night: PlantedNight,
) -> None:
    work = planted_night.work
    (suite,) = (one for one in read_suites(PROJECT / "expectations") if one.name == TEAMS)
    query = batch_query(suite, work.relation, work.settings.window)
    validator = work.validator()
    validations = validator.validate(suite, query, 7, {}, ())
    assert all("of 7 rows" in one.problem for one in validations)
    broken = validator.validate(suite, query.replace("points_gap", "no_such_column"), 20, {}, ())
    assert all(one.problem for one in broken)


def test_great_expectations_parses_no_parameters(planted_night: PlantedNight, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has one parser for all threads: they would get each other's values, or none."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr("great_expectations.core.suite_parameters.parse_suite_parameter", refuse)
    found = open_examiner(planted_night.work).examine_data().verdicts
    assert not [one.reason for one in found if one.is_blocking]


def test_everything_that_great_expectations_sends_is_what_bigquery_accepts(planted_night: PlantedNight) -> None:
    work = planted_night.work
    warehouse = work.tables
    assert isinstance(warehouse, Warehouse)
    verdicts: list[Verdict] = []
    sent = sent_by(warehouse, lambda: verdicts.extend(open_examiner(work).examine_data().verdicts))
    # What is asked on other nights, and what a finding shows.
    window, relation = work.settings.window, work.relation
    suites = read_suites(PROJECT / "expectations")
    sent += [(batch_query(one, relation, window), None) for one in suites if one.counted_games_only]
    sent += [(needed_dates_query(one, relation, window), None) for one in suites if one.needs_rows_where]
    sent += [(one.query, None) for one in verdicts if one.query]
    checker = Checker(Engine(), declared_tables(*relation.split(".")))
    assert len(sent) > 50
    refused = {query: found for query, config in sent if (found := checker.check(_bound(query, config)).errors)}
    assert refused == {}


def _bound(query: str, config: Any) -> str:
    """The query with its parameters, which the client sends beside it, written into it."""
    for one in config.query_parameters if config else ():
        kind, value = one.to_api_repr()["parameterType"], one.to_api_repr()["parameterValue"]
        cells = [cell["value"] for cell in value["arrayValues"]] if kind["type"] == "ARRAY" else [value["value"]]
        of = kind["arrayType"]["type"] if kind["type"] == "ARRAY" else kind["type"]
        texts = [f"cast({json.dumps(str(cell))} as {of})" for cell in cells]
        text = f"[{', '.join(texts)}]" if kind["type"] == "ARRAY" else texts[0]
        query = re.sub(rf"@`?{one.name}`?(?![0-9A-Za-z_])", text.replace("\\", r"\\"), query)
    return query
