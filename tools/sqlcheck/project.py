"""Checks the whole project: every statement, after the ones that create what it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto

from sqlcheck.catalog import Table, table_of
from sqlcheck.checker import Checked, Checker, Problem
from sqlcheck.contracts import Mismatch, mismatches
from sqlcheck.costs.reads import Reads, StatementReads
from sqlcheck.dbt_project import (
    first_statement,
    full_name,
    given_tables,
    later_statement,
    ordered_nodes,
    unit_test_statements,
)
from sqlcheck.growth import Growth, read_growth
from sqlcheck.partitions import SourceRead, source_reads
from sqlcheck.python_sql import guarded, record
from sqlcheck.statements import Statement
from trueup.gateways.dbt_results import compiled_models
from trueup.gateways.lease import LEASE, LEASE_COLUMNS
from trueup.gateways.replaced_day import FENCE_COLUMNS
from trueup.runs.pulse.changes import PARTITIONS_COLUMNS
from trueup.schemas import read_table_schemas

# The statement of an incremental model that is run once: later ones change its table.
FIRST_BUILD = "first build"


@dataclass
class ProjectCheck:
    """The result of the check. ``reads``: the reads of partitioned sources; ``costs``: all reads of all statements;
    ``unchecked``: nodes that read a refused node, so they could not be checked; ``needless``: declarations that no
    statement needs.
    """

    statements: list[Statement] = field(default_factory=list)
    problems: list[tuple[Statement, Problem]] = field(default_factory=list)
    contracts: list[Mismatch] = field(default_factory=list)
    reads: list[tuple[Statement, SourceRead]] = field(default_factory=list)
    costs: Reads = field(default_factory=Reads)
    unreached: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    needless: list[str] = field(default_factory=list)
    growth: Growth = field(default_factory=read_growth)

    @property
    def refused(self) -> list[tuple[Statement, Problem]]:
        """The problems for which BigQuery would refuse a statement or read a whole table."""
        return [one for one in self.problems if not one[1].is_warning]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong. A check without statements is not clean."""
        wrong = (self.refused, self.contracts, self.unreached, self.unchecked, self.needless)
        return bool(self.statements) and not any(wrong)


def check_project(project: Path, manifest: Mapping[str, Any], checker: Checker) -> ProjectCheck:
    """Check every statement of dbt's manifest and of trueup's own Python."""
    found = check_dbt(manifest, checker)
    target_project, dataset = _target(manifest)
    if found.unchecked:
        return found  # Python may read these
    checker.catalog = checker.catalog.with_table(f"{target_project}.{dataset}.{LEASE}", table_of(LEASE_COLUMNS))
    schema = guarded(read_table_schemas(project / "models"))
    for suffix, columns in (("fence", FENCE_COLUMNS), ("day", schema.columns)):
        name = f"{target_project}.{schema.name}_{suffix}"
        checker.catalog = checker.catalog.with_table(name, table_of(columns))
    partitions = f"{target_project}.{schema.dataset}.INFORMATION_SCHEMA.PARTITIONS"
    checker.catalog = checker.catalog.with_table(partitions, table_of(PARTITIONS_COLUMNS))
    models = compiled_models(manifest["nodes"].values())
    recording = record(project, target_project, dataset, _seed_columns(manifest), models)
    found.unreached = recording.unreached
    for statement in recording.statements:
        _check(checker, statement, found)
    found.needless = found.growth.unused
    return found


def check_dbt(manifest: Mapping[str, Any], checker: Checker) -> ProjectCheck:
    """Check every statement of dbt's manifest; afterwards the checker's catalog has all its tables."""
    found = ProjectCheck()
    refused = _check_nodes(list(ordered_nodes(manifest)), manifest, checker, found)
    for statement in [] if refused else unit_test_statements(manifest, checker.catalog):
        _check(checker, statement, found)
    return found


def check_models(manifest: Mapping[str, Any], checker: Checker) -> ProjectCheck:
    """Check only the models of dbt's manifest, which also fills the checker's catalog."""
    found = ProjectCheck()
    _check_nodes([one for one in ordered_nodes(manifest) if not _is_test(one)], manifest, checker, found)
    return found


def _check_nodes(
    nodes: Sequence[dict[str, Any]], manifest: Mapping[str, Any], checker: Checker, found: ProjectCheck
) -> set[str]:
    """Check the nodes, each after its dependencies; returns the ids of the refused ones."""
    checker.catalog = replace(given_tables(manifest), default_project=_target(manifest)[0])
    given = checker.catalog.tables.items()
    found.costs.partitions.update({name: table.partition_column for name, table in given if table.partition_column})
    refused: set[str] = set()
    for node in nodes:
        if refused.intersection(node["depends_on"]["nodes"]):
            refused.add(node["unique_id"])
            found.unchecked.append(node["name"])
            continue
        columns = _check(checker, first_statement(node), found, FIRST_BUILD if _is_incremental(node) else "")
        if columns is None:
            refused.add(node["unique_id"])
        if _is_test(node) or columns is None:
            continue
        checker.catalog = checker.catalog.with_table(full_name(node), Table(columns))
        if node["config"].get("partition_by"):
            found.costs.partitions[full_name(node)] = node["config"]["partition_by"]["field"]
        later = later_statement(node, columns, manifest)
        if later is not None:
            _check(checker, later, found, is_in_two_steps=node["config"]["on_schema_change"] != "ignore")
        found.contracts += mismatches(node, columns)
    return refused


def _is_test(node: Mapping[str, Any]) -> bool:
    return bool(node["resource_type"] == "test")


def _is_incremental(node: Mapping[str, Any]) -> bool:
    return bool(node["config"]["materialized"] == "incremental")


def _check(
    checker: Checker, statement: Statement, found: ProjectCheck, kind: str = "", is_in_two_steps: bool = False
) -> dict[str, TypeProto] | None:
    """Check one statement; returns its columns, or None if it is refused. ``kind``: in the costs, if it differs."""
    before = checker.catalog
    checker.catalog = replace(before, parameters=statement.parameters) if statement.parameters else before
    checked = checker.check(statement.sql)
    checker.catalog = before
    found.statements.append(statement)
    found.problems += [(statement, problem) for problem in checked.problems]
    partitions = {name: table.partition_column for name, table in before.tables.items() if table.partition_column}
    for function, message in found.growth.faults(statement.name, checked.trees):
        found.problems.append((statement, Problem(message, *_position(statement.sql, function.split("(")[0]))))
    if not checked.errors:
        _add_reads(statement, checked, found, kind or statement.kind, is_in_two_steps)
    for tree in checked.trees:
        for read in source_reads(tree, partitions):
            found.reads.append((statement, read))
            if not read.is_bounded:
                found.problems.append((statement, _unbounded(statement, read, partitions)))
    return None if checked.errors else checked.columns


def _add_reads(statement: Statement, checked: Checked, found: ProjectCheck, kind: str, is_in_two_steps: bool) -> None:
    """Add what the statement reads. A unit test reads only its own rows."""
    if kind == "unit test":
        return
    reads = StatementReads(statement.name, kind, (), statement.sql, tuple(statement.parameters))
    if is_in_two_steps:
        (merge,) = checked.trees
        found.costs.add_in_two_steps(reads, merge)
    else:
        found.costs.add(reads, checked.trees)


def _position(sql: str, text: str) -> tuple[int, int]:
    """The line and column (from 1) of the first occurrence of a text."""
    for number, line in enumerate(sql.splitlines(), 1):
        if text in line.lower():
            return number, line.lower().index(text) + 1
    return 1, 1


def _unbounded(statement: Statement, read: SourceRead, partitions: Mapping[str, str]) -> Problem:
    """The problem of a read without a range, at the line with the table."""
    table = read.table.rsplit(".", 1)[-1]
    lines = statement.sql.splitlines()
    line = next((number for number, text in enumerate(lines, 1) if f"{table}`" in text), 1)
    column = partitions[next(name for name in partitions if name.lower() == read.table.lower())]
    return Problem(
        f"{read.table} is read without a literal range on its partition column {column}: BigQuery would read all of it",
        line,
        max(1, lines[line - 1].find(table) + 1) if lines else 1,
    )


def _target(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The project and the dataset that dbt writes to."""
    model = next(node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return model["database"], model["schema"]


def _seed_columns(manifest: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The columns of each seed with their types."""
    nodes = manifest["nodes"].values()
    return {node["alias"]: node["config"]["column_types"] for node in nodes if node["resource_type"] == "seed"}
