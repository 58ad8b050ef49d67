"""``trueup serve``, the real command: what callers get, and what it leaves behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPResponse
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

from helpers.command_line import call, copy_project
from helpers.support import PROJECT
from trueup.cli.health import PATH, make_app
from trueup.cli.options import window_of
from trueup.cli.serve import CheckProcess, days_of
from trueup.runs.desk import Answer, Desk
from trueup.window import now

pytestmark = pytest.mark.slow

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
        return requests.post(f"{address}{PATH}", timeout=300)


@pytest.fixture(scope="module")
def hung(project: Path) -> Iterator[int]:
    """The port of a server for all tests that need no check."""
    with hanging(project) as (port, _):
        yield port


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
        (["--oldest", "-1"], "--oldest -1 is not a number of seconds from 0 to 86400"),
        (["--oldest", "86401"], "--oldest 86401"),
        (["--deadline", "0"], "--deadline 0 is not a number of seconds from 1 to 86400"),
        (["--deadline", "86401"], "--deadline 86401"),
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


def desk_of(look: Callable[[], Answer], most_waiting: int = 9) -> Desk:
    return Desk(look, timedelta(seconds=30), now, lambda: None, most_waiting)


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
    app = make_app(desk_of(fake_check(tmp_path, script)))
    answer = app.test_client().post(PATH)
    assert answer.status_code == status
    assert answer.is_json
    assert said in answer.text


def test_a_check_that_takes_too_long_is_ended_at_its_deadline(tmp_path: Path) -> None:
    began = time.monotonic()
    fake_check(tmp_path, "import time; time.sleep(60)")()
    assert time.monotonic() - began < 20


def test_the_steps_of_a_check_are_no_problem(tmp_path: Path) -> None:
    script = "import sys; print('… Building the models', file=sys.stderr); raise SystemExit('trueup: interrupted')"
    app = make_app(desk_of(fake_check(tmp_path, script)))
    problems = json.loads(app.test_client().post(PATH).text)["problems"]
    assert problems == ["trueup: interrupted", "The check ended with 1 and without a report."]


def test_a_check_that_does_not_start_is_told(tmp_path: Path) -> None:
    app = make_app(desk_of(CheckProcess(["/nowhere/trueup"], tmp_path, 3)))
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
        ("post", f"{PATH}?days=30", b"", 400),
        ("post", f"{PATH}?", b"", 200),
        ("options", PATH, b"", 405),
        ("options", "/live", b"", 405),
        ("post", PATH, b"{}", 200),
        ("post", PATH, b" \n", 200),
        ("get", "/live", b"", 200),
    ],
)
def test_every_answer_is_json(method: str, path: str, body: bytes, status: int) -> None:
    app = make_app(desk_of(lambda: Answer(0, "{}", now(), now())))
    answer = getattr(app.test_client(), method)(path, data=body)
    assert answer.status_code == status
    assert answer.is_json


def test_what_an_answer_reads_is_as_old_as_its_report_says(tmp_path: Path) -> None:
    """The check may have waited for another run; a moment outside the check is none."""
    report = {"status": "healthy", "first_date": "2026-01-27", "last_date": "2026-02-02"}
    moments: list[object] = [None, "", "2026-02-03T08:00:00+00:00", "9999-12-31T23:59:59-14:00", 7, []]
    for read_from in moments:
        script = f"import json; print(json.dumps({{**{report}, 'read_from': {read_from!r}}}))"
        answer = fake_check(tmp_path, script)()
        assert answer.began_at <= answer.read_at <= now()
        assert answer.days == ("2026-01-27", "2026-02-02")
    script = (
        "import datetime, json, time; time.sleep(0.5); at = datetime.datetime.now(datetime.UTC).isoformat(); "
        f"time.sleep(0.5); print(json.dumps({{**{report}, 'read_from': at}}))"
    )
    answer = fake_check(tmp_path, script)()
    assert answer.began_at + timedelta(seconds=0.5) <= answer.read_at <= now() - timedelta(seconds=0.5)


@pytest.mark.parametrize("days", [None, 1, 30])
def test_the_days_of_now_are_those_that_a_check_would_report(days: int | None, project: Path) -> None:
    options = Namespace(project_dir=str(project), days=days)
    eastern = ZoneInfo("America/New_York")
    for minutes in range(-3, 4):
        clock = datetime(2026, 2, 3, 0, 0, 30, tzinfo=eastern) + timedelta(minutes=minutes)
        window = window_of(Namespace(**vars(options), first_date=None, last_date=None, as_of=None), clock)
        expected = (str(window.first_date), str(window.last_date))
        assert days_of(options, partial(datetime.fromisoformat, clock.isoformat()))() == expected
        assert expected[1] == ("2026-02-02" if minutes >= 0 else "2026-02-01")


def test_a_run_that_raises_is_503() -> None:
    def look() -> Answer:
        raise OSError("planted")

    answer = make_app(desk_of(look)).test_client().post(PATH)
    assert answer.status_code == 503
    assert "planted" in json.loads(answer.text)["problems"][0]


def test_an_answer_has_an_age_only_if_it_was_made_for_another() -> None:
    desk = desk_of(lambda: Answer(0, "{}", now(), now()))
    assert "Age" not in make_app(desk).test_client().post(PATH).headers
    old = desk_of(lambda: Answer(0, "{}", now() - timedelta(9), now() - timedelta(seconds=7)))
    assert make_app(old).test_client().post(PATH).headers["Age"] == "7"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_ended_server_ends_its_check(number: signal.Signals, project: Path, tmp_path: Path) -> None:
    with hanging(project) as (port, server), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(requests.post, f"http://127.0.0.1:{port}{PATH}", timeout=60)
        check = wait_for(lambda: checks_of(server.pid))
        began = time.monotonic()
        server.send_signal(number)
        server.wait(30)
        assert time.monotonic() - began < 9, "Cloud Run kills after ten seconds"
        with suppress(requests.RequestException):  # answered or dropped; never healthy
            assert waiting.result(30).status_code == 503
        assert not any(is_running(one) for one in check)


@contextmanager
def hanging(project: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The port of a server whose checks hang at a warehouse that does not answer, and its process."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        environment = f"TRUEUP_BIGQUERY_ENDPOINT=http://127.0.0.1:{silent.getsockname()[1]}"
        with served(("env", environment, *TRUEUP, "serve"), project) as (address, server):
            yield int(address.rpartition(":")[2]), server


def sent(port: int, text: bytes) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), timeout=30)
    one.sendall(text)
    return one


def is_alive(port: int) -> bool:
    """Whether GET /live is answered within two seconds."""
    return requests.get(f"http://127.0.0.1:{port}/live", timeout=2).status_code == 200


POST = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()
HALVES = {
    "nothing": b"",
    "a part of the first line": b"PO",
    "a part of the head": POST,
    "a head without its body": POST + b"Content-Length: 10\r\n\r\n",
    "a part of the body": POST + b"Content-Length: 10\r\n\r\n{",
    "a part of a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "waits for leave": POST + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
}


def test_unfinished_requests_take_nothing_from_others_and_are_ended(project: Path) -> None:
    """Each kind alone was enough to fill the threads. The check fails at once: its target is missing."""
    with served((*TRUEUP, "serve", "--target", "missing"), project) as (address, _):
        port = int(address.rpartition(":")[2])
        with ExitStack() as stack:
            for half in HALVES.values():
                began = time.monotonic()
                open_ones = [stack.enter_context(sent(port, half)) for _ in range(250)]
                assert is_alive(port)
                for one in open_ones[::50]:
                    # Told that it is late, or only ended; a byte a second changes nothing.
                    with suppress(BrokenPipeError, ConnectionResetError):
                        while one.recv(1000):
                            pass
                assert time.monotonic() - began < 20
            assert requests.post(f"{address}{PATH}", timeout=120).json()["status"] == "could_not_check"


def test_a_byte_at_a_time_does_not_keep_a_connection(project: Path) -> None:
    with hanging(project) as (port, _), sent(port, b"") as slow:
        began = time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError):
            for byte in POST * 9:
                slow.sendall(bytes([byte]))
                time.sleep(0.5)
        assert time.monotonic() - began < 20


def test_callers_of_a_hung_check_take_nothing_from_others(project: Path) -> None:
    with hanging(project) as (port, _), ExitStack() as stack:
        for _ in range(260):
            stack.enter_context(sent(port, POST + b"Content-Length: 0\r\n\r\n"))
        assert is_alive(port)
        began = time.monotonic()
        answer = requests.post(f"http://127.0.0.1:{port}{PATH}", timeout=30)
        assert time.monotonic() - began < 2
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["status"] == "could_not_check"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /phase3-health HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
        b"POST /phase3-health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /phase3-health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
        b"POST /phase3-health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: other\r\n\r\n",
        b"POST /phase3-health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        b"POST /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
        b"POST\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /phase3-health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_with_json(head: bytes, hung: int) -> None:
    with sent(hung, head) as one:
        answer = HTTPResponse(one)
        answer.begin()
        body = answer.read()
    assert 400 <= answer.status <= 501
    assert answer.status != 500
    assert "application/json" in str(answer.headers["Content-Type"])
    assert json.loads(body)["error"]


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
