"""How many bytes a read is, from the types of the columns and statistics of the tables.

Sizes of types: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes. NULLs count as
values, so the result is an upper bound.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from sqlcheck.costs.reads import TEMPORARY, TableRead
from sqlcheck.partitions import NO_DAYS, Days

_FIXED = {"bool": 1, "numeric": 16, "interval": 16, "bignumeric": 32} | dict.fromkeys(
    ("int64", "float64", "date", "datetime", "time", "timestamp"), 8
)
_STRING_OVERHEAD = 2
_ELEMENTS = 3  # of an array, on average
STATISTICS = Path(__file__).with_name("statistics.yml")


class UnknownTableError(Exception):
    """A table without statistics."""


@dataclass(frozen=True)
class TableSize:
    """The rows of a table: ``rows`` in all, or ``rows_per_day`` for ``days`` of history (of a table that is built for
    the checked days: for these).
    """

    rows_per_day: float = 0
    days: int = 0
    rows: float = 0


@dataclass(frozen=True)
class Sizes:
    """Statistics of all tables, with their columns' types. Names of tables are ``dataset.table``."""

    tables: Mapping[str, TableSize]
    types: Mapping[str, Mapping[str, str]]
    texts: Mapping[str, int]
    text_default: int
    checked_days: int

    def with_history(self, factor: int) -> "Sizes":
        """The same tables with a longer history."""
        longer = {name: replace(one, days=one.days * factor) for name, one in self.tables.items()}
        return replace(self, tables=longer)

    def with_rows(self, factor: float) -> "Sizes":
        """The same tables with more rows each day."""
        more = {name: replace(one, rows_per_day=one.rows_per_day * factor) for name, one in self.tables.items()}
        return replace(self, tables=more)

    def of(self, reads: Iterable[TableRead]) -> dict[str, dict[str, float]]:
        """The bytes of each column of each table. A column is read once in a statement, however often it is named.

        BigQuery counts a changed table twice: the columns that the statement refers to, and all columns
        (https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#on-demand_query_size_calculation).
        """
        days: dict[tuple[str, str, bool], list[Days | None]] = {}
        found: dict[str, dict[str, float]] = {}
        for read in reads:
            found.setdefault(read.table, {})
            for column in read.columns:
                days.setdefault((read.table, column, False), []).append(read.days)
            for column in self._columns(read.table) if read.is_written else ():
                days.setdefault((read.table, column, True), []).append(read.days)
        for (table, column, _), spans in days.items():
            width = self._width(self._columns(table).get(column, "int64"), column)
            found[table][column] = found[table].get(column, 0) + self._rows(table, spans) * width
        return found

    def _columns(self, table: str) -> Mapping[str, str]:
        return self.types[table.removesuffix(TEMPORARY)]

    def _rows(self, table: str, spans: list[Days | None]) -> float:
        name = table.split(".", 1)[1]
        size = self.tables.get(name.removesuffix(TEMPORARY))
        if size is None:
            raise UnknownTableError(f"{name} has no statistics: add it to {STATISTICS.name}")
        if size.rows:
            return size.rows
        if name.endswith(TEMPORARY) or (None in spans and not size.days):
            return size.rows_per_day * self.checked_days
        return size.rows_per_day * (size.days if None in spans else min(self._day_count(spans), size.days))

    def _day_count(self, spans: Iterable[Days | None]) -> int:
        days: set[int] = set()
        for one in spans:
            if one is not None and one != NO_DAYS:
                # A recorded statement whose range is empty stands for one of the checked days (python_sql).
                last = one.last if one.first <= one.last else one.first + self.checked_days - 1
                days.update(range(one.first, last + 1))
        return len(days)

    def _width(self, kind: str, column: str) -> float:
        if kind.startswith("array<"):
            return _ELEMENTS * self._width(kind[len("array<") : -1], column)
        if kind.startswith("struct<"):
            return sum(self._width(one, "") for one in _field_types(kind))
        return _FIXED.get(kind) or _STRING_OVERHEAD + self.texts.get(column, self.text_default)


def read_sizes(types: Mapping[str, Mapping[str, str]], path: Path = STATISTICS, with_large_day: bool = False) -> Sizes:
    """The sizes that the statistics file declares. ``types``: of the columns of all tables, by full name."""
    given: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    tables = {name: TableSize(**one) for name, one in given["tables"].items()}
    for name, rows in given["large_day"].items() if with_large_day else ():
        tables[name] = replace(tables[name], rows_per_day=rows)
    return Sizes(tables, types, given["text_bytes"], given["text_bytes_default"], given["checked_days"])


def _field_types(kind: str) -> Iterable[str]:
    """The types of the leaves of a struct."""
    for part in kind.replace(">", "").split(","):
        words = part.replace("struct<", "").replace("array<", "").split()
        if words:
            yield words[-1]
