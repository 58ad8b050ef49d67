"""Reads a scenario's CSV tables by the declared types of their columns."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueup.errors import ScenarioError
from trueup.plural import counted
from trueup.scenario.cells import expected_form, is_known, read_cell, struct_fields
from trueup.scenario.files import brief, read_text
from trueup.schemas import TableSchema


@dataclass(frozen=True)
class _Column:
    """A column of the file. ``keys`` is its path in the row; more than one key leads into a struct."""

    keys: tuple[str, ...]
    kind: str

    @property
    def name(self) -> str:
        return ".".join(self.keys)


def read_table(path: Path, schema: TableSchema) -> tuple[dict[str, Any], ...]:
    """Rows for a JSON load job: numerics as text, timestamps in UTC, NULL for an empty cell.

    Raises ScenarioError with line and column for an unknown column or an invalid cell.
    """
    records = _records(path)
    if not records or not records[0][1]:
        raise ScenarioError(f"{path} has no header row.", "Add a header row, or remove the file.")
    header = _header(path, records[0][1], schema)
    return tuple(_row(path, line, header, cells) for line, cells in records[1:] if cells)


def _records(path: Path) -> list[tuple[int, list[str]]]:
    """Each record with the line where it begins; a quoted field may span several lines."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    records = []
    line = 1
    try:
        for cells in reader:
            records.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ScenarioError(
            f"{path} line {line} cannot be read as CSV: {error}.",
            "Quote fields with a comma, a quote or a line end, and double the quotes inside.",
        ) from error
    return records


def _header(path: Path, names: Sequence[str], schema: TableSchema) -> list[_Column]:
    header = [_column(path, name, schema) for name in names]
    for index, column in enumerate(header):
        for other in header[:index]:
            # The columns `resource` and `resource.type` would both write the field `resource`.
            shared = min(len(column.keys), len(other.keys))
            if column.keys[:shared] == other.keys[:shared]:
                raise ScenarioError(
                    f"{path} line 1: duplicate column {column.name} (also {other.name}).", "Keep one of them."
                )
    return header


def _column(path: Path, name: str, schema: TableSchema) -> _Column:
    keys = tuple(name.split("."))
    kinds = schema.columns
    kind = ""
    for depth, key in enumerate(keys):
        if key not in kinds:
            owner = ".".join((schema.name, *keys[:depth]))
            known = f"{owner} has {', '.join(kinds)}." if kinds else f"{owner} is {kind}, which has no fields."
            raise ScenarioError(f"{path} line 1: unknown column {name!r}.", known)
        kind = kinds[key]
        kinds = struct_fields(kind)
    if not is_known(kind):
        raise ScenarioError(
            f"{path} line 1: {name} has the type {kind}, which scenarios do not support.", "Remove the column."
        )
    return _Column(keys, kind)


def _row(path: Path, line: int, header: Sequence[_Column], cells: Sequence[str]) -> dict[str, Any]:
    if len(cells) != len(header):
        raise ScenarioError(
            f"{path} line {line} has {counted(len(cells), 'field')}, but the header has {len(header)}.",
            "Quote fields with a comma.",
        )
    row: dict[str, Any] = {}
    for column, cell in zip(header, cells, strict=True):
        if cell == "":
            continue
        try:
            value = read_cell(column.kind, cell)
        except (ValueError, OverflowError) as error:
            nested = f" The reason: {brief(str(error))}." if column.kind.startswith(("array", "struct")) else ""
            raise ScenarioError(
                f"{path} line {line}, column {column.name}: {brief(repr(cell))} is not {expected_form(column.kind)}.",
                f"Correct the cell; an empty cell is NULL.{nested}",
            ) from error
        if value is not None:
            _put(row, column.keys, value)
    return row


def _put(row: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        row = row.setdefault(key, {})
    row[keys[-1]] = value
