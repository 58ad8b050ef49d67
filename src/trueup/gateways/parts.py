"""Rows in parts, each of which one request can hold."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

# Rows of one statement, as JSON: a request may have 10 MB, and JSON in JSON has more characters.
_MOST_CHARACTERS = 3_000_000


def parts_of_days(
    rows: Sequence[Mapping[str, Any]], column: str, first_date: date, last_date: date, most: int = _MOST_CHARACTERS
) -> Iterator[tuple[date, date, list[Mapping[str, Any]]]]:
    """Consecutive parts of the days, each with its rows: at most ``most`` characters of JSON, or one day."""
    of_day: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        of_day.setdefault(str(row[column]), []).append(row)
    begin, part, size = first_date, list[Mapping[str, Any]](), 0
    for day in (first_date + timedelta(days=number) for number in range((last_date - first_date).days + 1)):
        more = of_day.pop(str(day), [])
        length = len(json.dumps(more, default=str))
        if day > begin and size + length > most:
            yield begin, day - timedelta(days=1), part
            begin, part, size = day, [], 0
        part, size = part + more, size + length
    if of_day:
        raise ValueError(f"rows of {min(of_day)}, which is not replaced")
    yield begin, last_date, part
