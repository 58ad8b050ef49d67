"""The report as JUnit XML, which CI systems show."""

from datetime import date
from xml.etree import ElementTree

from trueup.results.finding import Finding
from trueup.results.report import Report


def to_junit(report: Report) -> str:
    """JUnit XML: one case per rule and date. Errors are failures; not run is skipped, or an error if it blocks."""
    found: dict[tuple[str, date], list[Finding]] = {}
    for finding in report.findings:
        if finding.severity == "error":
            found.setdefault((finding.rule, finding.game_date), []).append(finding)
    suite = ElementTree.Element("testsuite", name="trueup")

    def mark(case: ElementTree.Element, kind: str, message: str, body: str = "") -> None:
        ElementTree.SubElement(case, kind, message=message).text = body

    for outcome in report.outcomes:
        name = f"{outcome.rule} {outcome.game_date}"
        case = ElementTree.SubElement(suite, "testcase", classname=f"trueup.{outcome.rule}", name=name)
        if errors := found.get((outcome.rule, outcome.game_date)):
            texts = (f"{one.summary}\nNext: {one.remedy}\nRunbook: {one.runbook}\n{one.query}" for one in errors)
            mark(case, "failure", errors[0].summary, "\n\n".join(texts))
        elif outcome.is_blocking:
            mark(case, "error", outcome.reason)
        elif outcome.outcome == "not_run":
            mark(case, "skipped", outcome.reason)
    for problem in report.problems:
        case = ElementTree.SubElement(suite, "testcase", classname="trueup", name="the check ran")
        mark(case, "error", problem)
    suite.set("tests", str(len(suite)))
    for attribute, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{kind}"))))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
