"""The report that stands for today while a check runs and after it: never the last run's."""

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
from trueup.reporting.standing import Standing, refuse, standing_report
from trueup.results.finding import by_severity
from trueup.results.report import Report

YESTERDAY = datetime(2026, 2, 4, 13, tzinfo=UTC)
BEGAN = YESTERDAY + timedelta(days=1)
NOW = BEGAN + timedelta(minutes=3)
NAMES = {"report.json", "junit.xml", "report.html"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of yesterday's report, which had findings."""
    write_report(tmp_path / "state", INCIDENT, RULES, YESTERDAY)
    return tmp_path / "state"


def standing_in(folder: Path, junit: Path | None = None) -> Standing:
    return Standing(folder, WINDOW, "prod", junit, BEGAN, lambda: NOW)


def run(standing: Standing, steps: Callable[[], object], error: BaseException | None = None) -> None:
    """A run that takes these steps, and then meets the error."""
    with standing_report(standing):
        steps()
        if error:
            raise error


def nothing() -> None: ...


def never() -> None:
    pytest.fail("the run must not begin")


def errors_in(junit: Path) -> list[str]:
    suite = ElementTree.parse(junit).getroot()
    told = [one.get("message", "") for one in suite.iter("error")]
    assert suite.get("errors") == str(len(told))
    return told


def says_everywhere(folder: Path, said: str) -> None:
    """All three files say it, and none holds what was found yesterday."""
    assert {path.name for path in folder.iterdir()} == NAMES
    report = read_report(folder)
    assert (report.status, report.findings, report.written_at) == ("could_not_check", (), NOW)
    (problem,) = report.problems
    assert said in problem
    assert errors_in(folder / "junit.xml") == [problem]
    page = (folder / "report.html").read_text()
    assert "Could not check" in page
    assert "Rows doubled" not in page


def test_a_run_that_has_begun_has_replaced_the_last_report(folder: Path) -> None:
    standing_in(folder).begin()
    says_everywhere(folder, "The run that began at 2026-02-05 13:00 UTC has not finished")


def test_a_run_that_ends_well_leaves_what_it_found(folder: Path) -> None:
    standing = standing_in(folder)
    run(standing, lambda: standing.finish(INCIDENT, RULES))
    assert standing.found == replace(INCIDENT, written_at=NOW)
    assert read_report(folder).findings == by_severity(INCIDENT.findings)
    assert "Rows doubled" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError("--days is 0.", "Give more."), "was called or set up wrongly: --days is 0. Give more."),
        (DbtError("dbt stopped.", "See its log."), "could not go on: dbt stopped. See its log."),
        (ValueError("x" * 999), f"met a defect in trueup itself: ValueError: {'x' * 300}. Report it with crash.log"),
        (KeyboardInterrupt(), "was interrupted. Run trueup check again."),
        (SystemExit(1), "was interrupted. Run trueup check again."),
    ],
)
def test_a_run_that_does_not_end_well_leaves_why_and_the_error_goes_on(
    folder: Path, error: BaseException, said: str
) -> None:
    with pytest.raises(type(error)) as raised:
        run(standing_in(folder), nothing, error)
    assert raised.value is error
    says_everywhere(folder, said)


def test_what_was_found_before_a_crash_is_kept_beside_the_reason(folder: Path) -> None:
    standing = standing_in(folder)
    with pytest.raises(KeyboardInterrupt):
        run(standing, lambda: standing.finish(INCIDENT, RULES), KeyboardInterrupt())
    report = read_report(folder)
    assert len(report.findings) == len(INCIDENT.findings)
    assert "was interrupted" in report.problems[0]


def test_a_healthy_report_is_healthy_no_more_when_its_run_crashes(folder: Path) -> None:
    healthy = replace(INCIDENT, findings=(), outcomes=tuple(o for o in INCIDENT.outcomes if o.outcome == "passed"))
    standing = standing_in(folder)
    with pytest.raises(ValueError, match="later"):
        run(standing, lambda: standing.finish(healthy, RULES), ValueError("later"))
    assert standing.found is not None
    assert standing.found.status == "healthy"
    assert read_report(folder).status == "could_not_check"


def test_wrong_usage_replaces_the_last_report_with_its_reason(folder: Path) -> None:
    refuse(standing_in(folder), UsageError("unrecognized arguments: --dayz.", "trueup check --help shows them."))
    says_everywhere(folder, "unrecognized arguments: --dayz. trueup check --help shows them.")


def test_where_no_report_was_the_first_run_leaves_one(tmp_path: Path) -> None:
    standing_in(tmp_path / "state").begin()
    assert {path.name for path in (tmp_path / "state").iterdir()} == NAMES


def test_another_junit_file_is_replaced_too_and_told_of_the_end(folder: Path, tmp_path: Path) -> None:
    junit = tmp_path / "out" / "junit.xml"
    standing_in(folder, junit).begin()
    assert "has not finished" in errors_in(junit)[0]
    with pytest.raises(KeyboardInterrupt):
        run(standing_in(folder, junit), nothing, KeyboardInterrupt())
    assert "was interrupted" in errors_in(junit)[0]
    standing = standing_in(folder, junit)
    run(standing, lambda: standing.finish(Report(WINDOW, "prod", outcomes=INCIDENT.outcomes[-4:]), RULES))
    assert errors_in(junit) == []


def test_a_junit_file_that_cannot_be_written_is_wrong_usage_and_told_before_the_run(folder: Path) -> None:
    junit = folder / "report.json" / "junit.xml"  # below a file
    with pytest.raises(UsageError, match=r"--junit .* cannot be written") as raised:
        run(standing_in(folder, junit), never)
    assert raised.value.hint
    says_everywhere(folder, "cannot be written")


def test_a_last_report_that_cannot_be_removed_stops_the_run(folder: Path) -> None:
    (folder / "report.html").unlink()
    (folder / "report.html").mkdir()
    with pytest.raises(CannotCheckError, match="What is there is not today's") as raised:
        run(standing_in(folder), never)
    assert raised.value.hint
    assert "cannot be replaced" in read_report(folder).problems[0]


def test_a_report_of_which_a_part_cannot_be_written_says_so(folder: Path) -> None:
    """As on a full disk: here its page is a folder."""
    standing = standing_in(folder)

    def finish_on_a_full_disk() -> None:
        (folder / "report.html").unlink()
        (folder / "report.html").mkdir()
        standing.finish(INCIDENT, RULES)

    with pytest.raises(CannotCheckError, match=r"report\.html cannot be written"):
        run(standing, finish_on_a_full_disk)
    report = read_report(folder)
    assert (report.findings, report.written_at) == (by_severity(INCIDENT.findings), NOW)
    assert "report.html cannot be written" in report.problems[0]


def test_texts_that_no_file_can_hold_are_written_all_the_same(folder: Path) -> None:
    """A target given in another encoding; the colours of a terminal in an error."""
    standing = replace(standing_in(folder), target="pr\udcffd")
    with pytest.raises(UsageError):
        run(standing, nothing, UsageError("\x1b[31mred\x1b[0m \udcff."))
    assert read_report(folder).target == "pr?d"
    assert "red" in errors_in(folder / "junit.xml")[0]


def test_no_draft_is_left_behind(folder: Path) -> None:
    (folder / "report.html").unlink()
    (folder / "report.html").mkdir()
    with pytest.raises(CannotCheckError):
        artifacts.write_page(folder, INCIDENT, RULES)
    assert {path.name for path in folder.iterdir()} == NAMES
