"""What several tests need: where things are, and what is missing. Imports nothing of trueup."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
SCENARIOS = PROJECT / "scenarios"
REAL_DATA = PROJECT.parent / "shared" / "data"
IN_CI = os.environ.get("CI") == "true"


def missing(what: str) -> None:
    """In CI a missing part fails the run; elsewhere the test is skipped, and says so."""
    if IN_CI:
        pytest.fail(f"CI needs {what}")
    pytest.skip(f"{what} is not here")


def real_data(name: str) -> Path:
    """A file of the real data beside the checkout."""
    path = REAL_DATA / name
    if not path.is_file():
        missing(f"the real data {name}")
    return path


def hear_interrupts() -> None:
    """For Popen's preexec_fn: a shell that runs the tests in the background has them ignore SIGINT,
    and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
