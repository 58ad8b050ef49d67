"""Finds what BigQuery's engine refuses although its analyzer accepts it, in the analysed tree.

Each rule's docstring names its page in cloud.google.com/bigquery/docs/reference/standard-sql/….
"""

from collections.abc import Iterator
from typing import Any

from sqlcheck.language import documented, read_data
from sqlcheck.tree import arguments, base, column_ids, function_name, kind_of, scan_column_ids, type_of, unwrap, walk
from sqlcheck.types import type_text

_OUTER_JOINS = {1: "LEFT", 2: "RIGHT", 3: "FULL"}
_CREATES_TABLE = ("resolved_create_table_as_select_stmt_node", "resolved_create_table_stmt_node")
_CREATES_VIEW = ("resolved_create_view_stmt_node", "resolved_create_materialized_view_stmt_node")


def engine_faults(statement: Any, own_functions: frozenset[str]) -> Iterator[str]:
    """The reasons for which BigQuery would refuse an analysed statement."""
    kind, node = unwrap(statement)
    if kind in _CREATES_TABLE:
        yield from _table_faults(node)
    if kind in _CREATES_VIEW:
        yield from _duplicate_columns(base(node, "ResolvedCreateViewBaseProto").output_column_list)
    # data-definition-language#create_search_index, #create_vector_index
    if kind == "resolved_create_index_stmt_node" and not (node.is_search or node.is_vector):
        yield "only CREATE SEARCH INDEX and CREATE VECTOR INDEX exist in BigQuery"
    for one in walk(node):
        name = kind_of(one)
        if name == "FunctionRefProto":
            yield from _function_faults(one.name, own_functions)
        elif name == "ResolvedAggregateFunctionCallProto" and function_name(one) in documented("analytic_only"):
            yield f"{function_name(one).upper()} is documented for BigQuery only with an OVER clause"
        elif name == "ResolvedJoinScanProto" and one.join_type in _OUTER_JOINS:
            yield from _outer_join_faults(one)


def output_warnings(statement: Any) -> Iterator[str]:
    """What BigQuery accepts but is probably a mistake: two columns of one name in a bare SELECT."""
    kind, node = unwrap(statement)
    if kind == "resolved_query_stmt_node":
        yield from _duplicate_columns(node.output_column_list)


def _function_faults(name: str, own_functions: frozenset[str]) -> Iterator[str]:
    """functions-all"""
    if not name.startswith("ZetaSQL:"):
        return
    function = name.split(":", 1)[1].lower()
    is_known = function in documented("functions") or function.startswith(tuple(documented("prefixes")))
    if not is_known and function not in own_functions:
        yield f"Function {function.upper()} is in GoogleSQL but not documented for BigQuery"


def _table_faults(node: Any) -> Iterator[str]:
    """data-definition-language#create_table_statement, and cloud.google.com/bigquery/docs/schemas#column_names"""
    columns = base(node, "ResolvedCreateTableStmtBaseProto").column_definition_list
    limits = read_data("engine")
    reserved = tuple(limits["reserved_column_prefixes"])
    for column in columns:
        if column.name.lower().startswith(reserved):
            yield f'Invalid field name "{column.name}": BigQuery reserves this prefix'
        if len(column.name) > limits["longest_column_name"]:
            yield f"a column name is over {limits['longest_column_name']} characters"
    if len(node.partition_by_list) > 1:
        yield "PARTITION BY must have exactly one expression"
    for expression in node.partition_by_list:
        if not _is_partitioning(expression):
            yield (
                "PARTITION BY expression must be a DATE column, DATE(<timestamp or datetime column>), "
                "TIMESTAMP_TRUNC/DATETIME_TRUNC/DATE_TRUNC(<column>, <unit>), or "
                "RANGE_BUCKET(<int64 column>, GENERATE_ARRAY(…))"
            )
    yield from _cluster_faults(node)


def _cluster_faults(node: Any) -> Iterator[str]:
    """data-definition-language#clustering_column_list"""
    limits = read_data("engine")
    if len(node.cluster_by_list) > limits["most_clustering_columns"]:
        yield f"at most {limits['most_clustering_columns']} clustering columns"
    for expression in node.cluster_by_list:
        kind = type_text(type_of(expression)).split("<")[0].upper()
        if unwrap(expression)[0] != "resolved_column_ref_node":
            yield "CLUSTER BY must name top-level columns"
        elif kind not in limits["clusterable"]:
            yield f"CLUSTER BY column of type {kind} is not allowed"


def _is_partitioning(expression: Any) -> bool:
    """data-definition-language#partition_expression"""
    kind, node = unwrap(expression)
    if kind == "resolved_column_ref_node":
        return type_text(type_of(expression)) == "date"
    if kind != "resolved_function_call_node" or not arguments(node):
        return False
    name, first = function_name(node), arguments(node)[0]
    is_column = unwrap(first)[0] == "resolved_column_ref_node"
    is_its_type = type_text(type_of(first)) in read_data("engine")["partitioning"].get(name, ())
    # date(<timestamp>, <zone>) is not the UTC date by which BigQuery partitions.
    return is_column and is_its_type and (name != "date" or len(arguments(node)) == 1)


def _duplicate_columns(columns: Any) -> Iterator[str]:
    """query-syntax#duplicate_column_names"""
    seen: set[str] = set()
    for column in columns:
        name = column.name.lower()
        if name in seen and not name.startswith("$"):
            yield f"duplicate column name {column.name}: BigQuery renames it in a bare SELECT and refuses it elsewhere"
        seen.add(name)


def _outer_join_faults(join: Any) -> Iterator[str]:
    """query-syntax#join_types; the message is the engine's."""
    left, right = scan_column_ids(join.left_scan), scan_column_ids(join.right_scan)
    if not join.HasField("join_expr") or not _has_equality(join.join_expr, left, right):
        yield (
            f"{_OUTER_JOINS[join.join_type]} OUTER JOIN cannot be used without a condition that is an equality of "
            "fields from both sides of the join"
        )


def _has_equality(expression: Any, left: set[int], right: set[int]) -> bool:
    kind, node = unwrap(expression)
    if kind != "resolved_function_call_node":
        return False
    name = function_name(node)
    if name == "$and":
        return any(_has_equality(one, left, right) for one in arguments(node))
    if name not in ("$equal", "$is_not_distinct_from"):
        return False
    one, other = (column_ids(argument) for argument in arguments(node)[:2])
    return bool(one and other) and ((one <= left and other <= right) or (one <= right and other <= left))
