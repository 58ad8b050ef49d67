"""Finds aggregates whose result grows with their input without bound.

BigQuery refuses a value or row of more than 100 MB (https://cloud.google.com/bigquery/quotas#query_jobs): such an
aggregate works until a group has too many rows. `growth.yml` declares those that are bounded by something else.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from sqlcheck.tree import base, function_name, kind_of, unwrap, walk

# https://cloud.google.com/bigquery/docs/reference/standard-sql/aggregate_functions, …/geography_functions
_GROWING = frozenset({"array_agg", "array_concat_agg", "string_agg", "st_union_agg"})
_CALLS = ("ResolvedAggregateFunctionCallProto", "ResolvedAnalyticFunctionCallProto")
_GROUPED = ("ResolvedAggregateScanProto", "ResolvedAnalyticScanProto")
_ROWS = ("ResolvedTableScanProto", "ResolvedWithRefScanProto", "ResolvedRecursiveRefScanProto")
_ARRAY = 1  # ResolvedSubqueryExprEnums.SubqueryType
ARRAY_SUBQUERY = "array(select)"
_DECLARED = Path(__file__).with_name("growth.yml")


@dataclass(frozen=True)
class Bounded:
    """A declaration that the growing aggregates of some statements are bounded: how many, and why."""

    statement: str
    function: str
    count: int
    reason: str


@dataclass
class Growth:
    """Compares growing aggregates with the declarations, and remembers which declarations are used."""

    declared: Sequence[Bounded]
    _used: set[Bounded] = field(default_factory=set)

    def faults(self, name: str, trees: Iterable[Any]) -> Iterator[tuple[str, str]]:
        """A function of a statement with growing aggregates that are not declared, and what is wrong."""
        for function, count in growing(trees).items():
            allowed = [one for one in self.declared if one.function == function and fnmatch(name, one.statement)]
            self._used.update(allowed)
            if count > sum(one.count for one in allowed):
                yield (
                    function,
                    f"{function} has no limit: its result grows with its input, and BigQuery refuses more than 100 MB. "
                    f"Limit it, aggregate to a number, or declare in {_DECLARED.name} what bounds it",
                )

    @property
    def unused(self) -> list[str]:
        """One sentence for each declaration that no statement needs."""
        return [
            f"{_DECLARED.name} declares {one.function} of {one.statement}, which no statement has: remove it"
            for one in self.declared
            if one not in self._used
        ]


def read_growth() -> Growth:
    """The declarations of the project."""
    given: Sequence[Mapping[str, Any]] = yaml.safe_load(_DECLARED.read_text(encoding="utf-8"))["bounded"]
    return Growth([Bounded(one["statement"], one["function"], one.get("count", 1), one["reason"]) for one in given])


def growing(trees: Iterable[Any]) -> Counter[str]:
    """How often analysed statements have each function whose result grows with the rows of a table, without a limit.

    An aggregate of the elements of one value is no larger than this value.
    """
    found: Counter[str] = Counter()
    for tree in trees:
        for node in walk(tree):
            kind = kind_of(node)
            if kind in _GROUPED and _has_rows(_input(node)):
                found.update(_growing_calls(node))
            elif kind == "ResolvedSubqueryExprProto" and node.subquery_type == _ARRAY:
                is_limited = unwrap(node.subquery)[0] == "resolved_limit_offset_scan_node"
                found[ARRAY_SUBQUERY] += _has_rows(node.subquery) and not is_limited
    return +found


def _growing_calls(scan: Any) -> Iterator[str]:
    """The growing functions that a scan itself computes, not those of its input."""
    lists = (
        base(scan, "ResolvedAggregateScanBaseProto").aggregate_list
        if kind_of(scan) == "ResolvedAggregateScanProto"
        else scan.function_group_list
    )
    for one in lists:
        for call in walk(one):
            if kind_of(call) in _CALLS and function_name(call) in _GROWING and not _has_limit(call):
                yield function_name(call)


def _input(scan: Any) -> Any:
    parent = base(scan, "ResolvedAggregateScanBaseProto")
    return (parent if parent is not None else scan).input_scan


def _has_rows(scan: Any) -> bool:
    return any(kind_of(one) in _ROWS for one in walk(scan))


def _has_limit(call: Any) -> bool:
    return "limit" in call.DESCRIPTOR.fields_by_name and call.HasField("limit") and unwrap(call.limit)[1] is not None
