"""The report during and after a run: it never is the last run's report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from helpers.report_cases import INCIDENT, RULES, WINDOW
from trueup.errors import CannotCheckError, DbtError, UsageError
from trueup.reporting import artifacts
from trueup.reporting.artifacts import read_report, write_report
from trueup.reporting.run_report import RunReport, open_report, refuse
from trueup.results.finding import by_severity
from trueup.results.report import Report

YESTERDAY = datetime(2026, 2, 4, 13, tzinfo=UTC)
BEGAN = YESTERDAY + timedelta(days=1)
NOW = BEGAN + timedelta(minutes=3)
NAMES = {"report.json", "junit.xml", "report.html"}


def names_in(folder: Path) -> set[str]:
    """What is in the folder of a report, but for the earlier reports."""
    return {path.name for path in folder.iterdir()} - {"reports"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with yesterday's report, which has findings."""
    write_report(tmp_path / "state", INCIDENT, RULES, YESTERDAY)
    return tmp_path / "state"


def report_in(folder: Path, junit: Path | None = None) -> RunReport:
    return RunReport(folder, WINDOW, "prod", junit, BEGAN, lambda: NOW)


def run(run_report: RunReport, steps: Callable[[], object], error: BaseException | None = None) -> None:
    """A run that takes these steps and then raises the error."""
    with open_report(run_report):
        steps()
        if error:
            raise error


def nothing() -> None: ...


def never() -> None:
    pytest.fail("the run must not begin")


def errors_in(junit: Path) -> list[str]:
    suite = ElementTree.parse(junit).getroot()
    messages = [one.get("message", "") for one in suite.iter("error")]
    assert suite.get("errors") == str(len(messages))
    return messages


def assert_reported(folder: Path, text: str) -> None:
    """All three files contain the text, and none has yesterday's findings."""
    assert names_in(folder) == NAMES
    report = read_report(folder)
    assert (report.status, report.findings, report.written_at) == ("could_not_check", (), NOW)
    (problem,) = report.problems
    assert text in problem
    assert errors_in(folder / "junit.xml") == [problem]
    page = (folder / "report.html").read_text()
    assert "Could not check" in page
    assert "Rows doubled" not in page


def test_a_run_replaces_the_last_report_when_it_starts(folder: Path) -> None:
    report_in(folder).begin()
    assert_reported(folder, "2026-02-05 13:00 UTC has not finished")


def test_a_successful_run_writes_its_result(folder: Path) -> None:
    run_report = report_in(folder)
    run(run_report, lambda: run_report.finish(INCIDENT, RULES))
    assert run_report.result == replace(INCIDENT, written_at=NOW)
    assert read_report(folder).findings == by_severity(INCIDENT.findings)
    assert "Rows doubled" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError("--days is 0.", "Give more."), "--days is 0. Give more."),
        (DbtError("dbt stopped.", "See its log."), "dbt stopped. See its log."),
        (ValueError("x" * 999), f"ValueError: {'x' * 300}. Report it with crash.log"),
        (KeyboardInterrupt(), "was interrupted."),
        (SystemExit(1), "was interrupted."),
    ],
)
def test_a_failed_run_writes_the_reason_and_the_error_propagates(folder: Path, error: BaseException, said: str) -> None:
    with pytest.raises(type(error)) as raised:
        run(report_in(folder), nothing, error)
    assert raised.value is error
    assert_reported(folder, said)


def test_findings_from_before_a_crash_are_kept_with_the_reason(folder: Path) -> None:
    run_report = report_in(folder)
    with pytest.raises(KeyboardInterrupt):
        run(run_report, lambda: run_report.finish(INCIDENT, RULES), KeyboardInterrupt())
    report = read_report(folder)
    assert len(report.findings) == len(INCIDENT.findings)
    assert "was interrupted" in report.problems[0]


def test_a_healthy_report_is_not_healthy_after_its_run_crashed(folder: Path) -> None:
    healthy = replace(INCIDENT, findings=(), outcomes=tuple(o for o in INCIDENT.outcomes if o.outcome == "passed"))
    run_report = report_in(folder)
    with pytest.raises(ValueError, match="later"):
        run(run_report, lambda: run_report.finish(healthy, RULES), ValueError("later"))
    assert run_report.result is not None
    assert run_report.result.status == "healthy"
    assert read_report(folder).status == "could_not_check"


def test_wrong_usage_replaces_the_last_report_by_the_reason(folder: Path) -> None:
    refuse(report_in(folder), UsageError("unrecognized arguments: --dayz.", "trueup check --help shows them."))
    assert_reported(folder, "unrecognized arguments: --dayz. trueup check --help shows them.")


def test_the_first_run_writes_a_report(tmp_path: Path) -> None:
    report_in(tmp_path / "state").begin()
    assert names_in(tmp_path / "state") == NAMES


def test_a_further_junit_file_is_replaced_at_start_and_end(folder: Path, tmp_path: Path) -> None:
    junit = tmp_path / "out" / "junit.xml"
    report_in(folder, junit).begin()
    assert "has not finished" in errors_in(junit)[0]
    with pytest.raises(KeyboardInterrupt):
        run(report_in(folder, junit), nothing, KeyboardInterrupt())
    assert "was interrupted" in errors_in(junit)[0]
    run_report = report_in(folder, junit)
    run(run_report, lambda: run_report.finish(Report(WINDOW, "prod", outcomes=INCIDENT.outcomes[-4:]), RULES))
    assert errors_in(junit) == []


def test_a_junit_file_that_cannot_be_written_is_wrong_usage_before_the_run(folder: Path) -> None:
    junit = folder / "report.json" / "junit.xml"  # below a file
    with pytest.raises(UsageError, match=r"--junit .* cannot be written") as raised:
        run(report_in(folder, junit), never)
    assert raised.value.hint
    assert_reported(folder, "cannot be written")


def test_a_last_report_that_cannot_be_removed_stops_the_run(folder: Path) -> None:
    (folder / "report.html").unlink()
    (folder / "report.html").mkdir()
    with pytest.raises(CannotCheckError, match="cannot be removed") as raised:
        run(report_in(folder), never)
    assert raised.value.hint
    assert "cannot be removed" in read_report(folder).problems[0]


def test_a_partly_written_report_contains_the_error(folder: Path) -> None:
    """As on a full disk; here the page's path is a folder."""
    run_report = report_in(folder)

    def finish_on_a_full_disk() -> None:
        (folder / "report.html").unlink()
        (folder / "report.html").mkdir()
        run_report.finish(INCIDENT, RULES)

    with pytest.raises(CannotCheckError, match=r"report\.html cannot be written"):
        run(run_report, finish_on_a_full_disk)
    report = read_report(folder)
    assert (report.findings, report.written_at) == (by_severity(INCIDENT.findings), NOW)
    assert "report.html cannot be written" in report.problems[0]


def test_texts_that_cannot_be_encoded_are_written(folder: Path) -> None:
    """A target in another encoding; terminal colours in an error."""
    run_report = replace(report_in(folder), target="pr\udcffd")
    with pytest.raises(UsageError):
        run(run_report, nothing, UsageError("\x1b[31mred\x1b[0m \udcff."))
    assert read_report(folder).target == r"pr\udcffd"
    assert "red" in errors_in(folder / "junit.xml")[0]


def test_no_draft_is_left_behind(folder: Path) -> None:
    (folder / "report.html").unlink()
    (folder / "report.html").mkdir()
    with pytest.raises(CannotCheckError):
        artifacts.write_page(folder, INCIDENT, RULES)
    assert names_in(folder) == NAMES
