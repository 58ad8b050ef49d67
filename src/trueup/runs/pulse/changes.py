"""Which tables have changed since the last pulse, and what that pulse counted in them.

The warehouse knows the rows and the last change of each partition. A table whose partitions are as they were is not
read again. Without the memory, or without an answer of the warehouse, each table is counted again: that costs more, and
says the same.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from trueup.errors import WarehouseError
from trueup.parsing import parse
from trueup.reporting.artifacts import write_text
from trueup.runs.pulse.evaluation import Query, Values
from trueup.schemas import TableFacts, TableSchema

# The columns that are read of the view with the partitions of a dataset.
PARTITIONS_COLUMNS = {
    **dict.fromkeys(("table_catalog", "table_schema", "table_name", "partition_id"), "string"),
    **{"total_rows": "int64", "last_modified_time": "timestamp"},
}
# BigQuery's names of the partitions without a date: rows in which it is NULL, and rows that are still in a stream.
_NO_DATE, _STREAMED = "__NULL__", "__UNPARTITIONED__"


@dataclass(frozen=True)
class Counted:
    """What was counted in one table on the days of a pulse. ``stamp``: its partitions at that time; "" if unknown.
    ``values``: the rows of each model that counted, as lists of plain values.
    """

    stamp: str
    values: Mapping[str, Values]


@dataclass(frozen=True)
class Memory:
    """What the last pulse counted, by table. ``context``: a hash of all else that the counts depend on."""

    context: str = ""
    counted: Mapping[str, Counted] = field(default_factory=dict)

    def unchanged(self, context: str, stamps: Mapping[str, str], models: Sequence[str]) -> dict[str, Counted]:
        """The tables that need not be counted again. ``models``: those that counted."""
        if context != self.context:
            return {}
        return {
            name: one
            for name, one in self.counted.items()
            if one.stamp and one.stamp == stamps.get(name) and all(model in one.values for model in models)
        }


def read_memory(file: Path) -> Memory:
    """The memory in a file; an empty one if there is none that this version can read."""
    try:
        return parse(Memory, file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Memory()


def write_memory(file: Path, memory: Memory) -> None:
    """Write the whole file or nothing. Raises CannotCheckError."""
    counted = {name: {"stamp": one.stamp, "values": one.values} for name, one in memory.counted.items()}
    write_text(file, json.dumps({"context": memory.context, "counted": counted}))


def stamps_of(query: Query, tables: Mapping[str, str], days: Collection[date]) -> dict[str, str]:
    """The state of the days' partitions of each table (see has_days), "" while it has rows in a stream. Nothing if
    BigQuery refuses. ``tables``: ``project.dataset.table`` by name.
    """
    datasets = {table.rpartition(".")[0] for table in tables.values()}
    try:
        rows = [row for dataset in sorted(datasets) for row in _partitions(query, dataset, tables.values(), days)]
    except WarehouseError:
        return {}
    found: dict[str, list[list[Any]]] = {table: [] for table in tables.values()}
    for row in rows:
        found[row["full_name"]].append([row["partition_id"], row["total_rows"], str(row["last_modified_time"])])
    return {name: _stamp(found[table]) for name, table in tables.items()}


def has_days(schema: TableSchema, facts: TableFacts | None) -> bool:
    """Whether the partitions of a table tell if its days have changed: they are as declared, or it has none at all.

    A missing table has not changed. A view tells nothing.
    """
    return facts is None or (facts.is_table and facts.partition_column in (schema.partition_column, None))


def _stamp(partitions: Iterable[list[Any]]) -> str:
    ordered = sorted(partitions, key=str)
    is_streamed = any(one[0] == _STREAMED and one[1] for one in ordered)
    return "" if is_streamed else json.dumps(ordered)


def _partitions(query: Query, dataset: str, tables: Iterable[str], days: Collection[date]) -> list[dict[str, Any]]:
    """The partitions of a dataset's tables on these days. One may be of an hour, a month or a year of them."""
    names = sorted(table.rpartition(".")[2] for table in tables if table.rpartition(".")[0] == dataset)
    prefixes = sorted({f"{day:%Y%m%d}"[:length] for day in days for length in (4, 6, 8)})
    sql = (
        "select concat(table_catalog, '.', table_schema, '.', table_name) as full_name, partition_id, total_rows, "
        f"last_modified_time from `{dataset}.INFORMATION_SCHEMA.PARTITIONS` where table_name in ({_listed(names)}) "
        f"and (left(partition_id, 8) in ({_listed(prefixes)}) or partition_id is null "
        f"or partition_id in ('{_NO_DATE}', '{_STREAMED}'))"
    )
    return query(sql, {})


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(f"'{text}'" for text in texts)
