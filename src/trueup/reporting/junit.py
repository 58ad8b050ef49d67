"""The report as JUnit XML, which CI systems show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from xml.etree import ElementTree

from trueup.results.finding import Finding
from trueup.results.report import Report

# Characters that XML does not allow, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> str:
    """JUnit XML: one case per rule and date. Errors are failures; not run is skipped, or an error if it blocks."""
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
