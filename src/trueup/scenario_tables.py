"""A scenario's CSV tables, read against what is declared of the table, cell by cell."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from trueup.errors import ScenarioError
from trueup.schemas import TableSchema


def read_table(path: Path, schema: TableSchema) -> tuple[dict[str, Any], ...]:
    """Rows as a JSON load job takes them: numerics as text, moments in UTC; an empty cell is NULL.

    Raises ScenarioError, naming line and column, for an unknown column or an unreadable cell.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScenarioError(f"{path} cannot be read as CSV: {error}") from error
    if not lines:
        raise ScenarioError(f"{path} is empty.", "It needs a header row, or leave the file out.")
    header = lines[0]
    for column in header:
        if column.split(".")[0] not in schema.columns:
            raise ScenarioError(
                f"{path}: unknown column {column!r}.",
                f"{schema.name} has {', '.join(schema.columns)}.",
            )
    if len(set(header)) != len(header):
        raise ScenarioError(f"{path}: a column stands twice in the header.")
    return tuple(_row(path, number, header, cells, schema) for number, cells in enumerate(lines[1:], start=2) if cells)


def _row(path: Path, number: int, header: list[str], cells: list[str], schema: TableSchema) -> dict[str, Any]:
    if len(cells) != len(header):
        raise ScenarioError(
            f"{path} line {number}: {len(cells)} fields, the header has {len(header)}.",
            "Quote a field that holds a comma.",
        )
    row: dict[str, Any] = {}
    for column, cell in zip(header, cells, strict=True):
        if cell == "":
            continue
        name, *inner = column.split(".")
        kind = schema.columns[name]
        if inner:
            _put(row, [name, *inner], cell)
            continue
        reader, wanted = _reader(kind)
        try:
            row[name] = reader(cell)
        except (ValueError, InvalidOperation, OverflowError) as error:
            raise ScenarioError(f"{path} line {number}, column {column}: {cell!r} is not {wanted}.") from error
    return row


def _put(row: dict[str, Any], keys: list[str], cell: str) -> None:
    """A field of a struct, written as a dotted column: its fields are texts."""
    for key in keys[:-1]:
        row = row.setdefault(key, {})
    row[keys[-1]] = cell


def _reader(kind: str) -> tuple[Callable[[str], Any], str]:
    if kind.startswith(("array", "struct", "json")):
        return json.loads, "JSON"
    return _READERS[kind]


def _bool(cell: str) -> bool:
    try:
        return {"true": True, "false": False}[cell.lower()]
    except KeyError as error:
        raise ValueError(cell) from error


def _integer(cell: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", cell):
        raise ValueError(cell)
    return int(cell)


def _numeric(cell: str) -> str:
    number = Decimal(cell)
    if not number.is_finite():
        raise ValueError(cell)
    return str(number)


def _day(cell: str) -> str:
    return date.fromisoformat(cell).isoformat()


def _moment(cell: str) -> str:
    moment = datetime.fromisoformat(cell.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(cell)
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "string": (str, "a text"),
    "int64": (_integer, "a whole number"),
    "float64": (float, "a number"),
    "numeric": (_numeric, "a number"),
    "bool": (_bool, "true or false"),
    "date": (_day, "a date such as 2026-02-03"),
    "timestamp": (_moment, "a moment with an offset such as 2026-02-04T20:00:06Z"),
}
