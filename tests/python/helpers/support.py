"""Paths and skips for several tests. Imports nothing of trueup."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[3]
SCENARIOS = PROJECT / "scenarios"
REAL_DATA = PROJECT.parent / "shared" / "data"
# Option, what it names, and vars: the SQL that dbt compiles.
Compile = Callable[[str, str, Mapping[str, Any]], str]
IN_CI = os.environ.get("CI") == "true"


def missing(what: str) -> None:
    """Fail in CI; skip the test elsewhere."""
    if IN_CI:
        pytest.fail(f"CI needs {what}")
    pytest.skip(f"{what} is missing")


def real_data(name: str) -> Path:
    """A file of the real data beside the checkout."""
    path = REAL_DATA / name
    if not path.is_file():
        if os.environ.get("GITHUB_ACTIONS") == "true":
            pytest.skip(f"the real data {name} is not published")
        missing(f"the real data {name}")
    return path


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def hear_interrupts() -> None:
    """For Popen's preexec_fn: in the background of a shell the tests ignore SIGINT, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
