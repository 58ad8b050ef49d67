"""``trueup serve``: the check over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from rich.console import Console

from trueup.cli.health import HEALTHY, LARGEST_REQUEST, PATH, blind, make_app
from trueup.cli.options import project_of, window_of
from trueup.cli.steps import STEP
from trueup.cli.terminal import escape
from trueup.errors import CannotCheckError, UsageError
from trueup.runs.desk import Answer, Desk
from trueup.settings import DEFAULT_TARGET
from trueup.window import now

# Callers that wait for a run hold a thread each. Some are kept for those that need not wait.
_THREADS = 200
_KEPT_THREADS = 8
_DAY_SECONDS = 86_400
# The bounds of the options in seconds: an answer of another day is none, and a check of a day is none, either.
_BOUNDS = {"oldest": (0, _DAY_SECONDS), "deadline": (1, _DAY_SECONDS)}
# Of the deadline, for the lease of another run; the rest is for the check.
_WAITING_SHARE = 0.5
# Of each exit code of a check that has a report.
_STATUSES = {HEALTHY: "healthy", 1: "findings", CannotCheckError.exit_code: "could_not_check"}
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
    for name, (least, most) in _BOUNDS.items():
        if not least <= getattr(options, name) <= most:
            raise UsageError(f"--{name} {getattr(options, name)} is not a number of seconds from {least} to {most}.")
    port = _port(options)
    project_dir = project_of(options)
    try:
        import flask  # noqa: F401 - an error before the first caller

        from trueup.gateways.http_server import refuse_unusable, serve
    except ImportError as error:
        raise UsageError(f"trueup serve needs {error.name}.", "Install trueup[serve].") from error
    command = [sys.executable, "-m", "trueup.cli.main", "check", "--format", "json", "--target", options.target]
    command += ["--days", str(options.days)] if options.days is not None else []
    command += ["--wait", f"{options.deadline * _WAITING_SHARE / 60:.3f}"]
    check = CheckProcess(command, project_dir, options.deadline)
    days = days_of(options, now)
    app = make_app(Desk(check, timedelta(seconds=options.oldest), now, days, _THREADS - _KEPT_THREADS))
    refuse_unusable(options.host, port)
    print(f"trueup serves POST http://{options.host}:{port}{PATH}", file=sys.stderr, flush=True)
    serve(app, options.host, port, check.stop, _THREADS, LARGEST_REQUEST)
    return 0


def days_of(options: Namespace, clock: Callable[[], datetime]) -> Callable[[], Hashable]:
    """What a check looks at that begins now: its first and last day, as its report names them. None if the settings are
    wrong, which the check reports.
    """
    given = Namespace(project_dir=options.project_dir, days=options.days, first_date=None, last_date=None, as_of=None)

    @lru_cache(maxsize=1)
    def days_at(minute: datetime) -> Hashable:
        with suppress(UsageError):
            window = window_of(given, minute)
            return window.first_date.isoformat(), window.last_date.isoformat()
        return None

    # Reading the settings takes milliseconds, and days begin with a minute in each time zone.
    return lambda: days_at(clock().replace(second=0, microsecond=0))


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
        report = _report_in(out)
        if code not in _STATUSES or report.get("status") != _STATUSES[code]:
            why = f"The check ended with {code} and without a report."
            return Answer(CannotCheckError.exit_code, blind(_last_words(error), why), began_at, began_at)
        return Answer(code, out, began_at, _read_at(report, began_at), _days_in(report))

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


def _last_words(said: str) -> str:
    """What a check said on standard error, without its steps."""
    return "\n".join(line for line in said.splitlines() if not line.startswith(STEP)).strip()[-_MOST_WORDS:]


def _report_in(text: str) -> Mapping[str, Any]:
    """A report, or {}."""
    with suppress(ValueError, RecursionError):
        report = json.loads(text)
        return report if isinstance(report, dict) else {}
    return {}


def _days_in(report: Mapping[str, Any]) -> Hashable:
    """The first and the last day of a report."""
    days = report.get("first_date"), report.get("last_date")
    return days if all(isinstance(day, str) for day in days) else None


def _read_at(report: Mapping[str, Any], began_at: datetime) -> datetime:
    """When the check began to read. It may have waited for another run before."""
    with suppress(KeyError, TypeError, ValueError, OverflowError):
        read_from = datetime.fromisoformat(report["read_from"]).astimezone(UTC)
        return min(max(began_at, read_from), now())
    return began_at
