"""Which row of a key survives: the newest, by the same total order as the SQL of the ``_latest`` tables."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import total_ordering
from typing import Any, TypeVar

from trueup.completion.encoding import parse_timestamp
from trueup.errors import UsageError
from trueup.plain import shown

_Row = TypeVar("_Row", bound=Mapping[str, Any])
# The order, in SQL: the macro newest_first. A test holds the two equal.
ORDER = "{written_at} desc nulls last, {hash}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMERIC_STEP = Decimal("1e-9")
_NUMERIC_END = Decimal("1e29")
_INTEGERS = range(-(2**63), 2**63)
# A NUMERIC has 38 digits.
_WIDE = Context(prec=76)
# Beyond this BigQuery writes an integer into JSON as a text.
_GREATEST_JSON_INTEGER = 2**53
_ARRAY = "array<"
# The types of arrays whose JSON is the same in BigQuery and here.
_ELEMENTS = ("bool", "int64", "string", "date")
_ORDERED = ("timestamp", "date", "int64", "numeric", "string")
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int64"),
    (float, "float64"),
    (Decimal, "numeric"),
    (str, "string"),
    (datetime, "timestamp"),
    (date, "date"),
)


def keep_newest(
    rows: Iterable[_Row], *, key: Sequence[str], newest_by: str, columns: Mapping[str, str] | None = None
) -> list[_Row]:
    """One row per key: the one that SQL keeps, too. The survivors are the rows given, in the order given.

    ``rows``: dicts with a value, or None, for each column; a missing column is NULL. ``key``: the columns of the key.
    Rows with a NULL in it are all kept: two unknown players may be different ones. ``newest_by``: the column with the
    time of the write (a timestamp, date, number or text); NULL is older than all. Among equally new rows the one with
    the smallest SHA-256 of the whole row survives, so that the order of the rows does not matter.

    ``columns``: the type of each column as BigQuery's SQL names it, in the order of the table, such as
    ``{"game_date": "date", "tags": "array<string>"}``. The hash depends on it: pass it if the survivors must be those
    of SQL even among equally new rows that differ. Without it, types are taken from the values, and columns by name;
    texts in ``newest_by`` are then timestamps, which need an offset: as texts, 20:00:00Z would be newer than
    20:00:00.500Z. To order by other texts, or by numbers or dates in texts, pass ``columns``.

    Raises UsageError for a value that does not have the type of its column: it names the row.
    """
    given = checked_rows(rows)
    _check_names(key, newest_by, columns)
    kinds = dict(columns) if columns is not None else _kinds_of(given, newest_by)
    _check(kinds, given, key, newest_by)
    by_key: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    kept: list[int] = []
    for number, row in enumerate(given):
        cells = tuple(_cell(row, name, kinds, number) for name in key)
        (kept if None in cells else by_key[cells]).append(number)
    for numbers in by_key.values():
        kept.append(numbers[0] if len(numbers) == 1 else _newest(given, numbers, newest_by, kinds))
    return [given[number] for number in sorted(kept)]


def row_hash(row: Mapping[str, Any], columns: Mapping[str, str], number: int = 0) -> str:
    """The hash of the macro row_hash: SHA-256 of the row as JSON. ``number``: of the row, for errors."""
    cells = {name: _portable(_cell(row, name, columns, number), kind) for name, kind in columns.items()}
    return hashlib.sha256(_json(cells).encode()).hexdigest()


def _newest(rows: Sequence[Mapping[str, Any]], numbers: Sequence[int], newest_by: str, kinds: Mapping[str, str]) -> int:
    """The number of the first row in ORDER. The hash costs most, and is computed only for ties."""
    (first, *_), (last, *_) = terms = [term.split() for term in ORDER.split(", ")]
    assert (first, last) == ("{written_at}", "{hash}"), ORDER
    keys = {number: _place(_cell(rows[number], newest_by, kinds, number), terms[0][1:]) for number in numbers}
    best = min(keys.values())
    tied = [number for number in numbers if keys[number] == best]
    if len(tied) == 1:
        return tied[0]
    return min(tied, key=lambda number: (_place(row_hash(rows[number], kinds, number), terms[1][1:]), number))


def _place(value: Any, words: Sequence[str]) -> tuple[bool, Any]:
    """A key that sorts values as ``order by value WORDS`` does. NULL is the smallest value, as in BigQuery."""
    is_descending = "desc" in words
    null_comes_first = "first" in words or ("last" not in words and not is_descending)
    if value is None:
        return not null_comes_first, None
    return null_comes_first, _Descending(value) if is_descending else value


@total_ordering
class _Descending:
    """A value that sorts the other way round."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.value == other.value

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)


def _cell(row: Mapping[str, Any], name: str, kinds: Mapping[str, str], number: int) -> Any:
    """The value of a column as its type, or UsageError."""
    value, kind = row.get(name), kinds[name]
    try:
        return _typed(value, kind)
    except (TypeError, ValueError, OverflowError, InvalidOperation) as error:
        raise UsageError(
            f"Row {number + 1} has {name} {shown(value)}, which is no {kind}.",
            "Correct the row, or pass the type of its column in columns. A timestamp needs an offset.",
        ) from error


def _typed(value: Any, kind: str) -> Any:
    if kind.startswith(_ARRAY):
        if not isinstance(value, list | tuple | None):
            raise TypeError
        return [_required(_typed(one, kind[len(_ARRAY) : -1])) for one in value or ()]
    return None if value is None else _PARSERS[kind](value)


def _required(value: Any) -> Any:
    if value is None:
        raise ValueError("BigQuery stores no NULL in an array")
    return value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INTEGERS:
        raise TypeError
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    # Half of a surrogate pair is no text: it can neither be hashed nor stored.
    value.encode()
    return value


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError
    return float(value)


def numeric(value: Any) -> Decimal:
    """As BigQuery stores it: 9 digits, half away from zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError
    exact = Decimal(repr(value) if isinstance(value, float) else value)
    rounded = exact.quantize(_NUMERIC_STEP, ROUND_HALF_UP, _WIDE) if exact.is_finite() else _NUMERIC_END
    if abs(rounded) >= _NUMERIC_END:
        raise ValueError("out of the range of NUMERIC")
    return rounded


def _micros(value: Any) -> int:
    """Microseconds since 1970. A time without an offset would depend on where the writer runs."""
    moment = parse_timestamp(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise TypeError
    return (moment - _EPOCH) // timedelta(microseconds=1)


def calendar_date(value: Any) -> date:
    """Not of a datetime: its date depends on a time zone."""
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise TypeError
    return date.fromisoformat(value) if isinstance(value, str) else value


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "bool": _bool,
    "int64": _integer,
    "float64": _float,
    "numeric": numeric,
    "string": _text,
    "timestamp": _micros,
    "date": calendar_date,
}


def _portable(value: Any, kind: str) -> Any:
    """What the macro portable writes into the JSON."""
    if value is None or value == []:
        return None
    if kind == "numeric":
        text = f"{value:f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    if kind == "float64":
        return f"{value:.17g}"
    if kind.startswith(_ARRAY):
        return _json([_element(one, kind[len(_ARRAY) : -1]) for one in value])
    return _element(value, kind)


def _element(value: Any, kind: str) -> Any:
    if kind == "date":
        return value.isoformat()
    if kind in ("int64", "timestamp") and abs(value) > _GREATEST_JSON_INTEGER:
        return str(value)
    return value


def _json(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    # BigQuery escapes the two line separators of Unicode.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def checked_rows(rows: Iterable[_Row]) -> list[_Row]:
    """The rows as a list, or UsageError with the first that is no row. For all writers."""
    if not isinstance(rows, Iterable):
        raise UsageError(f"The rows are {shown(rows)}.", "Pass a list of dicts.")
    given = list(rows)
    for number, row in enumerate(given, 1):
        if not isinstance(row, Mapping):
            raise UsageError(f"Row {number} is {shown(row)}, expected a dict.", "Pass a list of dicts.")
        if wrong := [name for name in row if not isinstance(name, str)]:
            raise UsageError(f"Row {number} has the column {shown(wrong[0])}, expected a text.", "Correct the rows.")
    return given


def _kinds_of(rows: Sequence[Mapping[str, Any]], newest_by: str) -> dict[str, str]:
    """The type of each column by its first value; columns by name. A column without a value is a text."""
    found: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            if name not in found and value is not None and not (isinstance(value, list | tuple) and not value):
                found[name] = _kind_of(name, value)
    if found.get(newest_by) == "string":
        # Other texts have no order that one could guess: "9" and "10" may be numbers.
        found[newest_by] = "timestamp"
        for number, row in enumerate(rows):
            _cell(row, newest_by, found, number)
    names = {name for row in rows for name in row}
    return {name: found.get(name, "string") for name in sorted(names)}


def _kind_of(name: str, value: Any) -> str:
    if isinstance(value, list | tuple) and value and not isinstance(value[0], list | tuple):
        return f"{_ARRAY}{_kind_of(name, value[0])}>"
    for kind, word in _KINDS:
        if isinstance(value, kind):
            return word
    raise UsageError(f"The column {name} has a {type(value).__name__}.", "Pass plain Python values.")


def _check_names(key: Any, newest_by: Any, columns: Any) -> None:
    if isinstance(key, str) or not isinstance(key, Sequence) or not key or not all(isinstance(one, str) for one in key):
        raise UsageError(f"The key is {shown(key)}.", "Pass the names of its columns, as a tuple.")
    if not isinstance(newest_by, str):
        raise UsageError(f"newest_by is {shown(newest_by)}.", "Pass the name of a column.")
    if columns is None:
        return
    if not isinstance(columns, Mapping) or not all(isinstance(one, str) for pair in columns.items() for one in pair):
        raise UsageError(f"columns is {shown(columns)}.", 'Pass a type for each name, such as {"points": "int64"}.')


def _check(kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]], key: Sequence[str], newest_by: str) -> None:
    for name, kind in kinds.items():
        is_array = kind.startswith(_ARRAY)
        if (kind[len(_ARRAY) : -1] if is_array else kind) not in (_ELEMENTS if is_array else _PARSERS):
            types = f"{', '.join(_PARSERS)}, and arrays of {', '.join(_ELEMENTS)}"
            raise UsageError(f"The column {name} is {kind}.", f"The order is defined for {types}.")
    if not rows:
        return
    for name in (*key, newest_by):
        if name not in kinds:
            raise UsageError(f"The rows have no column {name}.", "Correct key and newest_by.")
        if kinds[name].startswith(_ARRAY) or (name == newest_by and kinds[name] not in _ORDERED):
            raise UsageError(f"The column {name} is {kinds[name]}, which has no order.", "Name another column.")
    for number, row in enumerate(rows, 1):
        if unknown := [name for name in row if name not in kinds]:
            raise UsageError(f"Row {number} has the column {unknown[0]}, which is not in columns.", "Add its type.")
