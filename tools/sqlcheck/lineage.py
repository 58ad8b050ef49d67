"""The tables of an analysed statement: the columns of each that the result needs, and the conditions on its rows.

BigQuery reads only the columns that the result, or a filter, join, group or order, depends on. The analyzer's own
pruning stops at a CTE and knows no views.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlcheck.tree import arguments, base, children, column_ids, function_name, kind_of, unwrap

# Scans that pass a filter on to their input; others (windows, limits, groups) do not.
_TRANSPARENT = ("ResolvedFilterScanProto", "ResolvedProjectScanProto", "ResolvedArrayScanProto")
_INNER, _LEFT, _RIGHT = 0, 1, 2
_UNION_ALL = 0
_NOT_MATCHED_BY_SOURCE = 1
# The computed columns in these fields are needed only if something needs them.
_OPTIONAL = frozenset({"expr_list", "aggregate_list", "analytic_function_list"})
_COMPUTED = ("ResolvedComputedColumnProto", "ResolvedComputedColumnBaseProto", "AnyResolvedComputedColumnBaseProto")


@dataclass(frozen=True)
class Scan:
    """One occurrence of a table: its columns by id, and the conjuncts of the filters on each of its rows."""

    table: str
    columns: Mapping[int, str]
    conditions: tuple[Any, ...]
    is_written: bool = False


@dataclass
class Lineage:
    """The scans of a statement; the ids of the columns that each column is made of, and that every result needs."""

    scans: list[Scan] = field(default_factory=list)
    made_of: dict[int, set[int]] = field(default_factory=dict)
    always: set[int] = field(default_factory=set)

    def needed(self, outputs: Iterable[int]) -> set[int]:
        """The ids of the columns that these output columns need."""
        found: set[int] = set()
        left = [*outputs, *self.always]
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += self.made_of.get(one, ())
        return found


def lineage_of(statement: Any) -> Lineage:
    """The lineage of an analysed statement."""
    walk = _Walk()
    kind, node = unwrap(statement)
    filters: list[Any] = []
    if kind == "resolved_merge_stmt_node":
        filters = _merge_filters(node)
    elif kind in ("resolved_update_stmt_node", "resolved_delete_stmt_node"):
        filters = list(conjuncts(node.where_expr))
    walk.visit(node, filters)
    return walk.found


def outputs_of(statement: Any) -> dict[str, int]:
    """The ids of the output columns, by name, of a query, a view, a table made by a query, or an INSERT; else none."""
    kind, node = unwrap(statement)
    if kind in ("resolved_query_stmt_node", "resolved_create_table_as_select_stmt_node"):
        columns = node.output_column_list
    elif kind == "resolved_insert_stmt_node":
        return {str(place): one.column_id for place, one in enumerate(node.query_output_column_list)}
    elif kind in ("resolved_create_view_stmt_node", "resolved_create_materialized_view_stmt_node"):
        columns = base(node, "ResolvedCreateViewBaseProto").output_column_list
    else:
        return {}
    return {one.name: one.column.column_id for one in columns}


class _Walk:
    def __init__(self) -> None:
        self.found = Lineage()
        self._ctes: dict[str, list[int]] = {}

    def visit(self, node: Any, filters: list[Any], is_optional: bool = False, is_written: bool = False) -> None:
        """Record a node and everything below it. ``is_optional``: below a column that may not be needed."""
        kind = kind_of(node)
        if kind == "ResolvedTableScanProto":
            columns = {one.column_id: one.name for one in base(node, "ResolvedScanProto").column_list}
            name = node.table.full_name or node.table.name
            self.found.scans.append(Scan(name, columns, tuple(filters), is_written))
            return
        if kind == "ResolvedColumnRefProto" and not is_optional:
            self.found.always.add(node.column.column_id)
        if kind == "ResolvedFilterScanProto":
            filters = [*filters, *conjuncts(node.filter_expr)]
        if kind == "ResolvedWithEntryProto":
            scan = base(unwrap(node.with_subquery)[1], "ResolvedScanProto")
            self._ctes[node.with_query_name] = [one.column_id for one in scan.column_list]
        self._link(kind, node)
        for name, child in children(node):
            below = filters if _hands_down(node, kind, name) else []
            is_computed = name in _OPTIONAL and kind_of(child) in _COMPUTED and self._compute(child)
            is_target = name == "table_scan" and kind.endswith("StmtProto")
            self.visit(child, below, is_optional or is_computed, is_written or is_target)

    def _link(self, kind: str, node: Any) -> None:
        """Connect the columns of a CTE's use, and of a set operation, with those that they repeat."""
        if kind == "ResolvedWithRefScanProto":
            self._repeat(_scan_columns(node), self._ctes.get(node.with_query_name, []))
        elif kind == "ResolvedSetOperationScanProto":
            for item in node.input_item_list:
                self._repeat(_scan_columns(node), [one.column_id for one in item.output_column_list])
            if node.op_type != _UNION_ALL:
                self.found.always.update(_scan_columns(node))
        elif kind == "ResolvedRecursiveScanProto":
            self.found.always.update(_scan_columns(node))

    def _repeat(self, columns: list[int], originals: list[int]) -> None:
        for column, original in zip(columns, originals, strict=False):
            self.found.made_of.setdefault(column, set()).add(original)

    def _compute(self, computed: Any) -> bool:
        one = unwrap(computed)[1]
        if "column" not in one.DESCRIPTOR.fields_by_name:
            return False
        self.found.made_of.setdefault(one.column.column_id, set()).update(column_ids(one.expr))
        return True


def conjuncts(expression: Any) -> Iterator[Any]:
    """The function calls that AND connects in an expression."""
    kind, node = unwrap(expression)
    if kind == "resolved_function_call_node" and function_name(node) == "$and":
        for argument in arguments(node):
            yield from conjuncts(argument)
    elif kind == "resolved_function_call_node":
        yield node


def _scan_columns(scan: Any) -> list[int]:
    return [one.column_id for one in base(scan, "ResolvedScanProto").column_list]


def _hands_down(node: Any, kind: str, field_name: str) -> bool:
    """Whether a filter above a scan also applies to its input in this field."""
    if kind == "ResolvedJoinScanProto":
        if node.join_type == _INNER:
            return True
        return (node.join_type, field_name) in ((_LEFT, "left_scan"), (_RIGHT, "right_scan"))
    if kind in _TRANSPARENT:
        return field_name == "input_scan"
    # Wrappers and statements pass it on.
    return not kind.endswith("ScanProto") or kind.startswith("Any")


def _merge_filters(merge: Any) -> list[Any]:
    """The filters of a MERGE on its target: its condition, and those of rows without a match."""
    clauses = [one for one in merge.when_clause_list if one.match_type == _NOT_MATCHED_BY_SOURCE]
    found = list(conjuncts(merge.merge_expr))
    for clause in clauses:
        if clause.HasField("match_expr"):
            found += conjuncts(clause.match_expr)
    return found
