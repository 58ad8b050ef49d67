"""Compares two tables as multisets of rows: columns by name, NULL equals NULL, FLOAT64 approximately."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Sums of floats depend on the order of the rows; our values need no more digits.
RELATIVE_TOLERANCE = 1e-9
_SHOWN_ROWS = 3
_SHOWN_LETTERS = 100

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table. ``columns`` maps each name to its BigQuery type in lower case."""

    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]


def differences(ours: Table, theirs: Table) -> list[str]:
    """The differences between the embedded warehouse's table and the reference's, as text.

    First the columns and their types; rows are compared on the columns that both have.
    """
    found = _column_differences(ours.columns, theirs.columns)
    shared = [name for name in ours.columns if name in theirs.columns]
    only_ours, only_theirs = _unmatched(ours.rows, theirs.rows, shared)
    if only_ours or only_theirs:
        found += _row_texts(only_ours, only_theirs, shared)
    return found


def differing_columns(ours: Table, theirs: Table) -> list[str]:
    """The columns whose values, per column, are not the same multiset."""
    shared = [name for name in ours.columns if name in theirs.columns]
    return [name for name in shared if any(_unmatched(ours.rows, theirs.rows, [name]))]


def with_meaning(table: Table, column: str) -> Table:
    """The table with a column of JSON text parsed: 100 equals 100.0; keys keep their order."""

    def meaning(text: str | None) -> Any:
        return None if text is None else json.loads(text, object_pairs_hook=tuple, parse_int=float)

    return Table(table.columns, [{**row, column: meaning(row[column])} for row in table.rows])


def _column_differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    found = [f"column {name} is only in the embedded warehouse" for name in ours if name not in theirs]
    found += [f"column {name} is only in the reference" for name in theirs if name not in ours]
    found += [
        f"column {name} is {ours[name]} in the embedded warehouse, {theirs[name]} by the reference"
        for name in ours
        if name in theirs and ours[name] != theirs[name]
    ]
    return found


# Values that must be equal, and floats, in order, that must be close.
_Key = tuple[Any, ...]
_Floats = tuple[float, ...]


def _unmatched(ours: Iterable[Row], theirs: Iterable[Row], columns: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """The rows of each side without an equal row on the other."""
    left, right = _grouped(ours, columns), _grouped(theirs, columns)
    only_left: list[Row] = []
    only_right: list[Row] = []
    for key in [*left, *(key for key in right if key not in left)]:
        mine, others = _pair_off(left.get(key, []), right.get(key, []))
        only_left += mine
        only_right += others
    return only_left, only_right


def _grouped(rows: Iterable[Row], columns: Sequence[str]) -> dict[_Key, list[tuple[_Floats, Row]]]:
    groups: dict[_Key, list[tuple[_Floats, Row]]] = defaultdict(list)
    for row in rows:
        floats: list[float] = []
        key = tuple(frozen(row[name], floats) for name in columns)
        groups[key].append((tuple(floats), row))
    return groups


def frozen(value: Any, floats: list[float]) -> Any:
    """A hashable value that distinguishes 1, 1.0, true and '1'; finite floats go to ``floats``."""
    if isinstance(value, float):
        if math.isfinite(value):
            floats.append(value)
            return float
        return (float, repr(value))  # here NaN equals NaN
    if isinstance(value, Mapping):
        return (dict, tuple((name, frozen(part, floats)) for name, part in value.items()))
    if isinstance(value, list | tuple):
        return (list, tuple(frozen(part, floats) for part in value))
    return (type(value), value)


def _pair_off(left: list[tuple[_Floats, Row]], right: list[tuple[_Floats, Row]]) -> tuple[list[Row], list[Row]]:
    """Remove equal rows, then close ones; returns the rest of each side."""
    equal = Counter(floats for floats, _ in left) & Counter(floats for floats, _ in right)
    left, right = _without(left, equal.copy()), _without(right, equal.copy())
    alone: list[Row] = []
    for floats, row in left:
        near = next((place for place, (others, _) in enumerate(right) if _is_near(floats, others)), None)
        if near is None:
            alone.append(row)
        else:
            del right[near]
    return alone, [row for _, row in right]


def _without(rows: list[tuple[_Floats, Row]], taken: Counter[_Floats]) -> list[tuple[_Floats, Row]]:
    kept = []
    for floats, row in rows:
        if taken[floats] > 0:
            taken[floats] -= 1
        else:
            kept.append((floats, row))
    return kept


def _is_near(left: _Floats, right: _Floats) -> bool:
    return all(math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE) for one, other in zip(left, right, strict=True))


def _row_texts(ours: list[Row], theirs: list[Row], columns: Sequence[str]) -> list[str]:
    """The first differing rows, each with the most similar row of the other side, if any."""
    lines = [f"{len(ours)} rows only in the embedded warehouse, {len(theirs)} only in the reference"]
    for row in ours[:_SHOWN_ROWS]:
        partner = min(theirs, key=_distance_from(row, columns), default=None)
        if partner is None:
            lines.append(f"only embedded: {_short({name: row[name] for name in columns})}")
            continue
        apart = [name for name in columns if not _is_same_cell(row[name], partner[name])]
        cells = [_side_by_side(str(row[name]), str(partner[name])) for name in apart]
        lines.append("embedded  " + ", ".join(f"{name}={mine}" for name, (mine, _) in zip(apart, cells, strict=True)))
        lines.append("reference " + ", ".join(f"{name}={other}" for name, (_, other) in zip(apart, cells, strict=True)))
        lines.append(f"where {_short({name: row[name] for name in columns if name not in apart})}")
    if not ours:
        lines += [f"only reference: {_short({name: row[name] for name in columns})}" for row in theirs[:_SHOWN_ROWS]]
    return lines


def _side_by_side(left: str, right: str) -> tuple[str, str]:
    """Two different texts, from shortly before the first difference."""
    same = next((place for place, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), 0)
    start = max(0, same - _SHOWN_LETTERS // 4)
    mine, other = (("…" if start else "") + _cut(text[start:]) for text in (left, right))
    return mine, other


def _distance_from(row: Row, columns: Sequence[str]) -> Callable[[Row], int]:
    return lambda other: sum(not _is_same_cell(row[name], other[name]) for name in columns)


def _is_same_cell(left: Any, right: Any) -> bool:
    mine: list[float] = []
    others: list[float] = []
    return frozen(left, mine) == frozen(right, others) and _is_near(tuple(mine), tuple(others))


def _short(cells: Row) -> str:
    return ", ".join(_cut(f"{name}={value!s}") for name, value in cells.items())


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
