"""What the contract says of duplicates, in plain Python: which rows survive, and what is counted. And random tables."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from trueup.schemas import TableSchema

Row = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS = (0, 8, 16, 24)


@dataclass(frozen=True)
class Group:
    """A key with several rows."""

    row_count: int
    payload_count: int
    is_tied: bool
    is_newest_poorer: bool


@dataclass(frozen=True)
class Day:
    """What is true of one day of a table. ``survivors``: hashes of rows, in order; ``groups``: by key."""

    survivors: tuple[str, ...]
    groups: Mapping[tuple[Any, ...], Group]
    null_key_rows: int


def row_hash(row: Row, columns: Mapping[str, str]) -> str:
    """The hash of the macro row_hash: SHA-256 of the row as JSON without blanks."""
    cells = {name: _portable(row[name], kind) for name, kind in columns.items()}
    return hashlib.sha256(json.dumps(cells, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def checksum(hashes: Sequence[str]) -> str:
    """The checksum of the macro rows_checksum: the number of rows, and the sums of four words of their hashes."""
    sums = [sum(int(one[start : start + 8], 16) for one in hashes) for start in _WORDS]
    return hashlib.sha256("|".join(map(str, [len(hashes), *sums])).encode()).hexdigest()


def judged(rows: Iterable[Row], schema: TableSchema) -> Day:
    """The survivors and the duplicates of one day's rows."""
    grain, newest_by = schema.meta["grain"], schema.meta["newest_by"]
    payload = {name: kind for name, kind in schema.columns.items() if name not in schema.meta["bookkeeping"]}
    by_key: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    keyless: list[Row] = []
    for row in rows:
        key = tuple(row[name] for name in grain)
        (keyless if None in key else by_key[key]).append(row)

    def order(row: Row) -> tuple[bool, timedelta, str]:
        written = row[newest_by]
        age = timedelta(0) if written is None else _EPOCH - written
        return written is None, age, row_hash(row, schema.columns)

    groups, kept = {}, list(keyless)
    for key, found in by_key.items():
        newest, *others = sorted(found, key=order)
        kept.append(newest)
        if others:
            ties = [row for row in found if row[newest_by] == newest[newest_by]]
            poorest = [sum(row[name] is None for name in schema.meta["measures"]) for row in (newest, *others)]
            groups[key] = Group(
                row_count=len(found),
                payload_count=len({row_hash(row, payload) for row in found}),
                is_tied=len({row_hash(row, payload) for row in ties}) > 1,
                is_newest_poorer=poorest[0] > min(poorest[1:]),
            )
    return Day(tuple(sorted(row_hash(row, schema.columns) for row in kept)), groups, len(keyless))


def random_rows(seed: int, schema: TableSchema, day: date, count: int) -> list[dict[str, Any]]:
    """Rows of few keys and few values: equal rows, ties, NULLs in keys, in the order and in values."""
    chance = random.Random(f"{seed} {schema.name} {day}")
    rows: list[dict[str, Any]] = []
    for _ in range(count):
        if rows and chance.random() < 0.3:
            row = dict(chance.choice(rows))
            changed = chance.choice(["", "", *schema.columns])
            if changed not in ("", schema.partition_column):
                row[changed] = _random_value(chance, schema.columns[changed])
        else:
            row = {name: _random_value(chance, kind) for name, kind in schema.columns.items()}
            row |= {name: chance.choice(["a", "b", "c", "d", None]) for name in schema.meta["grain"]}
            row[schema.partition_column] = day
        rows.append(row)
    return rows


def as_loaded(row: Row) -> dict[str, Any]:
    """A row for a JSON load job."""
    return {name: _as_text(value) for name, value in row.items()}


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value


def _random_value(chance: random.Random, kind: str) -> Any:
    if chance.random() < 0.3:
        return [] if kind.startswith("array") else None
    number = chance.randrange(3)
    values: Mapping[str, Callable[[], Any]] = {
        "string": lambda: ["", 'naïve "quote"', "1"][number],
        "int64": lambda: number - 1,
        "float64": lambda: [0.1, 1.0, -2.5e-7][number],
        "numeric": lambda: Decimal(["0", "12.5", "-100"][number]),
        "bool": lambda: number > 0,
        "timestamp": lambda: datetime(2026, 2, 3 + number, 20, 0, 6, 1, tzinfo=UTC),
        "array<string>": lambda: ["x"] * (number + 1),
        "date": lambda: date(2026, 2, 3),
    }
    return values[kind]()


def _portable(value: Any, kind: str) -> Any:
    """The value that the macro portable writes into the JSON."""
    if value is None or value == []:
        return None
    if kind == "timestamp":
        return (value - _EPOCH) // timedelta(microseconds=1)
    if kind == "numeric":
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    if kind == "float64":
        return f"{value:.17g}"
    if kind.startswith("array"):
        return json.dumps(value, separators=(",", ":"))
    return value.isoformat() if kind == "date" else value
