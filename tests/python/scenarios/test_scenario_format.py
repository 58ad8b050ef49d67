from __future__ import annotations

import csv
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from support import PROJECT, SCENARIOS
from trueup.errors import ScenarioError
from trueup.reference import load_reference
from trueup.scenarios import ExpectedFinding, compare, find_scenarios, load_scenario
from trueup.schemas import read_table_schemas

SCHEMAS = read_table_schemas(PROJECT / "models")
RULES = frozenset(load_reference(PROJECT / "seeds").rules)
PGS = "tables/nba_analytics.player_game_summary.csv"
HEAD = "title: t\nas_of: '2026-02-04T16:00:00Z'\nfirst_date: 2026-02-03\nlast_date: 2026-02-03\nexpect: []\n"
EXPECT = "expect: [{rule: DUP001, severity: error, game_date: 2026-02-03, subject: x}]"


def scenario(folder: Path, **files: str) -> Path:
    for path, text in {"scenario.yml": HEAD, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_a_small_scenario_is_read(tmp_path: Path) -> None:
    text = (
        "game_id,game_date,points,minutes_played,is_active,processed_at\n"
        "20260203_BOS_LAL,2026-02-03,7,12.5,TRUE,2026-02-04T15:00:06-05:00\n"
        ",2026-02-03,,,,\n"
    )
    made = load_scenario(scenario(tmp_path, **{PGS: text}), SCHEMAS, RULES)
    assert made.tables["nba_analytics.player_game_summary"] == (
        {
            "game_id": "20260203_BOS_LAL",
            "game_date": "2026-02-03",
            "points": 7,
            "minutes_played": "12.5",
            "is_active": True,
            "processed_at": "2026-02-04T20:00:06.000000Z",
        },
        {"game_date": "2026-02-03"},
    )


def test_structs_are_dotted_columns_or_json(tmp_path: Path) -> None:
    text = "timestamp,resource.labels.function_name\n2026-02-03T15:00:00Z,orchestrator\n"
    made = load_scenario(scenario(tmp_path, **{"tables/nba_orchestration.orchestrator_log.csv": text}), SCHEMAS)
    (row,) = made.tables["nba_orchestration.orchestrator_log"]
    assert row["resource"] == {"labels": {"function_name": "orchestrator"}}


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (PGS, "game_id,nope\nx,1\n", "unknown column 'nope'"),
        (PGS, "points\nseven\n", r"line 2, column points: 'seven' is not a whole number"),
        (PGS, "points\n7.5\n", "not a whole number"),
        (PGS, "game_date\n03.02.2026\n", "not a date"),
        (PGS, "processed_at\n2026-02-04T15:00:06\n", "a moment with an offset"),
        (PGS, "is_active\nmaybe\n", "true or false"),
        (PGS, "minutes_played\nNaN\n", "not a number"),
        (PGS, "game_id,points\nx,1,2\n", "3 fields, the header has 2"),
        (PGS, "", "is empty"),
        (PGS, "points,points\n1,2\n", "twice"),
        ("tables/nba_analytics.nothing.csv", "a\n1\n", "the file of no table"),
        ("tables/readme.txt", "a\n1\n", "the file of no table"),
        ("documents/phase3_completion/2026-02-03.json", "{", "is not JSON"),
        ("documents/phase3_completion/2026-02-03.json", "[]", "not a document"),
        (
            "documents/phase3_completion/2026-02-03.json",
            '{"a": {"$timestamp": "now"}}',
            "a: 'now' is not a moment",
        ),
        ("documents/phase3_completion/2026-02-03.txt", "{}", "not a .json file"),
        ("seeds/teams.csv", "a\n1\n", "is no seed"),
        ("scenario.yml", "a: [", "not YAML"),
        ("scenario.yml", "- 1", "holds no settings"),
        ("scenario.yml", HEAD + "wat: 1\n", "unknown key wat"),
        ("scenario.yml", HEAD.replace("title: t\n", ""), "lacks title"),
        ("scenario.yml", HEAD.replace("last_date: 2026-02-03", "last_date: 2026-02-01"), "is after"),
        ("scenario.yml", HEAD.replace("first_date: 2026-02-03", "first_date: soon"), "not a date"),
        ("scenario.yml", HEAD.replace("T16:00:00Z", "T16:00:00"), "no offset"),
        ("scenario.yml", HEAD.replace("'2026-02-04T16:00:00Z'", "noon"), "not a moment"),
        ("scenario.yml", HEAD + "optional: [nba_raw.nothing]\n", "no source"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace("DUP001", "DUP999")), "no rule 'DUP999'"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace("error", "bad")), "severity 'bad'"),
        (
            "scenario.yml",
            HEAD.replace("expect: []", EXPECT.replace(", subject: x", "")),
            "It needs rule|expect 1",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, path: str, text: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said) as told:
        load_scenario(scenario(tmp_path, **{path: text}), SCHEMAS, RULES)
    assert Path(path).name in told.value.message


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    scenario(tmp_path, **{PGS: ""})
    (tmp_path / PGS).write_bytes(b"player_lookup\n\xff\xfe\n")
    with pytest.raises(ScenarioError, match="cannot be read as CSV"):
        load_scenario(tmp_path, SCHEMAS)


def test_a_folder_without_a_scenario_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="There is no scenario"):
        find_scenarios([tmp_path])


FINDING = {
    "rule": "DUP001",
    "severity": "error",
    "game_date": date(2026, 2, 3),
    "subject": "t",
    "observed": 72.0,
    "summary": "",
}
WANTED = ExpectedFinding("DUP001", "error", date(2026, 2, 3), "t", 72.0)


def test_the_expected_is_found_with_and_without_a_number() -> None:
    assert compare([WANTED], [FINDING]).is_match
    assert compare([ExpectedFinding("DUP001", "error", date(2026, 2, 3), "t")], [FINDING]).is_match


@pytest.mark.parametrize(
    "change", [{"observed": 71.0}, {"subject": "u"}, {"severity": "warn"}, {"game_date": date(2026, 2, 4)}]
)
def test_another_number_subject_severity_or_date_is_a_miss(change: dict[str, object]) -> None:
    found = compare([WANTED], [{**FINDING, **change}])
    assert found.missing == (WANTED,)
    assert len(found.unexpected) == 1


def test_an_error_more_is_a_miss_and_information_is_not() -> None:
    assert not compare([], [FINDING]).is_match
    assert compare([], [{**FINDING, "severity": "info"}]).is_match
    assert not compare([WANTED], [FINDING, FINDING]).is_match


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
    assert {team: int(row["points_scored"]) for team, row in teams.items()} == dict(points)
    assert set(minutes.values()) == {2400}


def test_a_copied_scenario_is_still_one(tmp_path: Path) -> None:
    shutil.copytree(SCENARIOS / "no-games", tmp_path / "mine")
    assert find_scenarios([tmp_path]) == [tmp_path / "mine"]
