"""The project passes, and faults planted in a copy are found at their line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.command_line import copy_project
from helpers.support import PROJECT, Compile
from sqlcheck.__main__ import summary
from sqlcheck.checker import Checker
from sqlcheck.contracts import mismatches, write_types
from sqlcheck.costs.billing import bill, over_budget, read_budgets
from sqlcheck.costs.facts import facts_of
from sqlcheck.costs.sizes import Sizes, read_sizes
from sqlcheck.dbt_project import VARIABLES, compile_offline
from sqlcheck.messages import render
from sqlcheck.partitions import SourceRead, source_reads
from sqlcheck.project import ProjectCheck, check_models
from sqlcheck.python_sql import _places
from sqlcheck.types import parse_type
from trueup.schemas import read_table_schemas

SCHEMAS = read_table_schemas(PROJECT / "models")
PLAYERS = "my-project.nba_analytics.player_game_summary"


@pytest.fixture(scope="module")
def sizes(checked: ProjectCheck, checker: Checker) -> Sizes:
    return read_sizes(facts_of([], checker.catalog).types)


def reads_of(checker: Checker, sql: str, table: str, partition_column: str) -> list[SourceRead]:
    """What a statement that is right reads of a table."""
    result = checker.check(sql)
    assert result.errors == []
    return [one for tree in result.trees for one in source_reads(tree, {table: partition_column})]


def test_bigquery_would_accept_every_statement_of_the_project(checked: ProjectCheck) -> None:
    shown = "\n".join(render(statement, problem, PROJECT) for statement, problem in checked.problems)
    assert checked.is_clean, shown + "\n".join([*map(str, checked.contracts), *checked.unreached, *checked.needless])


def test_every_node_and_suite_was_checked(checked: ProjectCheck, manifest: Mapping[str, Any]) -> None:
    kinds = [one.kind for one in checked.statements]
    nodes = [node["resource_type"] for node in manifest["nodes"].values()]
    incremental = [node for node in manifest["nodes"].values() if node["config"]["materialized"] == "incremental"]
    assert kinds.count("model") == nodes.count("model") + len(incremental)
    assert kinds.count("test") == nodes.count("test")
    assert {one.name for one in checked.statements} >= {test["name"] for test in manifest["unit_tests"].values()}
    suites = {path.stem for path in (PROJECT / "expectations").glob("*.json")}
    python = "\n".join(one.sql for one in checked.statements if one.kind == "python")
    assert all(f".{name}` (" in python for name in ("completion_verdicts", "repair_audit")), "create table"
    assert "merge into" in python
    assert {one.name.split()[0] for one in checked.statements if one.kind == "suite"} == {*suites, "all"}
    assert "from `my-project.trueup.completion_evidence`" in python


def test_every_source_is_read_and_every_read_is_bounded(checked: ProjectCheck) -> None:
    read = {one.table.split(".", 1)[1] for _, one in checked.reads}
    assert read >= {name for name in SCHEMAS if not name.startswith("trueup.")}
    assert all(one.is_bounded for _, one in checked.reads)


def test_only_needed_columns_are_read_of_a_source(checked: ProjectCheck) -> None:
    """A staging model has every declared column, and BigQuery reads only those that the outer query needs."""
    for statement, read in checked.reads:
        declared = SCHEMAS[read.table.split(".", 1)[1]].columns
        assert set(read.columns) <= set(declared), statement.name
        assert statement.name.startswith("stg_") or statement.kind in ("python", "suite"), "only staging reads sources"


def test_a_model_reads_only_the_columns_that_it_uses(checked: ProjectCheck, checker: Checker) -> None:
    """The cache has a dozen columns; to count its rows, BigQuery reads three through the view."""
    view = "my-project.trueup.stg_nba_precompute__player_daily_cache"
    statement = next(one for one in checked.statements if one.name == "phase4_evidence")
    assert [one.columns for one in reads_of(checker, statement.sql, view, "cache_date")] == [
        ("cache_date", "created_at", "processed_at")
    ]
    greedy = statement.sql.replace("count(*) as row_count", "countif(points_avg_last_5 > 0) as row_count")
    assert greedy != statement.sql
    (read,) = reads_of(checker, greedy, view, "cache_date")
    assert read.columns == ("cache_date", "created_at", "points_avg_last_5", "processed_at")


@pytest.mark.usefixtures("checked")  # fills the catalog
def test_bigquery_would_accept_the_query_of_the_hook(compile_sql: Compile, checker: Checker) -> None:
    query = "{{ failed_findings_query(ref('rule_outcomes'), ref('findings'), ['DUP001', 'LATE001']) }}"
    compiled = compile_sql("--inline", query, VARIABLES).replace("trueup-local", "my-project")
    assert checker.check(compiled).problems == []


def test_every_statement_keeps_its_budget(sizes: Sizes, checked: ProjectCheck) -> None:
    budgets = read_budgets()
    bills = [bill(one, sizes, budgets) for one in checked.costs.statements]
    assert list(over_budget(bills, budgets)) == []
    assert {one.kind for one in bills} == set(budgets.by_kind)


def test_a_hundred_times_the_history_costs_the_same_each_day(sizes: Sizes, checked: ProjectCheck) -> None:
    """With so many rows a day that the minimum of 10 MB for each table hides nothing."""
    budgets, many = read_budgets(), sizes.with_rows(10_000)
    for statement in checked.costs.statements:
        now, later = (bill(statement, one, budgets).billed for one in (many, many.with_history(100)))
        assert later <= now * 1.01, statement.name


# By file: a column to add to its last select, and the expected message.
PLANTS = {
    "models/quality/duplicates/dup003_null_keys.sql": ("table_name::string", "cast(… as <type>)"),
    "models/quality/lateness/late002_never_ran.sql": (
        "date_trunc('day', game_date)",
        "timestamp_trunc(<timestamp>, day)",
    ),
    "models/quality/completion/phase4_evidence.sql": ("game_days.game_date = 'today' || 'x'", "operator ="),
    "models/quality/lateness/late001_late_run.sql": ("string_agg('x') over ()", "string_agg has no limit"),
    "models/quality/lateness/late004_games_not_arrived.sql": ("no_such_column", "Unrecognized name: no_such_column"),
}


@pytest.fixture(scope="module")
def planted(
    tmp_path_factory: pytest.TempPathFactory, checker: Checker, manifest: Mapping[str, Any], compiled: Path
) -> tuple[Path, ProjectCheck]:
    """The check of a copy of the project with six faults."""
    copy = copy_project(tmp_path_factory.mktemp("planted"))
    for name, (column, _) in PLANTS.items():
        head, tail = (copy / name).read_text().rsplit("select\n", 1)
        (copy / name).write_text(f"{head}select\n    {column} as planted,\n{tail}")
    players = "{{ source('nba_analytics', 'player_game_summary') }}"
    unbounded = f"-- Without a range.\nselect game_id\nfrom {players}\nwhere points > 3\n"
    (copy / "models/quality/lateness/unbounded.sql").write_text(unbounded)
    parsed = "target/partial_parse.msgpack"  # dbt parses only what has changed
    assert manifest["nodes"]
    (copy / "work" / parsed).parent.mkdir(parents=True)
    shutil.copy(compiled / parsed, copy / "work" / parsed)
    return copy, check_models(compile_offline(copy, copy / "work"), checker)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_found_at_its_line(planted: tuple[Path, ProjectCheck], name: str) -> None:
    project, found = planted
    lines = (project / name).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "as planted" in text)
    shown = [render(statement, problem, project) for statement, problem in found.refused]
    (of_this_file,) = [text for text in shown if text.startswith(f"{name}:{line}: refused: ")]
    assert PLANTS[name][1] in of_this_file
    assert "as planted" in of_this_file, "the compiled line"


def test_a_node_that_reads_a_refused_model_is_not_checked(planted: tuple[Path, ProjectCheck]) -> None:
    """Without its parent in the catalog it would be refused for a missing table: a false alarm."""
    _, found = planted
    assert not found.is_clean
    assert "findings" in found.unchecked
    assert not set(found.unchecked) & {statement.name for statement, _ in found.refused}
    assert f"{len(found.unchecked)} not checked" in summary(found)


def test_a_query_without_a_range_is_found_at_its_line(planted: tuple[Path, ProjectCheck]) -> None:
    project, found = planted
    shown = [render(statement, problem, project) for statement, problem in found.refused]
    (text,) = [one for one in shown if "unbounded.sql" in one]
    assert re.match(r"(near )?models/quality/lateness/unbounded\.sql:3: refused: .* without a literal range", text)


def test_a_fault_in_a_macro_is_shown_in_the_macro(checked: ProjectCheck) -> None:
    statement = next(one for one in checked.statements if one.name == "player_game_summary_latest")
    line = next(number for number, text in enumerate(statement.sql.splitlines(), 1) if text == "select newest.*")
    from sqlcheck.messages import find_source

    place = find_source(statement, line, PROJECT)
    assert place.file == Path("macros/keep_latest.sql")
    assert (PROJECT / place.file).read_text().splitlines()[place.line - 1] == "select newest.*"


@pytest.mark.parametrize(
    ("where", "is_bounded"),
    [
        ("where game_date between date '2026-01-01' and date '2026-01-02'", True),
        ("where game_date >= date '2026-01-01' and game_date < date '2026-01-02' and points > 3", True),
        ("where '2026-01-01' <= game_date and date '2026-01-02' > game_date", True),
        ("where game_date = '2026-01-01'", True),
        ("where game_date in (date '2026-01-01', date '2026-01-02')", True),
        ("", False),
        ("where points > 3", False),
        ("where game_date >= date '2026-01-01'", False),
        ("where date_trunc(game_date, month) between date '2026-01-01' and date '2026-01-02'", False),
        ("where game_date between date '2026-01-01' and current_date()", False),
        ("where game_date between date '2026-01-01' and date '2026-01-02' or points > 3", False),
        ("where not game_date between date '2026-01-01' and date '2026-01-02'", False),
        ("where game_date in (select game_date from trueup.game_days)", False),
        ("where cast(game_date as string) between '2026-01-01' and '2026-01-02'", False),
        ("qualify row_number() over (order by points) = 1 and game_date = date '2026-01-01'", False),
    ],
)
def test_a_range_is_distinguished_from_similar_filters(
    checked: ProjectCheck, checker: Checker, where: str, is_bounded: bool
) -> None:
    def bounded(sql: str) -> list[bool]:
        return [one.is_bounded for one in reads_of(checker, sql, PLAYERS, "game_date")]

    query = f"select game_id, game_date from nba_analytics.player_game_summary {where}"
    assert bounded(query) == [is_bounded]
    outer = "select game_id from a where game_date = date '2026-01-01'"
    assert bounded(f"with a as ({query}) {outer}") == [is_bounded]
    assert bounded(f"create table trueup.t as select t.game_id from ({query}) as t") == [is_bounded]
    assert bounded(f"select l.game_date from trueup.game_days as l left join ({query}) as r using (game_date)") == [
        is_bounded
    ]


def test_a_filter_above_the_outer_side_of_a_join_bounds_nothing(checked: ProjectCheck, checker: Checker) -> None:
    sql = (
        "select r.game_id from trueup.game_days as l left join nba_analytics.player_game_summary as r"
        " on l.game_date = r.game_date where r.game_date = date '2026-01-01'"
    )
    reads = reads_of(checker, sql, PLAYERS, "game_date")
    assert [(one.is_bounded, one.columns) for one in reads] == [(False, ("game_date", "game_id"))]


def test_the_latest_tables_have_a_contract_and_partitions(manifest: dict[str, Any]) -> None:
    latest = [node for node in manifest["nodes"].values() if node["name"].endswith("_latest")]
    latest = [node for node in latest if node["resource_type"] == "model"]
    assert len(latest) == 5
    for node in latest:
        assert node["config"]["contract"]["enforced"] is True
        assert node["config"]["partition_by"]["field"] == "game_date"


def contract(**columns: str | None) -> dict[str, Any]:
    return {
        "name": "a_model",
        "patch_path": "trueup://models/a_model.yml",
        "columns": {name: {"name": name, "data_type": kind} for name, kind in columns.items()},
        "config": {"contract": {"enforced": True}},
    }


def test_a_contract_is_compared_with_the_columns_of_the_sql() -> None:
    given = {name: parse_type(kind) for name, kind in {"a": "int64", "b": "string", "c": "array<date>"}.items()}
    assert list(mismatches(contract(a="INTEGER", b="string", c="array<date>"), given)) == []
    found = list(mismatches(contract(a="string", b=None, d="date"), given))
    assert [(one.column, one.inferred, one.declared) for one in found] == [
        ("a", "int64", "string"),
        ("b", "string", ""),
        ("c", "array<date>", ""),
        ("d", "", ""),
    ]


def test_missing_types_are_written_into_the_yaml_and_nothing_else(tmp_path: Path) -> None:
    before = """models:
  - name: other
    columns:
      - name: a
  - name: a_model
    # a comment stays
    columns:
      - name: a
        description: first
      - name: b
        data_type: string
"""
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "a_model.yml"
    path.write_text(before)
    given = {"a": parse_type("int64"), "b": parse_type("int64")}
    found = list(mismatches(contract(a=None, b="string"), given))
    assert [one.column for one in write_types(tmp_path, found)] == ["a"]
    assert path.read_text() == before.replace("description: first\n", "description: first\n        data_type: int64\n")
    assert yaml.safe_load(path.read_text())["models"][1]["columns"][0]["data_type"] == "int64"


def test_a_statement_in_python_that_is_not_recorded_is_reported(tmp_path: Path) -> None:
    module = tmp_path / "new_gateway.py"
    query = 'return warehouse.query(f"select count(*) from `{table}`")'
    module.write_text(f'def count(warehouse, table):\n    """Select from where."""\n    {query}\n')
    (line, function_line, what) = next(_places(module))
    assert (line, function_line) == (3, 1)
    assert "select count(*)" in what
    module.write_text("import sqlite3\n" + module.read_text())
    assert list(_places(module)) == [], "another engine's SQL"


def test_a_statement_of_python_is_checked_with_the_types_of_its_parameters(
    checked: ProjectCheck, checker: Checker
) -> None:
    merge = next(one for one in checked.statements if one.kind == "python" and "merge into" in one.sql)
    assert dict(merge.parameters) == {"rows": parse_type("string")}
    checker.catalog = replace(checker.catalog, parameters=merge.parameters)
    assert checker.check(merge.sql).errors == []
    wrong = merge.sql.replace("json_query_array(@rows)", "array_length(@rows)")
    assert checker.check(wrong).errors
    checker.catalog = replace(checker.catalog, parameters={})
    assert "not found" in checker.check(merge.sql).errors[0].message
