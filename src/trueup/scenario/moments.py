"""What of a scenario was there at each moment: rows by the times that they hold, documents by their reports.

A row is there from its write time on (``newest_by`` of its source, else a partition by time). Where it was first
written earlier (``first_written_by``), an older version of it was there before, one for each business key. A document
grows with its reports; earlier versions of it may stand beside it, as ``<id>@20260204T200500Z.json``. What has no time
was there from the beginning. Pure functions.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from trueup.completion.encoding import decode_document, parse_timestamp
from trueup.completion.lease import LEASES
from trueup.scenario.scenario import Scenario
from trueup.schemas import TableSchema

Row = Mapping[str, Any]
_Version = tuple[datetime, Mapping[str, Any]]
Documents = dict[str, dict[str, Mapping[str, Any]]]
_VERSION = re.compile(r"(.+)@(\d{8}T\d{6}Z)", re.ASCII)
_TRIGGER = ("_triggered", "_triggered_at", "_trigger_reason")
_COUNT, _UPDATED, _TRIGGERED = "_completed_count", "_last_update", "_triggered_at"


def moments(scenario: Scenario, schemas: Mapping[str, TableSchema]) -> list[datetime]:
    """When something appears, in order."""
    found = {time for name, rows in scenario.tables.items() for row in rows for time in _times(row, schemas[name])}
    for collection, documents in scenario.documents.items():
        for name, raw in documents.items():
            version = _version(name)
            found.update([version[1]] if version else _events(collection, raw))
    return sorted(found)


def rows_at(scenario: Scenario, schemas: Mapping[str, TableSchema], moment: datetime) -> dict[str, list[Row]]:
    """The rows of each table of the scenario at a moment."""
    return {name: list(_rows(rows, schemas[name], moment)) for name, rows in scenario.tables.items()}


def documents_at(scenario: Scenario, moment: datetime) -> Documents:
    """The documents of each collection at a moment, as JSON."""
    found: Documents = {}
    for collection, documents in scenario.documents.items():
        versions: dict[str, list[_Version]] = {}
        for name, raw in documents.items():
            if version := _version(name):
                versions.setdefault(version[0], []).append((version[1], raw))
        for name, raw in documents.items():
            if _version(name):
                continue
            of_versions = versions.get(name, [])
            there = _newest(collection, raw, of_versions, moment) if of_versions else _fields(collection, raw, moment)
            if there is not None:
                found.setdefault(collection, {})[name] = there
    return found


def _newest(
    collection: str, raw: Mapping[str, Any], versions: list[_Version], moment: datetime
) -> Mapping[str, Any] | None:
    """The version of a document at a moment: the last one is there from its own last change on."""
    last = (max(_events(collection, raw), default=moment), raw)
    there = [one for one in [*versions, last] if one[0] <= moment]
    return max(there, key=lambda one: one[0])[1] if there else None


def _written_by(schema: TableSchema) -> str:
    """The column with the time of a row; "" if it has none."""
    by = schema.meta.get("newest_by") or schema.partition_column
    return by if schema.columns.get(by) == "timestamp" else ""


def _time(row: Row, column: str) -> datetime | None:
    text = row.get(column) if column else None
    return parse_timestamp(text).astimezone(UTC) if text else None


def _times(row: Row, schema: TableSchema) -> Iterator[datetime]:
    written, first = _time(row, _written_by(schema)), _time(row, schema.meta.get("first_written_by", ""))
    yield from (time for time in (written, first) if time is not None)


def _rows(rows: tuple[dict[str, Any], ...], schema: TableSchema, moment: datetime) -> Iterator[Row]:
    by, first_by = _written_by(schema), schema.meta.get("first_written_by", "")
    earlier: dict[tuple[Any, ...], tuple[datetime, Row]] = {}
    there = set()
    for row in rows:
        key = tuple(str(row.get(column)) for column in schema.meta.get("grain", ()))
        written, first = _time(row, by), _time(row, first_by)
        if written is None or written <= moment:
            there.add(key)
            yield row
        elif first is not None and first <= moment and (key not in earlier or first < earlier[key][0]):
            earlier[key] = (first, row)
    for key, (first, version) in earlier.items():
        if key not in there:
            yield {**version, by: first.isoformat()}


def is_version(name: str) -> bool:
    """Whether the name of a document's file is that of an earlier version."""
    return _VERSION.fullmatch(name) is not None


def _version(name: str) -> tuple[str, datetime] | None:
    """The id of a document, and the time of this version of it; None if the name is an id."""
    found = _VERSION.fullmatch(name)
    return (found[1], datetime.strptime(found[2], "%Y%m%dT%H%M%S%z")) if found else None


def _moment_of(value: Any) -> datetime | None:
    """A timestamp of a document in its JSON form; None for anything else."""
    try:
        time = decode_document({"": value}, "")[""]
        time = parse_timestamp(time) if isinstance(time, str) else time
    except ValueError:
        return None
    return time.astimezone(UTC) if isinstance(time, datetime) and time.tzinfo else None


def _reports(raw: Mapping[str, Any]) -> dict[str, datetime | None]:
    """When each processor reported, by its field."""
    last = _moment_of(raw.get(_UPDATED))
    return {
        name: _moment_of(value.get("completed_at")) or _moment_of(value.get("timestamp")) or last
        for name, value in raw.items()
        if not name.startswith("_") and isinstance(value, Mapping)
    }


def _events(collection: str, raw: Mapping[str, Any]) -> set[datetime]:
    """When a document changed."""
    if collection == LEASES:
        times = [_moment_of(raw.get("renewed_at"))]
    else:
        times = [*_reports(raw).values(), _moment_of(raw.get(_TRIGGERED)), _moment_of(raw.get(_UPDATED))]
    return {time for time in times if time is not None}


def _fields(collection: str, raw: Mapping[str, Any], moment: datetime) -> Mapping[str, Any] | None:
    """A document without versions at a moment; None if it did not exist."""
    events = sorted(_events(collection, raw))
    if not events or events[-1] <= moment:
        return raw
    if events[0] > moment:
        return None
    reports = _reports(raw)
    later = {name for name, time in reports.items() if time is not None and time > moment}
    trigger = _moment_of(raw.get(_TRIGGERED)) or _moment_of(raw.get(_UPDATED))
    if trigger is not None and trigger > moment:
        later.update(_TRIGGER)
    fields: dict[str, Any] = {name: value for name, value in raw.items() if name not in later}
    if isinstance(raw.get(_COUNT), int):  # it rose with the reports, to what it is in the end
        fields[_COUNT] = min(raw[_COUNT], len(reports) - len(later & reports.keys()))
    if _UPDATED in raw:
        fields[_UPDATED] = {"$timestamp": max(one for one in events if one <= moment).isoformat()}
    return fields
