"""Tables as the written exceptions let them be compared: JSON by its meaning, hashes by where they stand."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlcheck.differential_rows import Table, frozen


def with_meaning(table: Table, column: str) -> Table:
    """The table with a column of JSON text as what it means: 100 is 100.0; the keys keep their order."""

    def meaning(text: str | None) -> Any:
        return None if text is None else json.loads(text, object_pairs_hook=tuple, parse_int=float)

    return Table(table.columns, [{**row, column: meaning(row[column])} for row in table.rows])


def with_places(table: Table, columns: Sequence[str]) -> Table:
    """The table with each value of these columns replaced by where it stands: the rest of all rows that have it.

    Two tables are then equal if and only if each of the columns' values can be renamed one to one into the other's.
    NULL keeps its name. Floats in the rest are left out of account here; they are compared as themselves.
    """
    rest = [name for name in table.columns if name not in columns]
    rests = [repr([frozen(row[name], []) for name in rest]) for row in table.rows]
    named = [dict(row) for row in table.rows]
    for column in columns:
        standing: dict[Any, list[str]] = defaultdict(list)
        for row, others in zip(table.rows, rests, strict=True):
            standing[row[column]].append(others)
        places = {value: _digest(sorted(found)) for value, found in standing.items()}
        # Values that stand in the same places look alike; how many they are must be equal as well.
        alike = Counter(places.values())
        for new in named:
            value = new[column]
            if value is not None:
                new[column] = f"one of {alike[places[value]]} that stand at {places[value]}"
    return Table(table.columns, named)


def _digest(places: list[str]) -> str:
    return hashlib.sha256("\n".join(places).encode()).hexdigest()[:16]
