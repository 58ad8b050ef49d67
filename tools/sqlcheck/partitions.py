"""Checks that every query reads a bounded part of a partitioned source, from the analysed tree.

BigQuery prunes partitions only with a constant range on the raw partition column
(cloud.google.com/bigquery/docs/querying-partitioned-tables): with a function around the column, an OR, or a subquery
as a bound it reads everything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlcheck.lineage import Scan, lineage_of
from sqlcheck.tree import arguments, function_name, unwrap

_LOWER = ("$greater", "$greater_or_equal")
_UPPER = ("$less", "$less_or_equal")
_BOTH = ("$equal", "$between", "$in")
# Rows with a NULL partition value have a separate partition, and BigQuery reads only that one.
_NULL_PARTITION = "$is_null"
_MIRRORED = {"$greater": "$less", "$greater_or_equal": "$less_or_equal", "$less": "$greater"} | {
    "$less_or_equal": "$greater_or_equal"
}
_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class SourceRead:
    """One read of a table: the columns that are used, and whether its partitions are bounded."""

    table: str
    columns: tuple[str, ...]
    is_bounded: bool


@dataclass(frozen=True)
class Days:
    """The partitions that a read is limited to: days since 1970-01-01, both included; none if first is after last."""

    first: int
    last: int


NO_DAYS = Days(0, -1)


def source_reads(statement: Any, partition_columns: Mapping[str, str]) -> Iterator[SourceRead]:
    """Every read of a table of ``partition_columns`` (full name to partition column) in an analysed statement."""
    known = {name.lower(): column for name, column in partition_columns.items()}
    is_insert = unwrap(statement)[0] == "resolved_insert_stmt_node"
    for scan in lineage_of(statement).scans:
        column = known.get(scan.table.lower())
        # An INSERT does not read its target.
        if column is not None and not (is_insert and scan.is_written):
            yield SourceRead(scan.table, tuple(sorted(scan.columns.values())), read_days(scan, column) is not None)


def read_days(scan: Scan, partition_column: str) -> Days | None:
    """The partitions that BigQuery reads; None if the conditions do not bound them on both sides."""
    ids = {one for one, name in scan.columns.items() if name.lower() == partition_column.lower()}
    first: list[int] = []
    last: list[int] = []
    for condition in scan.conditions:
        name = function_name(condition)
        left, *others = arguments(condition)
        if name == _NULL_PARTITION and _is_column(left, ids):
            return NO_DAYS
        if _is_column(left, ids) and all(_is_constant(one) for one in others):
            days = [_day(one, name) for one in others]
        elif len(others) == 1 and _is_column(others[0], ids) and _is_constant(left):
            name = _MIRRORED.get(name, name)
            days = [_day(left, name)]
        else:
            continue
        if name in (*_LOWER, *_BOTH):
            first.append(days[0] if name == "$between" else min(days))
        if name in (*_UPPER, *_BOTH):
            last.append(days[1] if name == "$between" else max(days))
    return Days(max(first), min(last)) if first and last else None


def _is_column(expression: Any, column_ids: set[int]) -> bool:
    kind, node = unwrap(expression)
    return kind == "resolved_column_ref_node" and node.column.column_id in column_ids


def _is_constant(expression: Any) -> bool:
    return unwrap(expression)[0] == "resolved_literal_node"


def _day(literal: Any, comparison: str) -> int:
    """The day of a DATE, DATETIME or TIMESTAMP literal, or the number itself, as a bound; 0 for NULL."""
    value = unwrap(literal)[1].value.value
    kind = value.WhichOneof("value")
    if kind in ("date_value", "int64_value"):
        day = int(getattr(value, kind))
        return day + (comparison == "$greater") - (comparison == "$less")
    if kind != "timestamp_value":
        return 0
    # A range that ends before midnight does not read the day that begins then.
    is_midnight = value.timestamp_value.seconds % _DAY == 0 and not value.timestamp_value.nanos
    return int(value.timestamp_value.seconds // _DAY) - (comparison == "$less" and is_midnight)
