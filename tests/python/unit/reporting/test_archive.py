"""The reports of earlier checks stay, and an index lists them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from helpers.report_cases import INCIDENT, WINDOW, outcome
from trueup.errors import UsageError
from trueup.reporting import archive
from trueup.reporting.archive import keep, kept
from trueup.reporting.artifacts import EARLIER
from trueup.reporting.run_report import RunReport, open_report
from trueup.results.report import Report, SuiteResult

BEGAN = datetime(2026, 2, 4, 13, 0, 7, tzinfo=UTC)
HEALTHY = Report(WINDOW, "local", outcomes=(outcome("DUP001"),))


def run_of(folder: Path, began_at: datetime = BEGAN) -> RunReport:
    return RunReport(folder, WINDOW, "local", None, began_at, lambda: began_at + timedelta(minutes=2))


def test_reports_of_earlier_days_are_reached_from_todays(tmp_path: Path) -> None:
    for day, report in enumerate((HEALTHY, INCIDENT)):
        run = run_of(tmp_path, BEGAN + timedelta(days=day))
        with open_report(run):
            run.finish(report, {})
    assert f'href="{EARLIER}"' in (tmp_path / "report.html").read_text()
    index = (tmp_path / EARLIER).read_text()
    names = ["2026-02-05T130007000000Z.local.findings.html", "2026-02-04T130007000000Z.local.healthy.html"]
    assert index.index(f'href="{names[0]}"') < index.index(f'href="{names[1]}"')
    assert "2026-02-04 13:00 UTC" in index
    for name in names:
        page = (tmp_path / "reports" / name).read_text()
        assert 'href="index.html"' in page


def test_a_second_result_of_a_run_replaces_the_first(tmp_path: Path) -> None:
    run = run_of(tmp_path)

    def interrupted() -> None:
        with open_report(run):
            run.finish(HEALTHY, {})
            raise UsageError("planted")

    with pytest.raises(UsageError):
        interrupted()
    assert [one.status for one in kept(tmp_path)] == ["could_not_check"]
    assert "planted" in (tmp_path / "reports" / kept(tmp_path)[0].name).read_text()


def test_a_kept_report_has_no_links_that_end(tmp_path: Path) -> None:
    suite = SuiteResult("s", "EXP001", 1, 0, (), "data_docs/s.html")
    keep(tmp_path, replace(HEALTHY, data_docs="data_docs/index.html", suites=(suite,)), {}, BEGAN)
    assert "data_docs" not in (tmp_path / "reports" / kept(tmp_path)[0].name).read_text()


def test_a_killed_run_stays_in_the_index_as_unfinished(tmp_path: Path) -> None:
    run_of(tmp_path).begin()  # and nothing more
    next_run = run_of(tmp_path, BEGAN + timedelta(days=1))
    with open_report(next_run):
        next_run.finish(HEALTHY, {})
    killed = kept(tmp_path)[-1]
    assert killed.began_at == "2026-02-04 13:00 UTC"
    assert killed.status == "could_not_check"
    assert "is still running or was killed" in (tmp_path / "reports" / killed.name).read_text()
    assert killed.name in (tmp_path / EARLIER).read_text()


def stamps(*began_at: datetime) -> list[str]:
    return [f"{one:%Y-%m-%d %H:%M} UTC" for one in began_at]


def test_the_newest_ninety_and_the_last_of_ninety_days_stay_and_other_files_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "render", lambda *_, **__: "a page")  # many
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mine.html").write_text("x")
    runs = [BEGAN + timedelta(days=day, minutes=minute) for day in range(95) for minute in (0, 30)]
    runs += [BEGAN + timedelta(days=95, minutes=minute) for minute in range(80)]
    for began_at in runs:
        keep(tmp_path, HEALTHY, {}, began_at)
    newest, older = runs[:-91:-1], runs[-91::-1]
    last_of_days = [one for one in older if one.minute == 30 and one >= BEGAN + timedelta(days=6)]
    assert [one.began_at for one in kept(tmp_path)] == stamps(*newest, *last_of_days)
    assert len(last_of_days) == 84  # the newest 90 runs are of six days
    assert (tmp_path / "reports" / "mine.html").exists()
    assert (tmp_path / EARLIER).read_text().count("healthy.html") == len(kept(tmp_path))


def test_runs_of_two_targets_that_begin_together_are_both_kept(tmp_path: Path) -> None:
    for target in ("prod", "a/b .html"):
        keep(tmp_path, replace(HEALTHY, target=target), {}, BEGAN)
    assert [one.target for one in kept(tmp_path)] == ["prod", "a_b__html"]
    assert "<td>2026-02-03<td>prod<td>healthy" in (tmp_path / EARLIER).read_text()


def test_one_target_does_not_push_out_the_reports_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "render", lambda *_, **__: "a page")  # many
    keep(tmp_path, replace(HEALTHY, target="prod"), {}, BEGAN)
    for minute in range(95):
        keep(tmp_path, replace(HEALTHY, target="staging"), {}, BEGAN + timedelta(minutes=1 + minute))
    assert [one.target for one in kept(tmp_path)] == [*["staging"] * 90, "prod"]


def test_reports_of_a_clock_that_was_ahead_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "render", lambda *_, **__: "a page")  # many
    for minute in range(91):
        keep(tmp_path, HEALTHY, {}, BEGAN + timedelta(days=400, minutes=minute))
    for minute in range(91):
        keep(tmp_path, INCIDENT, {}, BEGAN + timedelta(minutes=minute))
    found = kept(tmp_path)
    assert [one.status for one in found].count("findings") == 90
    assert BEGAN.strftime("%Y-%m-%d") == found[-1].day


def test_reports_of_earlier_versions_stay(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "2026-02-03T130007Z.findings.html").write_text("x")
    keep(tmp_path, HEALTHY, {}, BEGAN)
    assert [(one.day, one.target, one.status) for one in kept(tmp_path)] == [
        ("2026-02-04", "local", "healthy"), ("2026-02-03", "", "findings"),
    ]  # fmt: skip


def test_a_folder_that_cannot_be_used_is_a_note_of_the_report(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    run = run_of(tmp_path)
    with open_report(run):
        report: Report = run.finish(HEALTHY, {})
    assert report.status == "healthy"
    assert "It was not kept with the earlier reports" in report.notes[-1]
    assert EARLIER not in (tmp_path / "report.html").read_text()
