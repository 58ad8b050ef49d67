"""The command line in a separate process, in a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from helpers.support import PROJECT, hear_interrupts

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


def call(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of trueup in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "trueup.cli.main", *arguments],
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
