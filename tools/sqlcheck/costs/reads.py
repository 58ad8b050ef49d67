"""What each statement reads of each table: columns and partitions, through views."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlcheck.lineage import Lineage, lineage_of, outputs_of
from sqlcheck.partitions import Days, read_days
from sqlcheck.tree import unwrap

# dbt writes the new rows of an incremental model into a table with this ending first.
TEMPORARY = "__dbt_tmp"
_VIEWS = ("resolved_create_view_stmt_node", "resolved_create_materialized_view_stmt_node")
# They read nothing when they run.
_FREE = (*_VIEWS, "resolved_create_table_stmt_node", "resolved_truncate_stmt_node", "resolved_drop_stmt_node")
_INSERT = 0  # ResolvedMergeWhenEnums.ActionType


@dataclass(frozen=True)
class TableRead:
    """The columns that a statement reads of a table. ``days``: its partitions, None for the whole table.

    ``is_written``: BigQuery reads all columns, because the statement changes or copies whole rows.
    """

    table: str
    columns: tuple[str, ...]
    days: Days | None = None
    is_written: bool = False


@dataclass(frozen=True)
class StatementReads:
    """The reads of one statement. ``sql``: its text, for a dry run; "" of the first of two steps, which it includes."""

    name: str
    kind: str
    reads: tuple[TableRead, ...]
    sql: str = ""
    parameters: tuple[str, ...] = ()


@dataclass
class Reads:
    """The reads of all statements. A view reads nothing itself: its readers read the tables behind it.

    ``partitions``: the partition column of each partitioned table.
    """

    partitions: dict[str, str] = field(default_factory=dict)
    statements: list[StatementReads] = field(default_factory=list)
    _views: dict[str, tuple[Lineage, Mapping[str, int]]] = field(default_factory=dict)

    def add(self, statement: StatementReads, trees: Sequence[Any]) -> None:
        """Add a statement with its analysed trees, which may be several (a script)."""
        reads, named = [], []
        for tree in trees:
            named += [scan.table.rsplit(".", 1)[-1] for scan in lineage_of(tree).scans]
            if unwrap(tree)[0] in _VIEWS:
                name = statement_target(tree)
                outputs = {key.lower(): one for key, one in outputs_of(tree).items()}
                self._views[name.lower()] = (lineage_of(tree), outputs)
            reads += self._of(tree)
        name = statement.name
        if statement.kind == "python" and named:  # a place that sends many statements
            name += f" on {', '.join(dict.fromkeys(named))}"
        self.statements.append(replace(statement, name=name, reads=tuple(reads)))

    def add_in_two_steps(self, statement: StatementReads, tree: Any) -> None:
        """Add a MERGE that dbt runs in two steps: the query into a temporary table, then the MERGE from this table."""
        reads = self._of(tree)
        (target,) = [one for one in reads if one.is_written]
        query = tuple(one for one in reads if not one.is_written)
        rows = TableRead(target.table + TEMPORARY, (), is_written=True)
        self.statements.append(replace(statement, name=f"{statement.name} (rows)", reads=query, sql=""))
        self.statements.append(replace(statement, name=f"{statement.name} (merge)", reads=(rows, target)))

    def _of(self, tree: Any) -> list[TableRead]:
        kind, node = unwrap(tree)
        if kind in _FREE:
            return []
        lineage = lineage_of(tree)
        reads = self._expanded(lineage, lineage.needed(outputs_of(tree).values()))
        if kind == "resolved_insert_stmt_node":
            return [one for one in reads if not one.is_written]
        if kind == "resolved_merge_stmt_node" and not _changes_rows(node):
            return [replace(one, is_written=False) for one in reads]
        return list(reads)

    def _expanded(self, lineage: Lineage, needed: set[int]) -> Iterator[TableRead]:
        for scan in lineage.scans:
            columns = {name for one, name in scan.columns.items() if one in needed}
            view = self._views.get(scan.table.lower())
            if view is not None:
                behind, outputs = view
                yield from self._expanded(behind, behind.needed(outputs[name.lower()] for name in columns))
                continue
            column = self.partitions.get(scan.table, "")
            days = read_days(scan, column) if column else None
            yield TableRead(scan.table, tuple(sorted(columns)), days, scan.is_written)


def statement_target(tree: Any) -> str:
    """The full name of the view that a statement creates."""
    node = unwrap(tree)[1]
    while "name_path" not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return ".".join(node.name_path)


def _changes_rows(merge: Any) -> bool:
    """Whether a MERGE has an UPDATE or DELETE clause."""
    return any(one.action_type != _INSERT for one in merge.when_clause_list)
