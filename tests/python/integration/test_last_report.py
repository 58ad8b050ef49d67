"""The last run's report at the command line: never taken for today's, by nobody."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from helpers.command_line import begin, call, copy_project, trueup
from helpers.report_cases import INCIDENT, RULES
from trueup.reporting.artifacts import read_report, write_report
from trueup.results.report import Report
from trueup.window import now

FILES = ("report.json", "junit.xml", "report.html")
DEAD = {"TRUEUP_BIGQUERY_ENDPOINT": "http://127.0.0.1:1"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(copy: Path) -> Path:
    """A project whose last check, two hours ago, had findings."""
    shutil.rmtree(copy / ".trueup", ignore_errors=True)
    write_report(copy / ".trueup", INCIDENT, RULES, now() - timedelta(hours=2))
    return copy


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A warehouse that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


def contents(project: Path) -> list[bytes]:
    return [(project / ".trueup" / name).read_bytes() for name in FILES]


def left_behind(project: Path) -> Report:
    """The report that a check left, which is nowhere the one that was there before."""
    report = read_report(project / ".trueup")
    assert (report.status, report.findings) == ("could_not_check", ())
    assert report.written_at is not None
    assert now() - report.written_at < timedelta(minutes=5)
    assert "<error" in (project / ".trueup" / "junit.xml").read_text()
    assert "Rows doubled" not in (project / ".trueup" / "report.html").read_text()
    return report


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dayz", "3"), "unrecognized arguments: --dayz 3. Did you mean --days?"),
        (("--days", "three"), "invalid int value: 'three'"),
        (("--junit",), "argument --junit: expected one argument"),
        (("--days", "0"), "--days 0"),
        (("--as-of", "noon"), "'noon' is not a timestamp"),
        (("--target", "nowhere"), "The target 'nowhere' cannot be used"),
    ],
)
def test_a_wrongly_used_check_leaves_its_reason(project: Path, arguments: tuple[str, ...], said: str) -> None:
    done = trueup(project, "check", *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (problem,) = left_behind(project).problems
    assert said in problem
    shown = trueup(project, "report")
    assert shown.returncode == 3
    assert said.split(".")[0] in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("setting", "wrong", "said"),
    [
        ("families_off: []", "families_off: [completions]", "families_off has unknown families: completions."),
        ('reports_due_time: "08:00"', "reports_due_time: 8am", "reports_due_time"),
        ("completion_rule: seed", "completion_rule: seeds", "'seeds'"),
    ],
)
def test_a_wrong_setting_is_wrong_usage_before_anything_is_built(
    project: Path, setting: str, wrong: str, said: str
) -> None:
    settings = project / "dbt_project.yml"
    right = settings.read_text()
    settings.write_text(right.replace(f"  {setting}\n", f"  {wrong}\n"))
    try:
        done = trueup(project, "check", **DEAD)
    finally:
        settings.write_text(right)
    assert done.returncode == 2, done.stderr
    (problem,) = left_behind(project).problems
    assert said in problem


def test_a_broken_profile_leaves_its_reason(project: Path, tmp_path: Path) -> None:
    (tmp_path / "profiles.yml").write_text("trueup: {outputs: [}")
    done = trueup(project, "check", DBT_PROFILES_DIR=str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert str(tmp_path) in left_behind(project).problems[0]


def test_wrong_usage_is_reported_where_the_arguments_say(project: Path, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    elsewhere = ("--project-dir", str(project), "--target", "prod", f"--junit={junit}")
    done = call(tmp_path, "--nonsense", "check", *elsewhere)
    assert done.returncode == 2
    assert left_behind(project).target == "prod"
    assert "unrecognized arguments: --nonsense" in junit.read_text()


def test_the_file_of_junit_xml_is_replaced_where_there_is_no_project(project: Path, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    for more in ((), ("--nosuch",)):
        junit.write_text("yesterday's")
        assert call(project, "check", "--project-dir", "/nonexistent", *more, "--junit", str(junit)).returncode == 2
        assert "<error" in junit.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "--help"), 0),
        (("check", "--dayz", "3", "--help"), 0),
        (("--version",), 0),
        (("chekc",), 2),
        (("replay", "check", "--nonsense"), 2),
        (("report", "--format", "xml"), 2),
        (("check", "--project-dir", "seeds/../.."), 2),
    ],
)
def test_what_is_no_check_here_leaves_the_last_report_as_it_is(
    project: Path, arguments: tuple[str, ...], code: int
) -> None:
    before = contents(project)
    done = trueup(project, *arguments)
    assert (done.returncode, contents(project)) == (code, before), done.stderr


@contextmanager
def checking(project: Path, silent: socket.socket, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A check that waits for the warehouse."""
    endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
    with begin(project, "check", *arguments, TRUEUP_BIGQUERY_ENDPOINT=endpoint) as check:
        connection, _ = silent.accept()
        with connection:  # one that is closed would be an answer
            yield check


def test_a_killed_check_leaves_that_it_has_not_finished(project: Path, tmp_path: Path, silent: socket.socket) -> None:
    junit = tmp_path / "junit.xml"
    with checking(project, silent, "--junit", str(junit)) as check:
        check.send_signal(signal.SIGKILL)
    report = left_behind(project)
    assert "has not finished" in report.problems[0]
    assert report.target == "local"
    assert "has not finished" in junit.read_text()
    shown = trueup(project, "report")
    assert (shown.returncode, "has not finished" in " ".join(shown.stdout.split())) == (3, True)


def test_ctrl_c_leaves_that_the_check_was_interrupted(project: Path, silent: socket.socket) -> None:
    with checking(project, silent) as check:
        check.send_signal(signal.SIGINT)
        assert check.wait(timeout=20) in (130, -signal.SIGINT)
    assert "was interrupted" in left_behind(project).problems[0]


def test_a_defect_leaves_that_there_was_one(project: Path, tmp_path: Path) -> None:
    broken = copy_project(tmp_path)
    write_report(broken / ".trueup", INCIDENT, RULES, now())
    planted = "import csv\ndef fail(*a, **k): raise ZeroDivisionError('planted')\ncsv.DictReader.__init__ = fail\n"
    (tmp_path / "sitecustomize.py").write_text(planted)
    done = call(broken, "check", **DEAD, PYTHONPATH=str(tmp_path))
    assert done.returncode == 3
    assert "ZeroDivisionError: planted" in " ".join(done.stderr.split())
    assert "ZeroDivisionError: planted" in left_behind(broken).problems[0]
    assert "Traceback" in (broken / ".trueup" / "crash.log").read_text()


def test_a_seed_that_is_not_utf_8_is_named(project: Path, tmp_path: Path) -> None:
    broken = copy_project(tmp_path)
    (broken / "seeds" / "rules.csv").write_bytes(b"\xff\xfe")
    done = call(broken, "check", **DEAD)
    assert done.returncode == 2
    assert "rules.csv" in left_behind(broken).problems[0]


def test_a_check_that_finishes_leaves_its_own_report_and_when_it_was_written(project: Path, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    done = trueup(project, "check", "--format", "json", "--junit", str(junit), **DEAD)
    assert done.returncode == 3
    assert "does not answer at http://127.0.0.1:1" in left_behind(project).problems[0]
    assert json.loads(done.stdout)["written_at"]
    assert done.stdout.strip() == (project / ".trueup" / "report.json").read_text()
    assert junit.read_text() == (project / ".trueup" / "junit.xml").read_text()


def test_the_age_of_a_report_is_shown_as_text_and_is_in_the_json(project: Path) -> None:
    shown = " ".join(trueup(project, "report").stdout.split())
    assert "UTC, 2 hours ago. Target local, as of 2026-02-04 21:00 UTC." in shown
    as_json = json.loads(trueup(project, "report", "--format", "json").stdout)
    assert as_json["written_at"] == json.loads(contents(project)[0])["written_at"]


def test_an_alert_of_an_old_report_is_refused_unless_it_is_asked_for(project: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    channel = {"GITHUB_STEP_SUMMARY": str(summary)}
    assert trueup(project, "alert", **channel).returncode == 0
    assert summary.exists()
    summary.unlink()
    write_report(project / ".trueup", INCIDENT, RULES, now() - timedelta(hours=13))
    for arguments in ((), ("--preview",), ("--max-age", "12.5")):
        done = trueup(project, "alert", *arguments, **channel)
        said = " ".join(done.stderr.split())
        assert (done.returncode, done.stdout) == (3, ""), said
        assert "13 hours ago" in said
        assert "--max-age HOURS" in said
        assert not summary.exists()
    assert trueup(project, "alert", "--max-age", "14", **channel).returncode == 0
    assert summary.exists()
    assert trueup(project, "alert", "--max-age", "0", **channel).returncode == 2


def test_a_report_of_an_older_version_is_refused_by_both(project: Path) -> None:
    file = project / ".trueup" / "report.json"
    old = json.loads(file.read_text())
    del old["written_at"]
    file.write_text(json.dumps(old))
    for command in ("report", "alert"):
        done = trueup(project, command, GITHUB_STEP_SUMMARY=os.devnull)
        assert done.returncode == 3
        assert "'written_at' is missing" in " ".join(done.stderr.split())


def test_a_project_that_is_named_is_not_taken_for_another(project: Path, tmp_path: Path) -> None:
    """Where nothing is named it may be the one that trueup was installed from."""
    done = trueup(project, "report", "--project-dir", str(tmp_path))
    assert (done.returncode, "No trueup project" in " ".join(done.stderr.split())) == (2, True)
    assert trueup(tmp_path, "report", "--project-dir", str(project / "seeds")).returncode == 1
