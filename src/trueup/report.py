"""The report of one day's check: its data, and its forms for people, machines and CI."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from xml.etree import ElementTree

from trueup.settings import Window

Status = Literal["healthy", "findings", "could_not_check"]
EXIT_CODES: dict[Status, int] = {"healthy": 0, "findings": 1, "could_not_check": 3}
SEVERITIES = ("error", "warn", "info")
# What XML cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in the shape of the model ``findings``."""

    rule: str
    severity: str
    game_date: date
    subject: str
    summary: str
    observed: float | None
    expected: float | None
    detail: Mapping[str, Any]
    remedy: str
    query: str
    fingerprint: str
    waived_because: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one rule said of one date, in the shape of the model ``rule_outcomes``."""

    rule: str
    game_date: date
    outcome: str
    examined_count: int
    reason: str
    is_blocking: bool


@dataclass(frozen=True)
class ServiceLevel:
    """One metric of one date, in the shape of the model ``service_levels``."""

    rule: str
    metric: str
    game_date: date
    unit: str
    value: float | None
    target_value: float
    alert_value: float | None
    alert_when: str
    state: str


@dataclass(frozen=True)
class Lateness:
    """One scraper on one date, in the shape of the model ``scraper_lateness``; moments in UTC."""

    scraper_name: str
    game_date: date
    state: str
    due_at: datetime | None
    alert_at: datetime | None
    first_useful_run_at: datetime | None
    late_by_minutes: float | None
    time_zone: str
    reason: str | None


@dataclass(frozen=True)
class Cost:
    """What one model, test or suite took. ``bytes_processed``: what BigQuery read for it, None where nobody measures
    it: the embedded default.
    """

    name: str
    kind: str
    seconds: float
    bytes_processed: int | None


@dataclass(frozen=True)
class SuiteResult:
    """One suite of Great Expectations in this run. ``unexamined``: its expectations that examined nothing, or could
    not; ``page``: its Data Docs page, a path from the report's folder ("" where there is none).
    """

    name: str
    rule: str
    expectation_count: int
    failed_count: int
    unexamined: tuple[str, ...]
    page: str


@dataclass(frozen=True)
class Report:
    """Everything that one check found out. ``problems``: why parts could not be checked. ``data_docs``: the index
    of Great Expectations' pages, a path from the report's folder ("" where there are none). ``written_at``: when it
    was written to its folder, in UTC; None where it was not.
    """

    window: Window
    target: str
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    lateness: tuple[Lateness, ...] = ()
    suites: tuple[SuiteResult, ...] = ()
    costs: tuple[Cost, ...] = ()
    data_docs: str = ""
    written_at: datetime | None = None

    @property
    def status(self) -> Status:
        """Errors win: someone must act on them. Then what could not be checked. Healthy only where something passed."""
        if any(finding.severity == "error" for finding in self.findings):
            return "findings"
        if self.problems or self.blocked or not any(one.outcome == "passed" for one in self.outcomes):
            return "could_not_check"
        return "healthy"

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 findings of severity error, 3 could not check."""
        return EXIT_CODES[self.status]

    @property
    def blocked(self) -> tuple[Outcome, ...]:
        """The outcomes of rules that should have examined something and could not, whatever else they found."""
        return tuple(one for one in self.outcomes if one.is_blocking)

    def by_severity(self) -> tuple[Finding, ...]:
        """The findings, worst first, then by date, rule and subject."""
        return tuple(
            sorted(
                self.findings,
                key=lambda one: (
                    SEVERITIES.index(one.severity),
                    one.game_date,
                    one.rule,
                    one.subject,
                ),
            )
        )


def finding_from_row(row: Mapping[str, Any]) -> Finding:
    """A row of ``findings`` as a Finding; its ``detail`` is JSON text."""
    return Finding(
        **{name: row[name] for name in Finding.__dataclass_fields__ if name != "detail"},
        detail=json.loads(row["detail"] or "{}"),
    )


def to_json(report: Report, **more: Any) -> str:
    """The one JSON document that ``--format json`` prints, with ``more`` keys where a command has more to say."""
    return json_text(
        {
            "as_of": report.window.as_of.isoformat(),
            "first_date": report.window.first_date.isoformat(),
            "last_date": report.window.last_date.isoformat(),
            "target": report.target,
            "written_at": report.written_at.isoformat() if report.written_at else None,
            "status": report.status,
            "findings": plain_findings(report),
            "outcomes": [_plain(asdict(one)) for one in report.outcomes],
            "service_levels": [_plain(asdict(one)) for one in report.service_levels],
            "problems": list(report.problems),
            "notes": list(report.notes),
            "seconds": dict(report.seconds),
            "lateness": [_plain(asdict(one)) for one in report.lateness],
            "suites": [asdict(one) for one in report.suites],
            "costs": [asdict(one) for one in report.costs],
            "data_docs": report.data_docs,
            **more,
        }
    )


def json_text(data: Any) -> str:
    """A document as every ``--format json`` prints it; dates and moments are ISO text."""
    return json.dumps(data, indent=2, ensure_ascii=False, default=lambda moment: moment.isoformat())


def plain_findings(report: Report) -> list[dict[str, Any]]:
    """The findings as ``--format json`` prints them, worst first."""
    return [plain_finding(asdict(one)) for one in report.by_severity()]


def plain_finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding's fields as ``--format json`` prints them: its date is ISO text."""
    return _plain(finding)


def from_json(text: str) -> Report:
    """The report that ``to_json`` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    data = json.loads(text)
    window = Window(
        date.fromisoformat(data["first_date"]),
        date.fromisoformat(data["last_date"]),
        datetime.fromisoformat(data["as_of"]),
    )

    def dated(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "game_date": date.fromisoformat(row["game_date"])}

    return Report(
        window=window,
        target=data["target"],
        findings=tuple(Finding(**dated(row)) for row in data["findings"]),
        outcomes=tuple(Outcome(**dated(row)) for row in data["outcomes"]),
        service_levels=tuple(ServiceLevel(**dated(row)) for row in data["service_levels"]),
        problems=tuple(data["problems"]),
        notes=tuple(data["notes"]),
        seconds=data["seconds"],
        lateness=tuple(Lateness(**_moments(dated(row))) for row in data["lateness"]),
        suites=tuple(SuiteResult(**{**row, "unexamined": tuple(row["unexamined"])}) for row in data["suites"]),
        costs=tuple(Cost(**row) for row in data["costs"]),
        data_docs=data["data_docs"],
        written_at=_written_at(data["written_at"]),
    )


def _written_at(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"written_at {text!r} has no offset")
    return moment


def to_junit(report: Report) -> str:
    """JUnit XML: one case per rule and date; findings are failures, not run is skipped or an error."""
    found: dict[tuple[str, date], list[Finding]] = {}
    for finding in report.findings:
        found.setdefault((finding.rule, finding.game_date), []).append(finding)
    suite = ElementTree.Element("testsuite", name="trueup")
    counts = {"failure": 0, "error": 0, "skipped": 0}

    def mark(case: ElementTree.Element, kind: str, message: str, body: str = "") -> None:
        counts[kind] += 1
        ElementTree.SubElement(case, kind, message=_xml_text(message)).text = _xml_text(body)

    for outcome in report.outcomes:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"trueup.{outcome.rule}",
            name=f"{outcome.rule} {outcome.game_date}",
        )
        errors = [
            finding for finding in found.get((outcome.rule, outcome.game_date), []) if finding.severity == "error"
        ]
        if errors:
            mark(case, "failure", errors[0].summary, _failure_text(errors))
        elif outcome.is_blocking:
            mark(case, "error", outcome.reason)
        elif outcome.outcome == "not_run":
            mark(case, "skipped", outcome.reason)
    for problem in report.problems:
        case = ElementTree.SubElement(suite, "testcase", classname="trueup", name="the check ran")
        mark(case, "error", problem)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _xml_text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _failure_text(findings: Sequence[Finding]) -> str:
    return "\n\n".join(f"{one.summary}\nNext: {one.remedy}\n{one.query}" for one in findings)


def _moments(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value else value for name, value in row.items()
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
