"""Checks that every query reads a bounded part of a partitioned source, from the analysed tree.

BigQuery prunes partitions only with a constant range on the raw partition column
(cloud.google.com/bigquery/docs/querying-partitioned-tables): with a function around the column, an OR, or a subquery
as a bound it reads everything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlcheck.tree import arguments, base, children, function_name, kind_of, unwrap

# Scans that pass a filter on to their input; others (windows, limits, groups) do not.
_TRANSPARENT = ("ResolvedFilterScanProto", "ResolvedProjectScanProto", "ResolvedArrayScanProto")
_INNER, _LEFT, _RIGHT = 0, 1, 2
_NOT_MATCHED_BY_SOURCE = 1
_LOWER = ("$greater", "$greater_or_equal")
_UPPER = ("$less", "$less_or_equal")
_BOTH = ("$equal", "$between", "$in")
# Rows with a NULL partition value have a separate partition, and BigQuery reads only that one.
_NULL_PARTITION = "$is_null"


@dataclass(frozen=True)
class SourceRead:
    """One read of a table: the columns that are used, and whether its partitions are bounded."""

    table: str
    columns: tuple[str, ...]
    is_bounded: bool


def source_reads(statement: Any, partition_columns: Mapping[str, str]) -> Iterator[SourceRead]:
    """Every read of a table of ``partition_columns`` (full name to partition column) in an analysed statement."""
    known = {name.lower(): column for name, column in partition_columns.items()}
    kind, node = unwrap(statement)
    merged = _merge_filters(node) if kind == "resolved_merge_stmt_node" else []
    yield from _reads(node, merged, known)


def _reads(node: Any, filters: list[Any], known: Mapping[str, str]) -> Iterator[SourceRead]:
    kind = kind_of(node)
    if kind == "ResolvedTableScanProto":
        name = node.table.full_name or node.table.name
        column = known.get(name.lower())
        columns = base(node, "ResolvedScanProto").column_list
        if column is not None:
            ids = {one.column_id for one in columns if one.name.lower() == column.lower()}
            read = tuple(sorted(one.name for one in columns))
            yield SourceRead(name, read, _is_bounded(filters, ids))
        return
    if kind == "ResolvedFilterScanProto":
        filters = [*filters, *_conjuncts(node.filter_expr)]
    for field, child in children(node):
        yield from _reads(child, filters if _hands_down(node, kind, field) else [], known)


def _hands_down(node: Any, kind: str, field: str) -> bool:
    """Whether a filter above a scan also applies to its input in this field."""
    if kind == "ResolvedJoinScanProto":
        if node.join_type == _INNER:
            return True
        return (node.join_type, field) in ((_LEFT, "left_scan"), (_RIGHT, "right_scan"))
    if kind in _TRANSPARENT:
        return field == "input_scan"
    # Wrappers and statements pass it on.
    return not kind.endswith("ScanProto") or kind.startswith("Any")


def _merge_filters(merge: Any) -> list[Any]:
    """The filters of a MERGE on its target: its condition, and those of rows without a match."""
    clauses = [one for one in merge.when_clause_list if one.match_type == _NOT_MATCHED_BY_SOURCE]
    found = list(_conjuncts(merge.merge_expr))
    for clause in clauses:
        if clause.HasField("match_expr"):
            found += _conjuncts(clause.match_expr)
    return found


def _conjuncts(expression: Any) -> Iterator[Any]:
    kind, node = unwrap(expression)
    if kind == "resolved_function_call_node" and function_name(node) == "$and":
        for argument in arguments(node):
            yield from _conjuncts(argument)
    elif kind == "resolved_function_call_node":
        yield node


def _is_bounded(conditions: list[Any], column_ids: set[int]) -> bool:
    has_lower = has_upper = False
    for condition in conditions:
        name = function_name(condition)
        if name == _NULL_PARTITION and _is_column(next(iter(arguments(condition))), column_ids):
            return True
        if name not in (*_LOWER, *_UPPER, *_BOTH):
            continue
        left, *others = arguments(condition)
        if _is_column(left, column_ids) and all(_is_constant(one) for one in others):
            has_lower = has_lower or name in (*_LOWER, *_BOTH)
            has_upper = has_upper or name in (*_UPPER, *_BOTH)
        elif len(others) == 1 and _is_column(others[0], column_ids) and _is_constant(left):
            has_lower = has_lower or name in (*_UPPER, "$equal")
            has_upper = has_upper or name in (*_LOWER, "$equal")
    return has_lower and has_upper


def _is_column(expression: Any, column_ids: set[int]) -> bool:
    kind, node = unwrap(expression)
    return kind == "resolved_column_ref_node" and node.column.column_id in column_ids


def _is_constant(expression: Any) -> bool:
    return unwrap(expression)[0] == "resolved_literal_node"
