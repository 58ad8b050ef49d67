"""``trueup serve``: the check over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rich.console import Console

from trueup.cli.options import project_of
from trueup.cli.terminal import escape
from trueup.errors import CannotCheckError, UsageError
from trueup.runs.desk import Answer, Desk
from trueup.settings import DEFAULT_TARGET
from trueup.window import now

if TYPE_CHECKING:
    from flask import Flask

PATH = "/phase3-health"
_LARGEST_REQUEST = 64 * 1024
_HEALTHY = 0
# Of each exit code of a check that has a report.
_STATUSES = {_HEALTHY: "healthy", 1: "findings", CannotCheckError.exit_code: "could_not_check"}
_MOST_WORDS = 2000
_END_SECONDS = 5.0


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="N", help="the port (default: the variable PORT, or 8080)")
    parser.add_argument("--days", type=int, metavar="N", help="number of days to check, up to yesterday (default: 7)")
    parser.add_argument(
        "--oldest",
        type=int,
        default=300,
        metavar="SECONDS",
        help="while a check is running, callers get the last answer if it is not older (default: 300)",
    )
    parser.add_argument(
        "--deadline", type=int, default=1800, metavar="SECONDS", help="the most that one check may take (default: 1800)"
    )
    parser.add_argument("--target", default=DEFAULT_TARGET, help="a target of profiles.yml (default: local)")


def run(options: Namespace, _: Console) -> int:
    """Serve POST /phase3-health: 200 if healthy, else 503, with the report as JSON."""
    for name in ("oldest", "deadline"):
        if getattr(options, name) < 1:
            raise UsageError(f"--{name} {getattr(options, name)} is not a number of seconds above 0.")
    port = _port(options)
    project_dir = project_of(options)
    try:
        import flask  # noqa: F401 - an error before the first caller

        from trueup.gateways.http_server import serve
    except ImportError as error:
        raise UsageError(f"trueup serve needs {error.name}.", "Install trueup[serve].") from error
    command = [sys.executable, "-m", "trueup.cli.main", "check", "--format", "json", "--target", options.target]
    command += ["--days", str(options.days)] if options.days is not None else []
    check = CheckProcess(command, project_dir, options.deadline)
    app = make_app(Desk(check, timedelta(seconds=options.oldest), now))
    print(f"trueup serves POST http://{options.host}:{port}{PATH}", file=sys.stderr, flush=True)
    serve(app, options.host, port, check.stop)
    return 0


def _port(options: Namespace) -> int:
    given = options.port if options.port is not None else os.environ.get("PORT") or 8080
    with suppress(ValueError):
        if 0 < int(given) < 2**16:
            return int(given)
    raise UsageError(f"The port {escape(str(given))} is not between 1 and 65535.", "Set --port, or the variable PORT.")


class CheckProcess:
    """Runs the check in a process of its own: it cannot slow down the answers, nor take the server with it."""

    def __init__(self, command: Sequence[str], folder: Path, deadline: float) -> None:
        self._command = command
        self._folder = folder
        self._deadline = deadline
        self._child: subprocess.Popen[str] | None = None
        self._is_stopped = False
        self._lock = Lock()

    def __call__(self) -> Answer:
        """One check."""
        began_at = now()
        try:
            code, out, error = self._run()
        except OSError as one:
            code, out, error = CannotCheckError.exit_code, "", f"The check did not start: {one}"
        if code not in _STATUSES or _status_in(out) != _STATUSES[code]:
            code, out = CannotCheckError.exit_code, _blind(error, f"The check ended with {code} and without a report.")
        return Answer(code, out, began_at, now())

    def stop(self) -> None:
        """End the check that is running; no other one starts."""
        with self._lock:
            self._is_stopped = True
            child = self._child
        if child:
            _end(child)

    def _run(self) -> tuple[int, str, str]:
        with self._lock:
            if self._is_stopped:
                return CannotCheckError.exit_code, "", "The server is ending."
            self._child = child = subprocess.Popen(
                self._command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        with child:  # at its end it waits for the child, so that a late one must be ended inside
            try:
                out, error = child.communicate(timeout=self._deadline)
                return child.returncode, out, error
            except subprocess.TimeoutExpired:
                _end(child)
                return CannotCheckError.exit_code, "", f"The check was not done after {self._deadline:.0f} seconds."
            finally:
                with self._lock:
                    self._child = None


def _end(child: subprocess.Popen[str]) -> None:
    """End a check and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_END_SECONDS)
        os.killpg(child.pid, signal.SIGKILL)


def _status_in(text: str) -> str | None:
    """The status of a report."""
    with suppress(ValueError, AttributeError):
        return str(json.loads(text).get("status"))
    return None


def _blind(*reasons: str) -> str:
    """The document of a check that left none. ``reasons``: the last words of the check, and what is known without."""
    problems = [one.strip()[-_MOST_WORDS:] for one in reasons if one.strip()]
    return json.dumps({"status": "could_not_check", "problems": problems}, indent=2)


def make_app(desk: Desk) -> Flask:
    """The WSGI app. Everything that it answers is JSON."""
    from flask import Flask, Response, request
    from werkzeug.exceptions import HTTPException

    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST

    def said(status: int, document: str, **headers: str) -> Response:
        return Response(
            document, status, {"Cache-Control": "no-store", **headers}, content_type="application/json; charset=utf-8"
        )

    @app.post(PATH)
    def health() -> Response:
        if _asks_for_more(request.get_data()):
            # Silence about an option would be an answer for other days than the caller means.
            error = f"{PATH} takes no options: it checks the days of the server. Send no body."
            return said(400, json.dumps({"error": error}))
        asked_at = now()
        answer = desk.ask()
        age = max(0, int((now() - answer.ended_at).total_seconds()))
        # As of HTTP caches: only an answer that was not made for this caller has an age.
        headers = {} if answer.began_at >= asked_at else {"Age": str(age)}
        return said(200 if answer.exit_code == _HEALTHY else 503, answer.document, **headers)

    @app.get("/live")
    def live() -> Response:
        return said(200, "{}")

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        headers = {name: value for name, value in error.get_headers() if name == "Allow"}
        return said(error.code or 400, json.dumps({"error": f"{error.name}: POST {PATH}"}), **headers)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        # Not 500: for the caller, a check that did not happen is not a healthy one, and worth another try.
        return said(503, _blind(f"{type(error).__name__}: {error}"))

    return app


def _asks_for_more(body: bytes) -> Any:
    if not body.strip():
        return False
    with suppress(ValueError):
        return json.loads(body) != {}
    return True
