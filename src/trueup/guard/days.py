"""The guarded write: one day of a table is replaced as a whole, or not at all."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from trueup.errors import UsageError
from trueup.guard.reports import date_text
from trueup.guard.retrying import retry

_MOST_SHOWN = 80


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
    keys are refused (``keep_newest`` removes them). ``fence``: the table of the greatest tokens, default
    ``<table>_fence``; it is made when missing. ``allow_empty``: whether no rows may empty the day. ``deadline``: how
    long a write that lost to another transaction is repeated.

    The rows are loaded into a table beside it. Then, in one transaction, the fence takes the token, the day is deleted,
    and the rows are inserted. Whoever is killed meanwhile leaves the old day or the new one. There is no second way.

    Raises UsageError for wrong rows or arguments, FencedError if a later holder of the lock has written the day,
    ConcurrentUpdateError if other transactions won until the deadline, and WarehouseError if BigQuery refuses: then
    nothing is written. If BigQuery does not answer, it is unknown whether the day is written: repeat it with the token.
    Needs bigquery.jobs.create, and bigquery.tables.create, get, getData, updateData and delete on the dataset.
    """
    # Only now: Google's BigQuery client imports pandas where that is installed.
    from trueup.gateways.replaced_day import DayTable

    column, day = partition[0], date.fromisoformat(date_text(partition[1], "the day of partition"))
    if isinstance(token, bool) or not isinstance(token, int) or token < 1:
        raise UsageError(f"The token is {token!r}.", "Pass the token of a ProcessingLock.")
    given = list(rows)
    if not given and not allow_empty:
        raise UsageError(
            f"There are no rows for {table} on {day}.", "To empty the day, pass allow_empty=True. Else write nothing."
        )
    target = DayTable(client, table, fence)
    columns = target.columns()
    _check_day(given, column, day, columns, table)
    _check_keys(given, key, columns, table)
    beside = target.load([encoded(row) for row in given])
    try:
        retry(lambda: target.replace(beside, column, day, token, list(columns)), deadline=deadline)
    finally:
        target.drop(beside)
    return len(given)


def _check_day(
    rows: Sequence[Mapping[str, Any]], column: str, day: date, columns: Mapping[str, str], table: str
) -> None:
    if columns.get(column) != "date":
        is_what = columns.get(column, "missing")
        raise UsageError(f"The column {column} of {table} is {is_what}, expected date.", "Name the partition column.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise UsageError(f"Row {number} is {str(row)[:_MOST_SHOWN]!r}, expected a dict.")
        if unknown := sorted(str(name) for name in row if name not in columns):
            raise UsageError(f"Row {number} has the column {unknown[0]}, which {table} lacks.", "Correct the rows.")
        for name, value in row.items():
            if columns[name] == "timestamp" and isinstance(value, datetime) and value.tzinfo is None:
                raise UsageError(f"Row {number} has {name} {value!r} without a time zone.", "Use UTC.")
        found = row.get(column)
        if isinstance(found, datetime) or found not in (day, day.isoformat()):
            raise UsageError(f"Row {number} has {column} {found!r}, expected {day}.", "Write one day at a time.")


def _check_keys(rows: Sequence[Mapping[str, Any]], key: Sequence[str], columns: Mapping[str, str], table: str) -> None:
    """Rows with a NULL in the key may be different ones: they equal no row."""
    if isinstance(key, str) or any(columns.get(name, "array").startswith("array") for name in key):
        raise UsageError(f"The key is {key!r}.", f"Pass names of columns of {table} that are no arrays, as a tuple.")
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        values = tuple(row.get(name) for name in key)
        if key and None not in values:
            if values in seen:
                raise UsageError(f"Two rows for {table} have the key {values}.", "Pass the rows through keep_newest.")
            seen.add(values)


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
    raise UsageError(f"{str(value)[:_MOST_SHOWN]!r} is a {type(value).__name__}.", "Pass plain Python values.")
