"""Bad input at the command line: a clear message, the right exit code, no traceback, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.command_line import begin, call, copy_project, trueup
from helpers.nights import folder_of
from helpers.receivers import receiver
from helpers.report_cases import INCIDENT
from helpers.support import PROJECT, SCENARIOS
from trueup.reporting.json_form import to_json
from trueup.window import now

WINDOW = ("--first-date", "2026-02-03", "--last-date", "2026-02-03", "--as-of", "2026-02-04T15:30:00Z")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "--target", "nowhere"), "nowhere"),
        (("check", "--first-date", "2026-02-03", "--last-date", "2026-02-01"), "is after"),
        (("check", "--first-date", "soon"), "not a date"),
        (("check", "--days", "0"), "--days 0"),
        (("check", "--frist-date", "2026-02-03"), "Did you mean --first-date?"),
        (("chekc",), "Did you mean check?"),
        (("check", "--as-of", "2026-02-04T15:30:00"), "no offset"),
        (("check", "--format", "xml"), "invalid choice"),
        (("check", "--days", "9999999"), "before the year 1"),
        (("check", "--as-of", "0001-01-01T00:00:00Z"), "0001-01-01"),
        (("check", "--project-dir", "/"), "No trueup project found at /"),
        (("nonsense",), "invalid choice"),
        ((), "No command"),
        (("replay", "nowhere"), "No scenario found at nowhere"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_wrong(project: Path, arguments: tuple[str, ...], said: str) -> None:
    done = trueup(project, *arguments)
    assert done.returncode == 2, done.stderr
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""


@pytest.mark.slow
def test_ctrl_c_while_dbt_builds_ends_all_of_it(project: Path) -> None:
    """dbt catches Ctrl-C for itself; a terminal sends it to the whole process group."""
    with begin(project, "replay", str(SCENARIOS / "clean-twin-2026-02-03")) as replay:
        assert replay.stderr is not None
        said = ""
        while "Building the models" not in said:
            said = replay.stderr.readline()
            assert said, "it ended before it built the models"
        time.sleep(2)
        os.killpg(replay.pid, signal.SIGINT)
        rest = replay.stderr.read()
        # Python ends by the signal itself where the interrupt passed an exec() of text: a shell sees 130.
        assert replay.wait(timeout=20) in (130, -signal.SIGINT)
    assert "interrupted; nothing is left running" in rest


def test_a_scheduler_that_ends_a_run_is_told_so_and_nothing_is_left(project: Path) -> None:
    with begin(project, "replay", str(SCENARIOS / "clean-twin-2026-02-03")) as replay:
        assert replay.stderr is not None
        assert "Starting the embedded warehouse" in replay.stderr.readline()
        replay.send_signal(signal.SIGTERM)
        rest = replay.stderr.read()
        assert replay.wait(timeout=20) == 143
    assert rest.strip().endswith("trueup: interrupted; nothing is left running.")
    assert "Traceback" not in rest


def test_local_commands_find_the_dbt_that_came_with_trueup(project: Path) -> None:
    """The README's command, where nobody has activated the virtual environment."""
    command = 'command -v dbt; echo "$TRUEUP_COMPLETIONS"'
    emulator = {"TRUEUP_COMPLETIONS": "firestore", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}
    said = trueup(project, "local", "--", "sh", "-c", command, PATH="/usr/bin:/bin", **emulator)
    assert said.returncode == 0
    found, completions = said.stdout.splitlines()
    assert Path(found).parent == Path(sys.executable).parent
    assert completions == "firestore", "Google's emulator beside the embedded warehouse"


def test_an_empty_warehouse_is_could_not_check(project: Path) -> None:
    done = trueup(project, "check", *WINDOW, "--format", "json")
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == "could_not_check"
    assert report["findings"] == []
    # trueup's own tables, which say that nothing could be checked, are examined all the same.
    of_the_data = [one for one in report["outcomes"] if one["rule"] not in ("EXP003", "EXP004")]
    assert {one["outcome"] for one in of_the_data} == {"not_run"}
    assert any("This embedded warehouse is empty" in note for note in report["notes"])
    saved = json.loads((project / ".trueup" / "report.json").read_text())
    assert saved["status"] == "could_not_check"
    assert "<error" in (project / ".trueup" / "junit.xml").read_text()
    again = trueup(project, "report", "--format", "json")
    assert (again.returncode, json.loads(again.stdout)) == (3, report)


def test_reconcile_on_an_empty_warehouse_says_what_to_do(project: Path) -> None:
    done = trueup(project, "reconcile", *WINDOW)
    assert done.returncode == 3
    said = " ".join(done.stdout.split())
    assert "This embedded warehouse is empty. For BigQuery, add --target prod" in said
    assert "no plan: some of its evidence could not be checked" in said


def test_bigquery_without_credentials_says_how_to_get_them(project: Path, tmp_path: Path) -> None:
    done = trueup(
        project, "check", "--target", "prod", *WINDOW,
        TRUEUP_PROJECT="company", GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "nothing.json"),
    )  # fmt: skip
    assert done.returncode == 3
    assert "gcloud auth application-default login" in " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def incident(tmp_path: Path) -> Path:
    """A project whose last check was that of the incident; its Data Docs are one page."""
    for name in ("seeds", "expectations"):
        (tmp_path / name).symlink_to(PROJECT / name)
    for name in ("dbt_project.yml", "profiles.example.yml"):
        shutil.copy(PROJECT / name, tmp_path)
    state = tmp_path / ".trueup"
    (state / "data_docs").mkdir(parents=True)
    (state / "data_docs" / "index.html").write_text("<title>Data Docs</title>")
    report = replace(INCIDENT, data_docs="data_docs/index.html", written_at=now())
    (state / "report.json").write_text(to_json(report), encoding="utf-8")
    return tmp_path


def test_the_report_is_made_again_from_its_artifacts_alone(incident: Path) -> None:
    page = incident / ".trueup" / "report.html"
    done = trueup(incident, "report", TRUEUP_BIGQUERY_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout.strip().endswith("The report: .trueup/report.html")
    assert done.stdout.startswith("Report written ")
    first = page.read_bytes()
    assert b"Rows doubled in player_game_summary" in first
    trueup(incident, "report")
    assert page.read_bytes() == first


@pytest.mark.parametrize(
    ("broken", "said"), [("data_docs/index.html", "data_docs/index.html"), ("report.json", "no report at")]
)
def test_a_report_without_one_of_its_artifacts_says_which(incident: Path, broken: str, said: str) -> None:
    (incident / ".trueup" / broken).unlink()
    done = trueup(incident, "report")
    assert done.returncode == 3
    assert said in "".join(done.stderr.split("\n"))
    assert not (incident / ".trueup" / "report.html").exists()


@pytest.mark.parametrize(("text", "said"), [("[]", "is broken"), ("{}", "is missing"), ('{"as_of": 1', "is broken")])
def test_a_broken_report_is_named(incident: Path, text: str, said: str) -> None:
    (incident / ".trueup" / "report.json").write_text(text)
    done = trueup(incident, "report")
    assert (done.returncode, said in " ".join(done.stderr.split())) == (3, True), done.stderr


def test_an_alert_is_previewed_sent_once_and_told_when_it_is_not(incident: Path) -> None:
    assert trueup(incident, "alert").returncode == 2
    with receiver() as heard:
        shown = trueup(incident, "alert", "--preview", TRUEUP_WEBHOOK=heard.url)
        assert (shown.returncode, heard.received) == (0, [])
        assert '"DUP001"' in shown.stdout
        sent = trueup(incident, "alert", TRUEUP_WEBHOOK=heard.url)
        again = trueup(incident, "alert", TRUEUP_WEBHOOK=heard.url)
        assert (sent.returncode, again.returncode, len(heard.received)) == (0, 0, 1)
        assert "alert webhook sent" in sent.stderr
        assert "alert webhook nothing new" in again.stderr
    down = trueup(incident, "alert", TRUEUP_SLACK_WEBHOOK="http://127.0.0.1:1/T0SECRET")
    assert down.returncode == 3
    assert "alert slack not sent" in down.stderr
    assert "T0SECRET" not in down.stdout + down.stderr


def test_an_alert_that_cannot_be_sent_leaves_the_verdict_and_is_told(project: Path) -> None:
    done = trueup(
        project, "check", *WINDOW, "--format", "json",
        TRUEUP_BIGQUERY_ENDPOINT="http://127.0.0.1:1", TRUEUP_WEBHOOK="http://127.0.0.1:1/T0SECRET",
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (3, "could_not_check")
    (note,) = report["notes"]
    assert note.startswith("The alert to webhook was not sent: ")
    assert "alert webhook not sent" in done.stderr
    assert note in (project / ".trueup" / "report.json").read_text()
    assert "T0SECRET" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("tables/nba_raw.nbac_schedule.csv", "game_status", "status_of_game", "unknown column 'status_of_game'"),
        ("tables/nba_raw.nbac_schedule.csv", ",3,", ",final,", "'final' is not a whole number"),
        ("scenario.yml", "title:", "vars: {families_of: [completion]}\ntitle:", "unknown vars: families_of."),
    ],
)
def test_what_cannot_be_replayed_stops_a_replay_before_it_starts(
    project: Path, tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder_of("no-games"), broken)
    (broken / file).write_text((broken / file).read_text().replace(old, new))
    done = trueup(project, "replay", str(broken))
    assert (done.returncode, said in " ".join(done.stderr.split())) == (2, True), done.stderr


def test_a_shell_completes_commands_options_and_folders(tmp_path: Path) -> None:
    printed = call(PROJECT, "--print-completion", "bash")
    assert (printed.returncode, printed.stderr) == (0, "")
    script = tmp_path / "completion.bash"
    script.write_text(printed.stdout, encoding="utf-8")
    for words, wanted in (("re", "reconcile"), ("check --fi", "--first-date"), ("replay scenar", "scenarios")):
        line = f"source {script}; COMP_WORDS=(trueup {words}); COMP_CWORD={len(words.split())}; _shtab_trueup; "
        done = subprocess.run(
            ["bash", "-c", line + 'echo "${COMPREPLY[@]}"'], cwd=PROJECT, capture_output=True, text=True, check=True
        )
        assert wanted in done.stdout.split(), words
