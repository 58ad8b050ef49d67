"""dbt by itself: build twice, test alone, and a dbt test that fails where something is wrong."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from helpers.nights import scenario_of
from helpers.replaying import Silent
from helpers.support import PROJECT
from sqlcheck.catalog import Table
from sqlcheck.checker import Checker
from sqlcheck.dbt_project import full_name, given_tables, ordered_nodes
from sqlcheck.engine import Engine
from trueup.errors import DbtError
from trueup.gateways.dbt import DbtProject
from trueup.gateways.warehouse import Warehouse
from trueup.results.outcome import NodeResult
from trueup.runs.build import build_evidence
from trueup.runs.reconcile import reconcile
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace
from trueup.scenario.scenario import Scenario

pytestmark = pytest.mark.usefixtures("endpoint")


def without_suites(name: str) -> Scenario:
    """A golden night, on which dbt runs alone: nobody runs the suites."""
    scenario = scenario_of(name)
    return replace(scenario, vars={"families_off": ["expectations"]})


def rows_of_all_models(work: Workplace) -> dict[str, list[str]]:
    tables = work.tables.query(
        f"select table_name from `{work.dataset}.INFORMATION_SCHEMA.TABLES` where table_type = 'BASE TABLE'"
    )
    found = {}
    for table in sorted(row["table_name"] for row in tables):
        rows = work.tables.query(f"select to_json_string(t) as text from `{work.dataset}.{table}` as t")
        found[table] = sorted(row["text"] for row in rows)
    return found


@dataclass
class BuiltTwice:
    """A clean night, run once before the verdicts and built twice after them; what dbt sent first and last."""

    result: Sequence[NodeResult]
    rows: list[dict[str, list[str]]]
    manifest: dict[str, Any]
    sent: list[dict[str, str]]


@pytest.fixture(scope="module")
def built_twice(endpoint: str, state_dir: Path) -> BuiltTwice:
    with loaded(without_suites("clean-twin-2026-02-03"), PROJECT, state_dir, Silent()) as work:
        build_evidence(work)
        created = sent_by_dbt(state_dir)
        reconcile(work)
        work.dbt.run(["run"])
        rows, sent = [rows_of_all_models(work)], [sent_by_dbt(state_dir) | created]
        result = work.dbt.run(["build", "--write-json"])
        rows.append(rows_of_all_models(work))
        sent.append(sent_by_dbt(state_dir))
    manifest = json.loads((state_dir / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    return BuiltTwice(result, rows, manifest, sent)


def sent_by_dbt(state_dir: Path) -> dict[str, str]:
    """The statements that dbt keeps of its last run, by file; it forgets nothing by itself.

    Without the unit tests, which are checked with the project.
    """
    folder = state_dir / "dbt" / "run"
    # The table that an incremental model merges from has the columns of the one that it merges into.
    sent = {
        path.name: re.sub(r"__dbt_tmp\d+", "", path.read_text("utf-8"))
        for path in folder.rglob("*.sql")
        if path.parent.name != "_unit_tests.yml"
    }
    shutil.rmtree(folder)
    return sent


def test_building_twice_gives_the_same_rows_and_every_test_passes(built_twice: BuiltTwice) -> None:
    first, second = built_twice.rows
    assert len(first["player_game_summary_latest"]) == 280
    assert len(first["deduplication_ledger"]) == 5
    assert first == second
    # dbt has nothing to do for an exposure.
    assert {one.status for one in built_twice.result} == {"success", "pass", "no-op"}
    assert {one.kind for one in built_twice.result if one.status == "no-op"} == {"exposure"}


def test_what_dbt_really_sent_is_what_bigquery_accepts(built_twice: BuiltTwice) -> None:
    """sqlcheck wraps statements as dbt would; here are dbt's own, of a first run and of one that finds its tables."""
    manifest, (first, last) = built_twice.manifest, built_twice.sent
    checker = Checker(Engine(), given_tables(manifest))
    checked = {}
    for node in ordered_nodes(manifest):
        if node["resource_type"] == "model":
            name = f"{node['name']}.sql"
            # A table that keeps days is created empty, of the same rows, before they are merged into it.
            merged = re.search(r"using \((.*)\) as DBT_INTERNAL_SOURCE", first[name], re.DOTALL)
            made = checker.check(merged[1] if merged else first[name])
            checker.catalog = checker.catalog.with_table(full_name(node), Table(made.columns or {}))
            checked[name] = checker.check(first[name]) if merged else made
    assert len(checked) == len(first) > 50
    assert len(last) > 100
    changed = {f"{name} again": text for name, text in last.items() if text != first.get(name)}
    merges = [text for text in changed.values() if "merge into" in text]
    assert len(merges) == 18
    # Only the days of the run are read and replaced: a literal range.
    days = re.compile(r"DBT_INTERNAL_DEST\.`?\w+`? (?:between date '20(?:26-02-03|25)|>= timestamp '2026-02-0[23])")
    assert [text for text in merges if not days.search(text)] == []
    checked |= {name: checker.check(text) for name, text in changed.items()}
    errors = [f"{name}: {one.message}" for name, found in checked.items() for one in found.errors]
    assert errors == [], "\n".join(errors)


def test_the_latest_tables_have_one_row_a_key_and_the_ledger_tells_of_it(state_dir: Path) -> None:
    scenario = scenario_of("incident-2026-02-03")
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        work.dbt.run(["seed"])
        work.dbt.run(["run", "--select", "+deduplication_ledger"])
        (entry,) = work.tables.query(
            f"select * from `{work.dataset}.deduplication_ledger` where table_name = 'player_game_summary'"
        )
        kept = work.tables.query(
            f"select player_lookup, processed_at from `{work.dataset}.player_game_summary_latest` "
            "where game_date = date '2026-02-03'"
        )
    assert (entry["rows_in"], entry["rows_removed"], entry["rows_out"], entry["group_count"]) == (352, 72, 280, 72)
    assert (entry["tie_count"], entry["conflict_count"]) == (0, 0)
    assert len(kept) == 280
    # Of the racing writers the later one wins.
    assert sum(row["processed_at"].second == 24 for row in kept) == 72


def test_a_model_is_not_built_from_a_view_of_other_days(state_dir: Path) -> None:
    # Found 2026-11-24: `dbt run --select player_game_summary_latest`, with other days than the view was last built
    # for, left the days that the view lacked without a row, and said nothing.
    # And `dbt build --select rule_outcomes` gave yesterday's results as those of now.
    alone = DbtProject(PROJECT, state_dir, "local", {"first_date": "2026-02-03", "last_date": "2026-02-03"})
    partial = [
        *(["--select", name] for name in ("player_game_summary_latest", "deduplication_ledger", "rule_outcomes")),
        ["--select", "tag:reporting"],
        ["--exclude", "duplicate_groups"],
    ]
    for selection in partial:
        with pytest.raises(DbtError, match=r"--select \+"):
            alone.run(["build", *selection])


def test_only_touched_partitions_are_rewritten(state_dir: Path) -> None:
    scenario = scenario_of("null-key")
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        work.dbt.run(["run", "--select", "+player_game_summary_latest"])
        tables = work.tables
        assert isinstance(tables, Warehouse)
        table = f"`{work.dataset}.player_game_summary_latest`"
        tables.query(f"insert into {table} (game_date, game_id) values (date '2025-12-25', 'another day')")
        tables.query(f"insert into {table} (game_date, game_id) values (date '2026-02-03', 'to be replaced')")
        work.dbt.run(["run", "--select", "+player_game_summary_latest"])
        rows = tables.query(f"select game_date, game_id from {table} where game_date > date '2025-01-01'")
    kept = [row["game_id"] for row in rows]
    assert "another day" in kept
    assert "to be replaced" not in kept
    assert sum(row["game_date"] == date(2026, 2, 3) for row in rows) == 58
