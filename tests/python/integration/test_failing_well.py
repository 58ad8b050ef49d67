"""What fails says what, with the next step and the right exit code, within seconds; nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.api_core.exceptions import BadRequest, Forbidden, NotFound, ServiceUnavailable, Unauthorized
from google.auth.exceptions import RefreshError
from google.cloud import bigquery
from requests.exceptions import ConnectionError as LostConnectionError

from helpers.command_line import begin, copy_project, environment_of
from helpers.connections import connection
from helpers.report_cases import INCIDENT, WINDOW
from helpers.support import PROJECT
from trueup.errors import DbtError, UsageError, WarehouseError
from trueup.gateways.connection import embedded_connection
from trueup.gateways.dbt import DbtProject, example_profiles
from trueup.gateways.embedded import EmbeddedWarehouse, published
from trueup.gateways.warehouse import Warehouse
from trueup.reporting.json_form import to_json
from trueup.schemas import TableFacts, read_table_schemas
from trueup.window import now, window_vars

pytestmark = pytest.mark.slow

SCHEMA = next(iter(read_table_schemas(PROJECT / "models").values()))
CALLS: dict[str, Callable[[Warehouse], object]] = {
    "probe": lambda one: one.probe(),
    "query": lambda one: one.query("select 1"),
    "lease": lambda one: one.leased("1", "ann").__enter__(),
    "create": lambda one: one.create_table(SCHEMA, "d"),
    "load": lambda one: one.load("d", "t", [{"a": 1}]),
    "drop": lambda one: one.drop_dataset("d"),
    "replace": lambda one: one.replace_days(SCHEMA, [], date(2026, 2, 3), date(2026, 2, 3)),
    "seed": lambda one: one.replace_seed("rules", []),
}
REFUSALS = [
    (Forbidden("Permission bigquery.datasets.create denied"), "Grant the account the permission"),  # type: ignore[no-untyped-call]
    (Unauthorized("expired"), "gcloud auth"),  # type: ignore[no-untyped-call]
    (RefreshError("expired"), "gcloud auth"),  # type: ignore[no-untyped-call]
    (ServiceUnavailable("later"), "run it again"),  # type: ignore[no-untyped-call]
    (LostConnectionError("reset"), "run it again"),
    (NotFound("Dataset p:d"), "location"),  # type: ignore[no-untyped-call]
    (BadRequest("Syntax error"), ""),  # type: ignore[no-untyped-call]
]


class Refusing:
    """A client that answers every call with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any, **__: Any) -> Any:
            raise self._error

        return refuse


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("error", "step"), REFUSALS, ids=lambda one: type(one).__name__)
def test_every_refusal_of_bigquery_is_explained(call: str, error: Exception, step: str) -> None:
    warehouse = Warehouse(connection(database="p", schema="d"))
    warehouse._opened = cast(Any, Refusing(error))
    if call == "drop" and isinstance(error, NotFound):
        CALLS[call](warehouse)  # it is gone already
        return
    with pytest.raises(WarehouseError) as raised:
        CALLS[call](warehouse)
    assert str(error.args[0]).split(maxsplit=1)[0] in raised.value.message
    assert step in raised.value.hint


def test_a_table_that_may_not_be_seen_is_no_error_of_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = Warehouse(connection(database="p", schema="d"))
    denied = Forbidden("Permission bigquery.tables.get denied")  # type: ignore[no-untyped-call]
    warehouse._opened = cast(Any, Refusing(denied))
    facts, refusal = warehouse.look("p.d.t")
    assert facts is None
    assert "bigquery.tables.get denied" in refusal
    table = bigquery.Table("p.d.t", [bigquery.SchemaField("a", "INT64")])
    table._properties["type"] = "TABLE"
    monkeypatch.setattr(Refusing, "get_table", lambda _, name: table, raising=False)
    facts, refusal = warehouse.look("p.d.t")
    assert facts == TableFacts({"a": "int64"}, None, True)
    assert "denied" in refusal


def test_a_killed_warehouse_ends_queries_and_dbt_within_seconds(tmp_path: Path) -> None:
    with EmbeddedWarehouse() as embedded, published(embedded):
        warehouse = Warehouse(embedded_connection(embedded.endpoint))
        assert warehouse.query("select 1 as one") == [{"one": 1}]
        dbt = DbtProject(PROJECT, tmp_path, "local", window_vars(WINDOW, {}))
        assert dbt.checks  # parses before the clock starts
        os.kill(embedded.process_id, 9)
        began = time.monotonic()
        with pytest.raises(WarehouseError, match="does not answer"):
            warehouse.query("select 1 as one")
        assert time.monotonic() - began < 5
        with pytest.raises(DbtError):
            dbt.run(["run", "--select", "games"])
        assert time.monotonic() - began < 60


# ---- the command line


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


def shell(project: Path, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command in which ``trueup`` is ours."""
    script = f'set -o pipefail; trueup() {{ "{sys.executable}" -m trueup.cli.main "$@"; }}; {command}'
    bash = shutil.which("bash") or "bash"
    done = subprocess.run(
        [bash, "-c", script],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment_of(**more),
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert [*project.rglob("*.tmp"), *project.rglob("*.draft")] == []
    return done


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("trueup report > /dev/full", "not written"),
        ("trueup --help > /dev/full", "not written"),
        ("trueup report --format json | (exec <&-; sleep 3)", "not written"),
        ("trueup nonsense 2>&-", ""),
        ("trueup nonsense 2>/dev/full", ""),
    ],
)
def test_output_that_cannot_be_written_is_no_traceback_and_no_1(project: Path, command: str, said: str) -> None:
    (project / ".trueup").mkdir()
    (project / ".trueup" / "report.json").write_text(to_json(replace(INCIDENT, written_at=now())), encoding="utf-8")
    done = shell(project, command)
    assert done.returncode not in (1, 120), done
    assert said in done.stderr


def test_profiles_are_copied_over_a_pipe_and_not_into_it(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    os.mkfifo(tmp_path / "profiles" / "profiles.yml")
    copied = example_profiles(PROJECT, tmp_path) / "profiles.yml"
    assert copied.read_bytes() == (PROJECT / "profiles.example.yml").read_bytes()


def test_what_is_missing_or_cannot_be_written_is_named_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        example_profiles(tmp_path, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written") as raised:
        example_profiles(PROJECT, tmp_path / "file")
    assert "a folder that you can write to" in raised.value.hint


@pytest.mark.parametrize("odd", ["file", "dangling"])
def test_an_odd_state_folder_is_named(project: Path, odd: str) -> None:
    state = project / ".trueup"
    shutil.rmtree(state, ignore_errors=True)
    if odd == "file":
        state.write_text("not a folder")
    else:
        state.symlink_to(project / "nowhere" / "else")
    (project / "scenarios").symlink_to(PROJECT / "scenarios")
    for command in ("trueup check", "trueup demo", "trueup report") if odd == "file" else ("trueup check",):
        done = shell(project, command)
        assert done.returncode in (2, 3), (command, done)
        assert ".trueup" in done.stderr
        assert "a bug in trueup" not in done.stderr, (command, done.stderr)


@pytest.mark.parametrize(
    "days",
    [
        "--days 99999999999999999999", "--days 1000000", "--first-date 0001-01-01", "--last-date 9999-12-31",
        "--first-date 1900-01-01 --last-date 2199-12-31", "--as-of 0001-01-01T00:00:00+14:00", "--days -1",
    ],
)  # fmt: skip
def test_absurd_days_are_wrong_usage(project: Path, days: str) -> None:
    done = shell(project, f"trueup check {days}")
    assert done.returncode == 2, done


BOMB = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))])


@pytest.mark.parametrize("what", ["pipe", "bomb", "bytes", "folder"])
def test_an_odd_scenario_is_refused_at_once(project: Path, what: str) -> None:
    folder = project / "scenarios" / "odd"
    shutil.copytree(PROJECT / "scenarios" / "clean-twin-2026-02-03", folder)
    file = folder / "scenario.yml"
    file.unlink()
    if what == "pipe":
        os.mkfifo(file)
    elif what == "folder":
        file.mkdir()
    else:
        file.write_bytes(BOMB.encode() if what == "bomb" else b"title: \xff\xfe\n")
    done = shell(project, "trueup replay scenarios/odd")
    assert done.returncode == 2, done
    assert "scenario.yml" in done.stderr


@pytest.mark.parametrize("file", ["seeds/teams.csv", "models/x.yml"])
def test_a_pipe_in_the_project_is_named(project: Path, file: str) -> None:
    (project / file).unlink(missing_ok=True)
    os.mkfifo(project / file)
    done = shell(project, "trueup check --days 1 < /dev/null")
    assert done.returncode == 2, done
    assert file.rpartition("/")[2] in done.stderr


def test_a_pipe_for_the_step_summary_is_not_waited_for(project: Path) -> None:
    (project / ".trueup").mkdir()
    (project / ".trueup" / "report.json").write_text(to_json(replace(INCIDENT, written_at=now())), encoding="utf-8")
    os.mkfifo(project / "pipe")
    done = shell(project, "trueup alert", GITHUB_STEP_SUMMARY=str(project / "pipe"))
    assert "GITHUB_STEP_SUMMARY is not a file" in done.stdout + done.stderr


def test_a_command_of_local_ends_with_all_that_it_started_and_its_code_is_that_of_a_shell(project: Path) -> None:
    with begin(project, "local", "--", "sh", "-c", "sleep 7654; true") as began:
        until = time.monotonic() + 30
        while not is_asleep("7654"):
            assert time.monotonic() < until
            time.sleep(0.1)
        began.send_signal(signal.SIGTERM)
        assert began.wait(20) == 143
    assert not is_asleep("7654")
    assert shell(project, "trueup local -- sh -c 'kill -9 $$'").returncode == 137


def is_asleep(seconds: str) -> bool:
    """Whether a process sleeps for so many seconds."""
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return any(line.split() == ["sleep", seconds] for line in found)


def test_odd_bytes_in_a_seed_are_named(project: Path) -> None:
    seed = project / "seeds" / "processor_roster.csv"
    seed.write_bytes(seed.read_bytes() + b"\xff\xfe\x00,x\n")
    done = shell(project, "trueup check")
    assert done.returncode == 2, done
    assert "processor_roster.csv" in done.stderr


def test_the_crash_handler_cannot_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from trueup.cli import main

    def explode(*_: object, **__: object) -> int:
        raise RuntimeError("\x1b[31m\ud800 ::error::")

    monkeypatch.setattr(main, "_options", lambda _: SimpleNamespace(command=explode))
    monkeypatch.setattr(main, "_saved", explode)
    monkeypatch.chdir(tmp_path)
    assert main.main(["check"]) == 3
