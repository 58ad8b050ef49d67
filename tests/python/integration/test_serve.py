"""``trueup serve``, the real command: what callers get, and what it leaves behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from helpers.command_line import call, copy_project
from helpers.support import PROJECT
from trueup.cli.serve import PATH, CheckProcess, make_app
from trueup.runs.desk import Answer, Desk
from trueup.window import now

SCENARIO = PROJECT / "scenarios" / "incident-2026-02-03"
TRUEUP = (sys.executable, "-m", "trueup.cli.main")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def served(command: tuple[str, ...], folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a server, and its process. ``command`` runs it, without a port."""
    port = free_port()
    with subprocess.Popen(
        [*command, "--port", str(port)], cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            until = time.monotonic() + 60
            while time.monotonic() < until and server.poll() is None:
                with suppress(requests.ConnectionError):
                    requests.get(f"{address}/live", timeout=5)
                    break
                time.sleep(0.1)
            yield address, server
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("serve"))


@pytest.fixture(scope="module")
def answer(project: Path) -> requests.Response:
    """The answer of the night of the incident."""
    shell = (*TRUEUP, "local", "--scenario", str(SCENARIO), "--", *TRUEUP, "serve")
    with served(shell, project) as (address, _):
        return requests.post(f"{address}{PATH}", timeout=120)


def test_the_night_of_the_incident_is_503_with_the_report_of_the_check(
    answer: requests.Response, project: Path
) -> None:
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    # The report that the check wrote, to the letter.
    assert answer.json() == json.loads((project / ".trueup" / "report.json").read_text())
    assert {"DONE001", "DUP001", "LATE001"} <= {one["rule"] for one in answer.json()["findings"]}


def test_a_check_that_cannot_look_is_503_and_says_why(project: Path) -> None:
    with served((*TRUEUP, "serve", "--target", "missing"), project) as (address, _):
        answer = requests.post(f"{address}{PATH}", timeout=120)
    assert answer.status_code == 503
    assert answer.json()["status"] == "could_not_check"
    assert "missing" in answer.json()["problems"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "0"], "not between 1 and 65535"),
        (["--port", "70000"], "not between 1 and 65535"),
        (["--oldest", "0"], "--oldest 0"),
        (["--deadline", "-1"], "--deadline -1"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], said: str, project: Path) -> None:
    result = call(project, "serve", *arguments)
    assert result.returncode == 2
    assert said in result.stderr


def test_a_port_in_use_is_an_error(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = call(project, "serve", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 2
    assert "in use" in " ".join(result.stderr.split())
    assert "--port" in result.stderr


def fake_check(tmp_path: Path, text: str) -> CheckProcess:
    script = tmp_path / "check.py"
    script.write_text(text)
    return CheckProcess([sys.executable, str(script)], tmp_path, deadline=3)


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ('print(\'{"status": "healthy"}\')', 200, "healthy"),
        ('print(\'{"status": "findings"}\'); raise SystemExit(1)', 503, "findings"),
        ('print(\'{"status": "could_not_check"}\'); raise SystemExit(3)', 503, "could_not_check"),
        ("raise SystemExit('trueup: no such target')", 503, "no such target"),
        ("pass", 503, "without a report"),
        ("print('[]')", 503, "could_not_check"),
        ('print(\'{"status": "findings"}\')', 503, "could_not_check"),
        ('print(\'{"status": "healthy"}\'); raise SystemExit(1)', 503, "could_not_check"),
        ('import os, signal; print(\'{"status": "healthy"}\', flush=True); os.kill(os.getpid(), 9)', 503, "-9"),
        ("import time; time.sleep(60)", 503, "was not done after 3 seconds"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", 503, "could_not_check"),
    ],
)
def test_what_a_check_leaves_is_200_only_if_it_says_healthy(
    script: str, status: int, said: str, tmp_path: Path
) -> None:
    app = make_app(Desk(fake_check(tmp_path, script), timedelta(seconds=30), now))
    answer = app.test_client().post(PATH)
    assert answer.status_code == status
    assert answer.is_json
    assert said in answer.text


def test_a_check_that_takes_too_long_is_ended_at_its_deadline(tmp_path: Path) -> None:
    began = time.monotonic()
    fake_check(tmp_path, "import time; time.sleep(60)")()
    assert time.monotonic() - began < 20


def test_a_check_that_does_not_start_is_told(tmp_path: Path) -> None:
    app = make_app(Desk(CheckProcess(["/nowhere/trueup"], tmp_path, 3), timedelta(seconds=30), now))
    answer = app.test_client().post(PATH)
    assert answer.status_code == 503
    assert "did not start" in json.loads(answer.text)["problems"][0]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", PATH, b"", 405),
        ("post", "/", b"", 404),
        ("post", PATH, b'{"game_date": "2026-02-03"}', 400),
        ("post", PATH, b"[]", 400),
        ("post", PATH, b"\xff", 400),
        ("post", PATH, b"x" * 100_000, 413),
        ("post", PATH, b"{}", 200),
        ("post", PATH, b" \n", 200),
        ("get", "/live", b"", 200),
    ],
)
def test_every_answer_is_json(method: str, path: str, body: bytes, status: int) -> None:
    app = make_app(Desk(lambda: Answer(0, "{}", now(), now()), timedelta(seconds=30), now))
    answer = getattr(app.test_client(), method)(path, data=body)
    assert answer.status_code == status
    assert answer.is_json


def test_a_run_that_raises_is_503() -> None:
    def look() -> Answer:
        raise OSError("planted")

    answer = make_app(Desk(look, timedelta(seconds=30), now)).test_client().post(PATH)
    assert answer.status_code == 503
    assert "planted" in json.loads(answer.text)["problems"][0]


def test_an_answer_has_an_age_only_if_it_was_made_for_another() -> None:
    desk = Desk(lambda: Answer(0, "{}", now(), now()), timedelta(seconds=30), now)
    assert "Age" not in make_app(desk).test_client().post(PATH).headers
    old = Desk(lambda: Answer(0, "{}", now() - timedelta(9), now() - timedelta(seconds=7)), timedelta(30), now)
    assert make_app(old).test_client().post(PATH).headers["Age"] == "7"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_ended_server_ends_its_check(number: signal.Signals, project: Path, tmp_path: Path) -> None:
    """The check hangs at a warehouse that does not answer."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        environment = {"TRUEUP_BIGQUERY_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        command = ("env", *(f"{name}={value}" for name, value in environment.items()), *TRUEUP, "serve")
        with served(command, project) as (address, server), ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(requests.post, f"{address}{PATH}", timeout=60)
            check = wait_for(lambda: checks_of(server.pid))
            began = time.monotonic()
            server.send_signal(number)
            server.wait(30)
            assert time.monotonic() - began < 9, "Cloud Run kills after ten seconds"
            with suppress(requests.RequestException):  # answered or dropped; never healthy
                assert waiting.result(30).status_code == 503
            assert not any(is_running(one) for one in check)


def is_running(process: int) -> bool:
    """Whether it runs. One that has ended may wait for its parent."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(found: Callable[[], list[int]]) -> list[int]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if one := found():
            return one
        time.sleep(0.05)
    raise AssertionError("nothing was found")


def checks_of(server: int) -> list[int]:
    """The processes that the server's worker has started."""
    workers = children_of(server)
    return [one for worker in workers for one in children_of(worker)]


def children_of(process: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(folder.name))
    return found
