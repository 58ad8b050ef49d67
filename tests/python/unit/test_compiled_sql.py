"""Every statement that dbt sends, compiled for BigQuery without a warehouse, and parsed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from dbt.cli.main import dbtRunner
from sqlglot import exp

from support import PROJECT
from trueup.schemas import TableSchema, read_table_schemas

# One worker: the module's fixture is dear.
pytestmark = pytest.mark.xdist_group("compiled_sql")

SCHEMAS = read_table_schemas(PROJECT / "models")


def _offline_profile(folder: Path) -> None:
    """The example, with a token in place of the credentials that dbt would look for before it compiles."""
    example = (PROJECT / "profiles.example.yml").read_text(encoding="utf-8")
    assert "method: oauth\n" in example
    offline = example.replace("method: oauth\n", "method: oauth-secrets\n      token: offline\n")
    (folder / "profiles.yml").write_text(offline, encoding="utf-8")


def compile_project(folder: Path, variables: dict[str, Any]) -> dict[str, Any]:
    """The manifest of `dbt compile --target prod`, which asks no warehouse for anything."""
    _offline_profile(folder)
    result = dbtRunner().invoke(
        [
            "compile", "--quiet", "--no-introspect", "--no-populate-cache", "--target", "prod",
            "--project-dir", str(PROJECT), "--profiles-dir", str(folder),
            "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
            "--vars", json.dumps(variables),
        ]
    )  # fmt: skip
    assert result.success, result.exception
    manifest: dict[str, Any] = json.loads((folder / "target" / "manifest.json").read_text())
    return manifest


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    variables = {"as_of": "2026-02-04T21:00:00Z", "first_date": "2026-01-28", "last_date": "2026-02-03"}
    return compile_project(tmp_path_factory.mktemp("compiled"), variables)


def statements(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "test"):
            assert node["compiled_code"], node["unique_id"]
            yield node["unique_id"], node["compiled_code"]


def unbounded(sql: str) -> list[str]:
    """The sources that a statement reads without a literal range on their raw partition column."""
    faults = []
    for table in sqlglot.parse_one(sql, dialect="bigquery").find_all(exp.Table):
        schema = SCHEMAS.get(f"{table.db}.{table.name}")
        if schema is None:
            continue
        select = table.find_ancestor(exp.Select)
        where = select.args.get("where") if select else None
        if where is None or not _has_range(where, schema):
            faults.append(schema.name)
    return faults


def _has_range(where: exp.Where, schema: TableSchema) -> bool:
    """Both ends on the bare column, each a literal: a function around either stops the pruning."""
    low = high = False
    conditions = where.this.flatten() if isinstance(where.this, exp.And) else [where.this]
    for condition in conditions:
        column = condition.this
        if not isinstance(column, exp.Column) or column.name.lower() != schema.partition_column:
            continue
        if isinstance(condition, exp.Between):
            low = low or _is_literal(condition.args["low"])
            high = high or _is_literal(condition.args["high"])
        elif isinstance(condition, exp.GTE | exp.GT):
            low = low or _is_literal(condition.expression)
        elif isinstance(condition, exp.LTE | exp.LT):
            high = high or _is_literal(condition.expression)
    return low and high


def _is_literal(value: exp.Expression) -> bool:
    return isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal)


def test_every_query_on_a_source_has_a_literal_range_on_its_partition_column(
    manifest: dict[str, Any],
) -> None:
    read = set()
    for name, sql in statements(manifest):
        assert unbounded(sql) == [], name
        tables = sqlglot.parse_one(sql, dialect="bigquery").find_all(exp.Table)
        read |= {f"{one.db}.{one.name}" for one in tables} & set(SCHEMAS)
    assert len([one for one in read if not one.startswith("trueup.")]) == 11, "a source is not read at all"


@pytest.mark.parametrize(
    ("sql", "is_bounded"),
    [
        ("where game_date between date '2026-01-01' and date '2026-01-02'", True),
        ("where game_date >= date '2026-01-01' and game_date < date '2026-01-02' and points > 3", True),
        ("", False),
        ("where points > 3", False),
        ("where game_date >= date '2026-01-01'", False),
        ("where date_trunc(game_date, month) between date '2026-01-01' and date '2026-01-02'", False),
        ("where game_date between date '2026-01-01' and current_date()", False),
        ("where game_date between date '2026-01-01' and date '2026-01-02' or points > 3", False),
        ("where cast(game_date as string) between '2026-01-01' and '2026-01-02'", False),
    ],
)
def test_the_check_of_the_ranges_tells_good_from_bad(sql: str, is_bounded: bool) -> None:
    table = "`p`.`nba_analytics`.`player_game_summary`"
    assert (unbounded(f"select game_id from {table} {sql}") == []) is is_bounded
    nested = f"with a as (select game_id from {table} {sql}) select * from a where game_date = date '2026-01-01'"
    assert (unbounded(nested) == []) is is_bounded


def test_incremental_models_rewrite_literal_partitions_only(manifest: dict[str, Any]) -> None:
    latest = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].endswith("_latest")
    ]
    assert len(latest) == 5
    for node in latest:
        assert node["config"]["partitions"] == [f"date '2026-01-{day}'" for day in range(28, 32)] + [
            f"date '2026-02-0{day}'" for day in range(1, 4)
        ]
        assert node["config"]["contract"]["enforced"] is True
        assert node["config"]["partition_by"]["field"] == "game_date"


def test_the_default_window_is_the_seven_eastern_days_that_end_yesterday(tmp_path: Path) -> None:
    # 03:30 UTC on the 4th is still the 3rd in New York: yesterday is the 2nd.
    manifest = compile_project(tmp_path, {"as_of": "2026-02-04T03:30:00Z"})
    staged = manifest["nodes"]["model.trueup.stg_nba_analytics__player_game_summary"]["compiled_code"]
    assert "game_date between date '2026-01-27' and date '2026-02-02'" in staged


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"first_date": "2026-02-03", "last_date": "2026-02-01"}, "after last_date"),
        ({"as_of": "2026-02-04T16:00:00"}, "needs an offset"),
    ],
)
def test_dbt_alone_refuses_wrong_vars(tmp_path: Path, variables: dict[str, Any], said: str) -> None:
    _offline_profile(tmp_path)
    result = dbtRunner().invoke(
        [
            "parse", "--quiet", "--target", "prod", "--project-dir", str(PROJECT),
            "--profiles-dir", str(tmp_path), "--target-path", str(tmp_path / "target"),
            "--log-path", str(tmp_path / "logs"), "--vars", json.dumps(variables),
        ]
    )  # fmt: skip
    assert not result.success
    assert said in str(result.exception)
