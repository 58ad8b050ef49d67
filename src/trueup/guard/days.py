"""The guarded write: one day of a table is replaced as a whole, or not at all."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from trueup.completion.encoding import parse_timestamp
from trueup.errors import UsageError
from trueup.guard.newest import calendar_date, checked_rows, numeric
from trueup.guard.reports import date_text
from trueup.guard.retrying import check_deadline, retry
from trueup.plain import shown

# The fence's column is an INT64.
_TOKENS_END = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARRAY = "array<"
_BOOLS = {**dict.fromkeys(("true", "t", "yes", "y", "1"), True), **dict.fromkeys(("false", "f", "no", "n", "0"), False)}
_DIGITS = re.compile(r"[+-]?[0-9]{1,19}")
_UTC_WORD = re.compile(r" ?UTC$")


def replace_day(
    client: Any,
    table: str,
    rows: Iterable[Mapping[str, Any]],
    partition: tuple[str, str | date],
    *,
    token: int,
    key: Sequence[str] = (),
    fence: str | None = None,
    allow_empty: bool = False,
    deadline: timedelta = timedelta(minutes=5),
) -> int:
    """Replace all rows of one day of a BigQuery table by ``rows``; the number of rows written.

    ``client``: a google.cloud.bigquery.Client. ``table``: ``dataset.table``. ``rows``: a dict for each row, with dates,
    aware datetimes, Decimals, numbers, texts and lists; a column that a row lacks is NULL. ``partition``: the DATE
    column, and the day that all rows have in it. ``token``: of the ProcessingLock. ``key``: if given, rows with equal
    keys, compared as the types of their columns, are refused (``keep_newest`` removes them). ``fence``: the table
    of the greatest tokens, default ``<table>_fence``; it is made when missing. ``allow_empty``: whether no rows may
    empty the day. ``deadline``: how long a write that lost to another transaction is repeated.

    The rows are loaded into a table beside it. Then, in one transaction, the fence takes the token, the day is deleted,
    and the rows are inserted. Whoever is killed meanwhile leaves the old day or the new one. There is no second way.

    Raises UsageError for wrong rows or arguments, FencedError if a later holder of the lock has written the day,
    ConcurrentUpdateError if other transactions won until the deadline, and WarehouseError if BigQuery refuses: then
    nothing is written. If BigQuery does not answer, it is unknown whether the day is written: repeat it with the token.
    Needs bigquery.jobs.create, and bigquery.tables.create, get, getData, updateData and delete on the dataset.
    """
    # Only now: Google's BigQuery client imports pandas where that is installed.
    from trueup.gateways.replaced_day import DayTable

    column, day = _checked_partition(partition)
    given = checked_rows(rows)
    _check_arguments(client, key, token)
    check_deadline(deadline)
    if not given and not allow_empty:
        raise UsageError(
            f"There are no rows for {table} on {day}.", "To empty the day, pass allow_empty=True. Else write nothing."
        )
    target = DayTable(client, table, fence)
    columns = target.columns()
    _check_day(given, column, day, columns, table)
    _check_keys(_typed_rows(given, columns), key, columns, table)
    beside = target.load([encoded(row) for row in given])
    try:
        retry(lambda: target.replace(beside, column, day, token, list(columns)), deadline=deadline)
    finally:
        target.drop(beside)
    return len(given)


def _checked_partition(partition: Any) -> tuple[str, date]:
    if not isinstance(partition, tuple | list) or len(partition) != 2 or not isinstance(partition[0], str):
        raise UsageError(f"The partition is {shown(partition)}.", "Pass the DATE column and the day, as a tuple.")
    if not isinstance(partition[1], str | date):
        raise UsageError(f"The day of partition is {shown(partition[1])}.", "Pass a date, or YYYY-MM-DD.")
    return partition[0], date.fromisoformat(date_text(partition[1], "the day of partition"))


def _check_arguments(client: Any, key: Any, token: Any) -> None:
    if not all(callable(getattr(client, name, None)) for name in ("get_table", "query", "load_table_from_file")):
        raise UsageError(f"The client is {shown(client)}.", "Pass a google.cloud.bigquery.Client.")
    if isinstance(key, str) or not isinstance(key, Sequence) or not all(isinstance(one, str) for one in key):
        raise UsageError(f"The key is {shown(key)}.", "Pass names of columns that are no arrays, as a tuple.")
    if isinstance(token, bool) or not isinstance(token, int) or not 1 <= token < _TOKENS_END:
        raise UsageError(f"The token is {shown(token)}.", "Pass the token of a ProcessingLock.")


def _check_day(
    rows: Sequence[Mapping[str, Any]], column: str, day: date, columns: Mapping[str, str], table: str
) -> None:
    if columns.get(column) != "date":
        is_what = columns.get(column, "missing")
        raise UsageError(f"The column {column} of {table} is {is_what}, expected date.", "Name the partition column.")
    for number, row in enumerate(rows, 1):
        if unknown := sorted(name for name in row if name not in columns):
            raise UsageError(f"Row {number} has the column {unknown[0]}, which {table} lacks.", "Correct the rows.")
        for name, value in row.items():
            if columns[name] == "timestamp" and isinstance(value, datetime) and value.tzinfo is None:
                raise UsageError(f"Row {number} has {name} {shown(value)} without a time zone.", "Use UTC.")
        found = row.get(column)
        if isinstance(found, datetime) or found not in (day, day.isoformat()):
            raise UsageError(f"Row {number} has {column} {shown(found)}, expected {day}.", "Write one day at a time.")


def _typed_rows(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each value as the type of its column. BigQuery would tell a wrong one only after the load, not its row."""
    typed: list[dict[str, Any]] = []
    for number, row in enumerate(rows, 1):
        typed.append({})
        for name, value in row.items():
            try:
                typed[-1][name] = _typed(value, columns[name])
            except (TypeError, ValueError, ArithmeticError, RecursionError, UsageError) as error:
                raise UsageError(
                    f"Row {number} has {name} {shown(value)}, which is no {columns[name]}.", "Correct the rows."
                ) from error
    return typed


def _check_keys(rows: Sequence[Mapping[str, Any]], key: Sequence[str], columns: Mapping[str, str], table: str) -> None:
    """``rows``: typed ones, since 1 and "1" are one number. Rows with a NULL in the key equal no row."""
    if any(columns.get(name, "array").startswith("array") for name in key):
        raise UsageError(f"The key is {shown(key)}.", f"Pass names of columns of {table} that are no arrays.")
    seen: set[tuple[Any, ...]] = set()
    for number, row in enumerate(rows, 1):
        values = tuple(row.get(name) for name in key)
        if key and None not in values:
            if values in seen:
                said = f"Row {number} for {table} has the key {shown(values)} of a row before it."
                raise UsageError(said, "Pass the rows through keep_newest.")
            seen.add(values)


def _typed(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if not kind.startswith(_ARRAY):
        return _LOADED.get(kind, _anything)(value)
    if not isinstance(value, list | tuple) or None in value:
        raise TypeError
    return [_typed(one, kind[len(_ARRAY) : -1]) for one in value]


def _bool(value: Any) -> bool:
    if str(value).lower() not in _BOOLS or isinstance(value, float | Decimal):
        raise ValueError
    return _BOOLS[str(value).lower()]


def _integer(value: Any) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    # The bounds come first: int(Decimal("1e999999999")) would not end.
    if isinstance(value, bool | str) or not -(2**63) <= value < 2**63 or int(value) != value:
        raise ValueError
    return int(value)


def _float(value: Any) -> float | str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError
    number = float(value)
    if math.isinf(number) and not isinstance(value, float) and "inf" not in str(value).lower():
        raise OverflowError
    # NaN is no equal of itself, but BigQuery groups it.
    return "NaN" if math.isnan(number) else number


def _text(value: Any) -> str:
    """BigQuery stores a number as its text. Half of a surrogate pair is no text: encode() refuses it."""
    if isinstance(value, Mapping | list | tuple):
        raise TypeError
    made = encoded(value)
    text = made if isinstance(made, str) else json.dumps(made)
    text.encode()
    return text


def _moment(value: Any) -> datetime:
    """As BigQuery reads it: numbers are seconds since 1970, and a text without an offset is in UTC."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _EPOCH + timedelta(seconds=float(value))
    if isinstance(value, str):
        value = parse_timestamp(_UTC_WORD.sub("Z", value))
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise TypeError
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _local(value: Any) -> datetime:
    """A DATETIME has no time zone; whether a text may have one is BigQuery's to say."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise ValueError
    return _moment(value).replace(tzinfo=None) if isinstance(value, str | date) else _anything(value)


def _clock(value: Any) -> time:
    return time.fromisoformat(value) if not isinstance(value, time) else value


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else base64.b64decode(value, validate=True)


def _anything(value: Any) -> Any:
    """A type whose values are not looked into (json, struct, geography, …): it must only be loadable."""
    return json.dumps(encoded(value), sort_keys=True, ensure_ascii=False).encode()


_LOADED: Mapping[str, Callable[[Any], Any]] = {
    "bool": _bool,
    "int64": _integer,
    "float64": _float,
    "numeric": numeric,
    "string": _text,
    "timestamp": _moment,
    "date": calendar_date,
    "datetime": _local,
    "time": _clock,
    "bytes": _bytes,
}


def encoded(value: Any) -> Any:
    """A value for JSON that BigQuery loads as it is."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        # Without an offset it is a DATETIME; BigQuery refuses an offset in it, and UTC is its TIMESTAMP.
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(name): encoded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(one) for one in value]
    raise UsageError(f"{shown(value)} is a {type(value).__name__}.", "Pass plain Python values.")
