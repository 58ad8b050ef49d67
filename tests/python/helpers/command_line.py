"""The command line in a separate process, in a copy of the project."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from helpers.support import PROJECT, hear_interrupts

WARM = str(PROJECT / "tests" / "python" / "helpers" / "warm.py")
_SERVERS: list[subprocess.Popen[str]] = []  # an open standard input keeps them
# A shell runs all commands of a page, one after the other, and the machine may do other work too.
LONGEST_SECONDS = 1500


def copy_project(folder: Path) -> Path:
    """A copy of the project, so that tests do not share files."""
    for name in ("models", "macros", "seeds", "expectations", "tests/generic", "tests/singular"):
        shutil.copytree(PROJECT / name, folder / name)
    for name in ("dbt_project.yml", "selectors.yml", "profiles.example.yml", ".dbtignore"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


def environment_of(**more: str) -> dict[str, str]:
    return {**os.environ, "TRUEUP_BIGQUERY_ENDPOINT": "", "GITHUB_STEP_SUMMARY": "", **more}


@functools.cache
def _warm_socket() -> str:
    """The socket of this process's own warm one, which ends with it."""
    path = str(Path(tempfile.mkdtemp(prefix="trueup-warm-")) / "socket")
    paths = os.pathsep.join(str(PROJECT / name) for name in ("src", "tests/python"))
    server = subprocess.Popen(
        [sys.executable, WARM, "serve", path],
        env=environment_of(PYTHONPATH=paths),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    _SERVERS.append(server)
    return path


def warm(program: str) -> list[str]:
    """The begin of a command line that runs ``trueup`` or ``dbt``. See helpers.warm."""
    return [sys.executable, "-S", WARM, _warm_socket(), program]


def call(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of trueup in a folder. With other imports (PYTHONPATH) it is no fork."""
    command = [sys.executable, "-m", "trueup.cli.main"] if "PYTHONPATH" in environment else warm("trueup")
    return subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=environment_of(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )


def begin(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Begin a command of trueup, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "trueup.cli.main", *arguments],
        cwd=folder,
        env=environment_of(**environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_interrupts,
    )


def trueup(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must not hit a bug."""
    done = call(folder, *arguments, **environment)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert "crash.log" not in "".join(done.stderr.split()), done.stderr
    return done
