"""The form of scenarios: what is read, what is refused and how, and what the golden ones hold."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
import yaml

from helpers.nights import folder_of
from helpers.support import PROJECT
from trueup.errors import ScenarioError
from trueup.results.reference import load_reference
from trueup.results.report import Status
from trueup.scenario.cells import is_known, read_cell
from trueup.scenario.folders import SEED_COLUMNS
from trueup.scenario.scenario import ExpectedFinding, compare, find_scenarios, load_scenario
from trueup.schemas import read_table_schemas

SCHEMAS = read_table_schemas(PROJECT / "models")
RULES = frozenset(load_reference(PROJECT / "seeds").rules)
PGS = "tables/nba_analytics.player_game_summary.csv"
HEAD = "title: t\nas_of: '2026-02-04T16:00:00Z'\nfirst_date: 2026-02-03\nlast_date: 2026-02-03\nexpect: []\n"
LOG = "tables/nba_orchestration.orchestrator_log.csv"
CONTEXT = "tables/nba_analytics.upcoming_player_game_context.csv"
DOCUMENT = "documents/phase3_completion/2026-02-03.json"
WAIVERS = "seeds/known_exceptions.csv"
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


@pytest.mark.parametrize(
    "text",
    [
        "timestamp,resource.labels.function_name\n2026-02-03T15:00:00Z,orchestrator\n",
        'resource.labels\n"{""function_name"": ""orchestrator"", ""region"": null}"\n',
        'resource\n"{""labels"": {""function_name"": ""orchestrator""}}"\n',
    ],
)
def test_structs_are_dotted_columns_or_json(tmp_path: Path, text: str) -> None:
    made = load_scenario(scenario(tmp_path, **{LOG: text}), SCHEMAS)
    (row,) = made.tables["nba_orchestration.orchestrator_log"]
    assert row["resource"] == {"labels": {"function_name": "orchestrator"}}


def test_lists_are_json(tmp_path: Path) -> None:
    text = 'data_quality_issues\n"[""late"", ""thin""]"\n[]\nnull\n'
    made = load_scenario(scenario(tmp_path, **{CONTEXT: text}), SCHEMAS)
    rows = made.tables["nba_analytics.upcoming_player_game_context"]
    assert rows == ({"data_quality_issues": ["late", "thin"]}, {"data_quality_issues": []}, {})


@pytest.mark.parametrize(
    "cell",
    [
        "2026-02-04T20:00:06Z",
        "2026-02-04T20:00:06.0Z",
        "2026-02-04T15:00:06-05:00",
        "2026-02-04 15:00:06-0500",
        "2026-02-04 20:00:06+00",
        "2026-02-04 20:00:06.000000 UTC",
    ],
)
def test_a_timestamp_may_be_written_as_iso_8601_or_as_bigquery_exports_it(cell: str) -> None:
    assert read_cell("timestamp", cell) == "2026-02-04T20:00:06.000000Z"


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("int64", "-9223372036854775808", -(2**63)),
        ("float64", "1e3", 1000.0),
        ("numeric", "1e3", "1000"),
        ("numeric", "12345678901234567890123456789.123456789", "12345678901234567890123456789.123456789"),
        ("bool", "False", False),
        ("string", "null", "null"),
        ("timestamp", "0999-01-01T00:00:00Z", "0999-01-01T00:00:00.000000Z"),
        ("struct<a int64, b array<struct<c bool>>>", '{"a": 1, "b": [{"c": true}]}', {"a": 1, "b": [{"c": True}]}),
    ],
)
def test_a_cell_at_the_edge_is_read(kind: str, cell: str, value: object) -> None:
    assert read_cell(kind, cell) == value


def test_every_declared_type_can_be_read() -> None:
    kinds = {kind for schema in SCHEMAS.values() for kind in schema.columns.values()}
    assert not [kind for kind in kinds if not is_known(kind)]


def test_a_quoted_field_may_hold_a_comma_a_quote_and_a_line_end(tmp_path: Path) -> None:
    text = 'game_id,points\r\n"a, ""b""\r\nc",1\r\n'
    made = load_scenario(scenario(tmp_path, **{PGS: text}), SCHEMAS)
    assert made.tables["nba_analytics.player_game_summary"] == ({"game_id": 'a, "b"\r\nc', "points": 1},)


def test_dates_need_no_quotes(tmp_path: Path) -> None:
    head = HEAD.replace("'2026-02-04T16:00:00Z'", "2026-02-04T11:00:00-05:00").replace(
        "expect: []", EXPECT.replace("subject: x", "subject: 2026-02-03")
    )
    made = load_scenario(scenario(tmp_path, **{"scenario.yml": head + "vars: {since: 2026-01-01, days: 3}\n"}), SCHEMAS)
    assert made.as_of.isoformat() == "2026-02-04T16:00:00+00:00"
    assert made.expect[0].subject == "2026-02-03"
    assert made.vars == {"since": "2026-01-01", "days": 3}


@pytest.mark.parametrize("status", get_args(Status))
def test_a_scenario_may_state_how_its_run_ends(tmp_path: Path, status: str) -> None:
    assert load_scenario(scenario(tmp_path / "left out"), SCHEMAS).status is None
    made = load_scenario(scenario(tmp_path / "stated", **{"scenario.yml": HEAD + f"status: {status}\n"}), SCHEMAS)
    assert made.status == status


def test_a_document_is_kept_as_it_is_written(tmp_path: Path) -> None:
    raw: dict[str, object] = {
        "_triggered_at": {"$timestamp": "2026-02-04T20:01:00Z"},
        "é": [1, 1.5, None, True, {"a": {}}],
    }
    made = load_scenario(scenario(tmp_path, **{DOCUMENT: json.dumps(raw)}), SCHEMAS)
    assert made.documents == {"phase3_completion": {"2026-02-03": raw}}


def test_hidden_files_of_systems_and_editors_are_passed_over(tmp_path: Path) -> None:
    made = load_scenario(scenario(tmp_path, **{"tables/.DS_Store": "x", "documents/.x": "x", ".git/x": "x"}), SCHEMAS)
    assert not made.tables
    assert not made.documents


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (PGS, "game_id,nope\nx,1\n", "unknown column 'nope'"),
        (PGS, "points\nseven\n", r"line 2, column points: 'seven' is not a whole number"),
        (PGS, "points\n7.5\n", "not a whole number"),
        (PGS, "game_date\n03.02.2026\n", "not a date"),
        (PGS, "processed_at\n2026-02-04T15:00:06\n", "offset"),
        (PGS, "is_active\nmaybe\n", "true or false"),
        (PGS, "minutes_played\nNaN\n", "not a number"),
        (PGS, "game_id,points\nx,1,2\n", "line 2 has 3 fields"),
        (PGS, "game_id,points\nx\n", "line 2 has 1 field,"),
        (PGS, 'game_id,points\n"a\nb",1\nx,bad\n', "line 4, column points: 'bad'"),
        (PGS, 'game_id,points\n"a\nb",1\n"x\n', "line 4 cannot be read as CSV"),
        (PGS, "points\n9223372036854775808\n", "not a whole number of 64 bits"),
        (PGS, "points\n\u0667\n", "not a whole number"),
        (PGS, "minutes_played\n1_0\n", "not a number"),
        (PGS, "minutes_played\n1e29\n", "29 digits"),
        (PGS, "minutes_played\n0.1234567891\n", "29 digits"),
        (PGS, "game_date\n20260203\n", "not a date"),
        (PGS, "game_date\n2026-02-30\n", "not a date"),
        (PGS, "processed_at\n0001-01-01T00:00:00+14:00\n", "not a timestamp"),
        (PGS, "processed_at\n2026-02-04T15:00:06.1234567Z\n", "not a timestamp"),
        (PGS, "\n1\n", "header row"),
        (PGS, "\ufeffgame_id\nx\n", "byte order mark"),
        (PGS, "game_id\na\0b\n", "line 2 holds a NUL"),
        (PGS, "game_id.x\na\n", "unknown column 'game_id.x'"),
        (LOG, "resource.labels.nope\na\n", "unknown column 'resource.labels.nope'"),
        (LOG, 'resource,resource.type\n"{}",a\n', "duplicate column resource.type"),
        (LOG, "resource\n5\n", "line 2, column resource: '5' is not a JSON object"),
        (LOG, 'resource\n"{""nope"": 1}"\n', "not a JSON object"),
        (CONTEXT, "data_quality_issues\nlate\n", "not a JSON list"),
        (CONTEXT, "data_quality_issues\n[null]\n", "not a JSON list"),
        (CONTEXT, "data_quality_issues\n[1]\n", "not a JSON list"),
        (CONTEXT, "data_quality_issues\n" + "[" * 99999 + "\n", "not a JSON list"),
        (PGS, "", "header row"),
        (PGS, "points,points\n1,2\n", "duplicate"),
        ("tables/nba_analytics.nothing.csv", "a\n1\n", "unknown table"),
        ("tables/readme.txt", "a\n1\n", "unknown table"),
        (DOCUMENT, "{", "is not JSON"),
        (DOCUMENT, "[]", "not a document"),
        (DOCUMENT, '{"a": {"$timestamp": "now"}}', "a: 'now'"),
        ("documents/phase3_completion/2026-02-03.txt", "{}", "not a .json file"),
        ("documents/2026-02-03.json", "{}", "is not in a collection"),
        (DOCUMENT, '{"a": NaN}', "NaN"),
        (DOCUMENT, '{"a": 1e999}', "is not JSON"),
        (DOCUMENT, '{"a": 1, "a": 2}', "duplicate key 'a'"),
        (DOCUMENT, '{"a": "\\ud800"}', "is not JSON"),
        (DOCUMENT, '{"a":' * 700 + "1" + "}" * 700, "nested too deeply"),
        (DOCUMENT, "[" * 99999, "nested too deeply"),
        ("documents", "x", "is not a folder"),
        ("seeds/players.csv", "a\n1\n", "unknown seed"),
        ("scenario.yml", HEAD + "expectations: maybe\n", "expectations 'maybe' is not true or false"),
        ("scenario.yml", HEAD + "status: fine\n", "status 'fine'"),
        ("scenario.yml", HEAD + "status:\n", "status None"),
        ("scenario.yml", HEAD + "status: [healthy]\n", r"status \['healthy'\]"),
        ("scenario.yml", HEAD + "status: Healthy\n", "status 'Healthy'"),
        (WAIVERS, "rule,subject,game_date,reason\n", "lacks the column until"),
        (WAIVERS, "rule,subject,game_date,reason,till\n", "unknown column 'till'"),
        (WAIVERS, "rule,subject,game_date,reason,until\nDUP001,t,,x,soon\n", "line 2, column until: 'soon'"),
        ("scenario.yml", "a: [", "line 1 is not YAML"),
        ("scenario.yml", "[" * 9999, "not YAML"),
        ("scenario.yml", HEAD + "vars: !!python/object:os.system {}\n", "line 6 is not YAML"),
        ("scenario.yml", HEAD + "expect: []\n", "line 6 is not YAML: duplicate key expect"),
        ("scenario.yml", HEAD + "vars: [1]\n", "vars is not a map"),
        ("scenario.yml", HEAD + "vars: {as_of: x}\n", "vars sets as_of"),
        ("scenario.yml", HEAD + "vars: &a {x: *a}\n", "aliases are not allowed"),
        ("scenario.yml", HEAD + "optional: nba_raw.nbac_schedule\n", "optional is not a list"),
        ("scenario.yml", HEAD + "optional: [[a]]\n", "not an optional source"),
        ("scenario.yml", HEAD + "optional: [nba_analytics.player_game_summary]\n", "not an optional source"),
        ("scenario.yml", HEAD.replace("expect: []", "expect: none"), "expect is not a list"),
        ("scenario.yml", HEAD.replace("title: t", "title:"), "title None is not a text"),
        ("scenario.yml", HEAD.replace("e: 2026-02-03", "e: 2026-02-31"), "first_date '2026-02-31' is not a date"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace("DUP001", "[1]")), r"rule \[1\] is not a text"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace(" x}", " }")), "subject None is not a text"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace(" x}", " x, observed: .nan}")), "not a number"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace("2026-02-03", "2026-02-04")), "is not within"),
        ("scenario.yml", "- 1", "no settings"),
        ("scenario.yml", HEAD + "wat: 1\n", "unknown key wat"),
        ("scenario.yml", HEAD.replace("title: t\n", ""), "lacks title"),
        ("scenario.yml", HEAD.replace("last_date: 2026-02-03", "last_date: 2026-02-01"), "is after"),
        ("scenario.yml", HEAD.replace("first_date: 2026-02-03", "first_date: soon"), "not a date"),
        ("scenario.yml", HEAD.replace("T16:00:00Z", "T16:00:00"), "no offset"),
        ("scenario.yml", HEAD.replace("'2026-02-04T16:00:00Z'", "noon"), "as_of 'noon'"),
        ("scenario.yml", HEAD + "optional: [nba_raw.nothing]\n", "not an optional source"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace("DUP001", "DUP999")), "rule 'DUP999'"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace("error", "bad")), "severity 'bad'"),
        ("scenario.yml", HEAD.replace("expect: []", EXPECT.replace(", subject: x", "")), "It needs rule|expect 1"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, path: str, text: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said) as raised:
        load_scenario(scenario(tmp_path, **{path: text}), SCHEMAS, RULES)
    assert Path(path).name in raised.value.message


@pytest.mark.parametrize("path", ["scenario.yml", PGS, DOCUMENT, WAIVERS])
def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path, path: str) -> None:
    scenario(tmp_path, **{path: ""})
    (tmp_path / path).write_bytes(b"x\n\xff\xfe\n")
    with pytest.raises(ScenarioError, match=f"{Path(path).name} line 2 is not UTF-8"):
        load_scenario(tmp_path, SCHEMAS)


def test_every_refusal_says_what_to_do_next(tmp_path: Path) -> None:
    for number, text in enumerate(["", "points\nx\n", "nope\n", 'points\n"\n', "points\n1,2\n"]):
        with pytest.raises(ScenarioError) as raised:
            load_scenario(scenario(tmp_path / str(number), **{PGS: text}), SCHEMAS)
        assert raised.value.hint.endswith(".")


def test_a_misspelt_folder_is_not_an_empty_one(tmp_path: Path) -> None:
    scenario(tmp_path, **{"table/nba_analytics.player_game_summary.csv": "points\n1\n"})
    with pytest.raises(ScenarioError, match="table: unknown folder"):
        load_scenario(tmp_path, SCHEMAS)


def test_a_seed_under_both_its_names_is_refused(tmp_path: Path) -> None:
    text = (PROJECT / "seeds/service_level_targets.csv").read_text()
    made = load_scenario(scenario(tmp_path / "one", **{"seeds/service_levels.csv": text}), SCHEMAS)
    assert made.seeds == tmp_path / "one" / "seeds"
    both = {"seeds/service_levels.csv": text, "seeds/service_level_targets.csv": text}
    with pytest.raises(ScenarioError, match="same seed"):
        load_scenario(scenario(tmp_path / "two", **both), SCHEMAS)


def test_the_columns_of_seeds_are_those_that_dbt_loads() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    declared = {name: config["+column_types"] for name, config in project["seeds"]["trueup"].items()}
    ours = {name: dict(one.strip().split(" ") for one in text.split(",")) for name, text in SEED_COLUMNS.items()}
    assert ours == declared, "correct SEED_COLUMNS in src/trueup/scenario/folders.py"


def test_the_seeds_of_the_project_can_be_those_of_a_scenario(tmp_path: Path) -> None:
    files = {f"seeds/{name}.csv": (PROJECT / f"seeds/{name}.csv").read_text() for name in SEED_COLUMNS}
    assert load_scenario(scenario(tmp_path, **files), SCHEMAS, RULES).seeds == tmp_path / "seeds"


def test_a_folder_without_a_scenario_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ScenarioError, match="No scenario"):
            find_scenarios([path])
    with pytest.raises(ScenarioError, match=r"scenario\.yml cannot be read"):
        load_scenario(tmp_path, SCHEMAS)


def test_a_scenario_whose_head_is_misspelt_is_not_passed_over(tmp_path: Path) -> None:
    scenario(tmp_path / "good")
    (tmp_path / "notes").mkdir()
    assert find_scenarios([tmp_path]) == [tmp_path / "good"]
    scenario(tmp_path / "misspelt", **{PGS: "points\n1\n"})
    (tmp_path / "misspelt/scenario.yml").rename(tmp_path / "misspelt/scenario.yaml")
    with pytest.raises(ScenarioError, match=r"misspelt has no scenario\.yml"):
        find_scenarios([tmp_path])


WANTED = ExpectedFinding("DUP001", "error", date(2026, 2, 3), "t", 72.0)
OF_ANY_NUMBER = replace(WANTED, observed=None)
FINDING = {**asdict(WANTED), "summary": ""}


def test_the_expected_is_found_with_and_without_a_number() -> None:
    assert compare([WANTED], [FINDING]).is_match
    assert compare([OF_ANY_NUMBER], [FINDING]).is_match


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


def test_a_finding_without_a_number_or_with_a_text_for_its_date_is_compared_too() -> None:
    bare = {key: value for key, value in FINDING.items() if key != "observed"} | {"game_date": "2026-02-03"}
    assert compare([OF_ANY_NUMBER], [bare]).is_match
    assert not compare([WANTED], [bare]).is_match


def test_expected_information_must_be_there() -> None:
    wanted = ExpectedFinding("DONE002", "info", date(2026, 2, 3), "t")
    assert not compare([wanted], []).is_match
    assert compare([wanted], [{**FINDING, "rule": "DONE002", "severity": "info"}]).is_match
    assert not compare([wanted], [{**FINDING, "rule": "DONE002", "severity": "error"}]).is_match


def test_one_that_takes_any_number_leaves_the_others_theirs() -> None:
    found = [FINDING, {**FINDING, "observed": 5.0}]
    assert compare([OF_ANY_NUMBER, WANTED], found).is_match
    assert compare([OF_ANY_NUMBER, WANTED], found[::-1]).is_match


def test_a_copied_scenario_is_still_one(tmp_path: Path) -> None:
    shutil.copytree(folder_of("no-games"), tmp_path / "mine")
    assert find_scenarios([tmp_path]) == [tmp_path / "mine"]
