"""The report as JSON: the output of ``--format json`` and the content of ``report.json``."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import MAXYEAR
from typing import Any

from trueup.parsing import parse
from trueup.results.finding import Finding, by_severity
from trueup.results.report import Report
from trueup.window import MOST_DAYS, WINDOW_VARS


def to_json(report: Report, **more: Any) -> str:
    """One JSON document; ``more``: further keys of a command."""
    data = {field.name: getattr(report, field.name) for field in fields(report) if field.name != "window"}
    window = {name: getattr(report.window, name) for name in WINDOW_VARS}
    rows = {name: [asdict(one) for one in value] for name, value in data.items() if _is_rows(value)}
    findings = plain_findings(report.findings)
    return json_text({**window, "status": report.status, **data, **rows, "findings": findings, **more})


def _is_rows(value: Any) -> bool:
    return isinstance(value, tuple) and all(is_dataclass(one) for one in value)


def plain_findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as dictionaries, worst first."""
    return [{**asdict(one), "runbook": one.runbook} for one in by_severity(findings)]


def json_text(data: Any) -> str:
    """Data as ``--format json`` prints it; dates and timestamps are ISO 8601. ``##`` in a text is escaped: CI systems
    execute ``##[`` anywhere in a line.
    """
    text = json.dumps(data, indent=2, ensure_ascii=False, default=lambda one: one.isoformat())
    return text.replace("##", "#\\u0023")


def from_json(text: str) -> Report:
    """The report that ``to_json`` wrote. Raises KeyError for a missing key, ValueError for any other error."""
    data = json.loads(text, parse_constant=_refuse_constant)
    if not isinstance(data, Mapping):
        raise ValueError("it is not a JSON object")
    window = {name: data[name] for name in WINDOW_VARS}
    rest = {field.name: data[field.name] for field in fields(Report) if field.name != "window"}
    report = parse(Report, json.dumps({"window": window, **rest}))
    times = {name: getattr(report, name) for name in ("written_at", "read_from", "read_until")}
    for name, timestamp in {**times, "as_of": report.window.as_of}.items():
        if timestamp is not None and timestamp.tzinfo is None:
            raise ValueError(f"{name} {data[name]!r} has no time zone")
        if timestamp is not None and not 1 < timestamp.year < MAXYEAR:
            raise ValueError(f"{name} {data[name]!r} is out of range")
    days = (report.window.last_date - report.window.first_date).days
    if not 0 <= days < MOST_DAYS:
        raise ValueError(f"first_date {data['first_date']} to last_date {data['last_date']} is out of range")
    return report


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
