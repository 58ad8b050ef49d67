"""The statements of the dbt project, compiled for BigQuery offline and wrapped as dbt wraps them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlcheck.catalog import Catalog, table_of
from sqlcheck.statements import Statement
from sqlcheck.types import type_text

# Any window of more than one partition would do.
VARIABLES = {"as_of": "2026-02-04T21:00:00Z", "first_date": "2026-01-28", "last_date": "2026-02-03"}
_REF = re.compile(r"ref\(\s*['\"](\w+)['\"]")


class CannotCompileError(Exception):
    """dbt could not compile the project."""


def compile_offline(project: Path, work: Path, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The manifest of ``dbt compile --target prod``, which sends no query.

    dbt needs credentials to compile; it gets a token that is never used. Raises CannotCompileError with dbt's message.
    """
    work.mkdir(parents=True, exist_ok=True)
    example = (project / "profiles.example.yml").read_text(encoding="utf-8")
    offline = example.replace("method: oauth\n", "method: oauth-secrets\n      token: offline\n")
    (work / "profiles.yml").write_text(offline, encoding="utf-8")
    options = ["--no-introspect", "--no-populate-cache", "--target", "prod", "--profiles-dir", str(work)]
    return _compiled(project, work, options, variables or VARIABLES)


def compile_for(project: Path, work: Path, target: str) -> dict[str, Any]:
    """The manifest of ``dbt compile`` for a target of the user's profiles and the default days; asks its warehouse for
    the columns of the sources. Raises CannotCompileError.
    """
    work.mkdir(parents=True, exist_ok=True)
    return _compiled(project, work, ["--target", target], {})


def _compiled(project: Path, work: Path, options: list[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    ended = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "compile", "--quiet", *options, "--project-dir", str(project),
            "--target-path", str(work / "target"), "--log-path", str(work / "logs"),
            "--vars", json.dumps(variables),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )  # fmt: skip
    if ended.returncode:
        raise CannotCompileError(f"dbt compile ended with {ended.returncode}: {(ended.stdout + ended.stderr).strip()}")
    manifest: dict[str, Any] = json.loads((work / "target" / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def given_tables(manifest: Mapping[str, Any]) -> Catalog:
    """The catalog before the first model: sources and seeds, with their declared types."""
    catalog = Catalog()
    for source in manifest["sources"].values():
        columns = {name.lower(): one["data_type"] for name, one in source["columns"].items()}
        partition = source["config"]["meta"].get("partition_column", "")
        catalog = catalog.with_table(full_name(source), table_of(columns, partition_column=partition))
    for node in manifest["nodes"].values():
        if node["resource_type"] == "seed":
            catalog = catalog.with_table(full_name(node), table_of(node["config"]["column_types"]))
    return catalog


def full_name(node: Mapping[str, Any]) -> str:
    """``project.dataset.table`` of a node's relation."""
    return str(node["relation_name"]).replace("`", "")


def ordered_nodes(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Models, snapshots and tests, each after its dependencies. Hooks are left out: ours sends no SQL."""
    nodes = {
        key: node for key, node in manifest["nodes"].items() if node["resource_type"] in ("model", "snapshot", "test")
    }
    while nodes:
        ready = [key for key, node in nodes.items() if not set(node["depends_on"]["nodes"]) & set(nodes)]
        if not ready:
            raise CannotCompileError(f"these depend on each other: {', '.join(sorted(nodes))}")
        for key in sorted(ready, key=lambda one: nodes[one]["resource_type"] == "test"):
            yield nodes.pop(key)


def first_statement(node: Mapping[str, Any]) -> Statement:
    """The statement of a node on the first run."""
    body = node.get("compiled_code") or ""
    if not body.strip():
        raise CannotCompileError(f"{node['unique_id']} was not compiled")
    if node["resource_type"] == "test":
        return _wrapped(node, _test_head(node), body, _test_tail(node))
    materialized = node["config"]["materialized"]
    if materialized == "view":
        return _wrapped(node, f"create or replace view {quoted(full_name(node))}\nas ", body, "")
    if materialized in ("table", "incremental", "snapshot"):
        head = f"create or replace table {quoted(full_name(node))}\n{_partition(node)}{_cluster(node)}as (\n"
        return _wrapped(node, head, body, "\n)")
    return _wrapped(node, "", body, "")


def later_statement(
    node: Mapping[str, Any], columns: Mapping[str, Any], manifest: Mapping[str, Any]
) -> Statement | None:
    """The statement of an incremental model when its table exists; None for other nodes."""
    if node["config"]["materialized"] != "incremental":
        return None
    names = ", ".join(f"`{name}`" for name in columns)
    head = f"merge into {quoted(full_name(node))} as DBT_INTERNAL_DEST\nusing (\n"
    replaced = _replaced_days(node, manifest)
    if node["config"]["incremental_strategy"] == "insert_overwrite":
        then = f"on FALSE\nwhen not matched by source and {replaced} then delete\n"
    else:
        keys = node["config"]["unique_key"]
        same = " and ".join(
            f"DBT_INTERNAL_SOURCE.{key} = DBT_INTERNAL_DEST.{key}"
            for key in ([keys] if isinstance(keys, str) else keys)
        )
        updated = node["config"].get("merge_update_columns") or list(columns)
        sets = ", ".join(f"`{name}` = DBT_INTERNAL_SOURCE.`{name}`" for name in updated)
        then = f"on ({replaced}) and ({same})\nwhen matched then update set {sets}\n"
    tail = f"\n) as DBT_INTERNAL_SOURCE\n{then}when not matched then insert ({names}) values ({names})"
    return _wrapped(node, head, node["compiled_code"], tail)


def _replaced_days(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """The condition that the macro replaced_days renders."""
    by = node["config"]["partition_by"]
    column = f"DBT_INTERNAL_DEST.`{by['field']}`"
    sources = [manifest["sources"][key] for key in node["depends_on"]["nodes"] if key in manifest["sources"]]
    meta = sources[0]["config"]["meta"] if sources else {}
    first = date.fromisoformat(VARIABLES["first_date"]) - timedelta(days=int(meta.get("days_before", 0)))
    last = date.fromisoformat(VARIABLES["last_date"]) + timedelta(days=int(meta.get("days_after", 0)))
    if by["data_type"] == "timestamp":
        after = last + timedelta(days=1)
        return f"{column} >= timestamp '{first} 00:00:00+00:00' and {column} < timestamp '{after} 00:00:00+00:00'"
    return f"{column} between date '{first}' and date '{last}'"


def unit_test_statements(manifest: Mapping[str, Any], catalog: Catalog) -> Iterator[Statement]:
    """The queries of the unit tests: every different fixture, and actual with expected rows.

    The actual rows are selected from the model's table, which has their types: its query is checked as a model.
    """
    nodes = {**manifest["nodes"], **manifest["sources"]}
    fixtures: set[str] = set()
    for test in manifest["unit_tests"].values():
        model = next(nodes[key] for key in test["depends_on"]["nodes"] if nodes[key]["name"] == test["model"])
        source = Path(test["original_file_path"])
        for number, given in enumerate(test["given"]):
            wanted = _REF.search(given["input"])
            relation = next(one for one in nodes.values() if wanted and one["name"] == wanted[1])
            fixture = _fixture(given["rows"], catalog, full_name(relation))
            if fixture not in fixtures:
                yield Statement(f"{test['name']} given {number + 1}", "unit test", fixture, source, fixture)
            fixtures.add(fixture)
        rows = test["expect"]["rows"]
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(name for row in rows for name in row))
        expected = _fixture(rows, catalog, full_name(model), whole=False)
        sql = f"select {names} from {quoted(full_name(model))} union all select {names} from ({expected})"
        yield Statement(test["name"], "unit test", sql, source, sql)


def _fixture(rows: list[dict[str, Any]], catalog: Catalog, relation: str, whole: bool = True) -> str:
    """Rows as dbt writes them: every column with safe_cast to its type; missing values are NULL. No rows: limit 0."""
    types = {name.lower(): type_text(kind) for name, kind in catalog.tables[relation].columns.items()}
    named = list(dict.fromkeys(name for row in rows for name in row))
    columns = list(types) if whole else named

    def cell(row: Mapping[str, Any], name: str) -> str:
        value = row.get(name)
        text = "null" if value is None else str(value) if isinstance(value, bool | int | float) else f"'''{value}'''"
        return f"safe_cast({text} as {types[name.lower()]}) as `{name}`"

    selects = [f"select {', '.join(cell(row, name) for name in columns)}" for row in rows or [{}]]
    return "\nunion all\n".join(selects) + ("" if rows else "\nlimit 0")


def quoted(name: str) -> str:
    """A full name, quoted part by part as dbt does."""
    return ".".join(f"`{part}`" for part in name.split("."))


def _wrapped(node: Mapping[str, Any], head: str, body: str, tail: str) -> Statement:
    return Statement(
        name=node["name"],
        kind=node["resource_type"],
        sql=head + body + tail,
        source=Path(node["original_file_path"]),
        body=body,
        body_line=head.count("\n"),
    )


def _test_head(node: Mapping[str, Any]) -> str:
    config, fail = node["config"], node["config"]["fail_calc"]
    warns, stops = f"{fail} {config['warn_if']} as should_warn", f"{fail} {config['error_if']} as should_error"
    return f"select\n{fail} as failures,\n{warns},\n{stops}\nfrom (\n"


def _test_tail(node: Mapping[str, Any]) -> str:
    limit = node["config"]["limit"]
    return f"\n{f'limit {limit}' if limit else ''}\n) dbt_internal_test"


def _partition(node: Mapping[str, Any]) -> str:
    by = node["config"].get("partition_by")
    if not by:
        return ""
    column, kind, granularity = by["field"], by.get("data_type", "date").lower(), by.get("granularity", "day").lower()
    if kind == "int64":
        limits = ", ".join(str(by["range"][key]) for key in ("start", "end", "interval"))
        return f"partition by range_bucket({column}, generate_array({limits}))\n"
    is_bare = kind == "date" and granularity == "day"
    return f"partition by {column if is_bare else f'{kind}_trunc({column}, {granularity})'}\n"


def _cluster(node: Mapping[str, Any]) -> str:
    by = node["config"].get("cluster_by")
    return "" if not by else f"cluster by {by if isinstance(by, str) else ', '.join(by)}\n"
