"""Where a report may be written: never over a device, a pipe or a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers.report_cases import INCIDENT
from trueup.errors import CannotCheckError
from trueup.reporting.artifacts import read_report, write_junit


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    link, target = tmp_path / "junit.xml", tmp_path / "elsewhere.xml"
    link.symlink_to(target)
    write_junit(link, INCIDENT)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("<?xml")


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_junit(Path("/dev/null"), INCIDENT)
    assert Path("/dev/null").is_char_device()


def test_a_full_device_is_reported_and_stays() -> None:
    with pytest.raises(CannotCheckError, match="cannot be written: No space left"):
        write_junit(Path("/dev/full"), INCIDENT)
    assert Path("/dev/full").is_char_device()


def test_a_pipe_is_refused_for_writing_and_reading(tmp_path: Path) -> None:
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)
    for use in (lambda: write_junit(pipe, INCIDENT), lambda: read_report(tmp_path)):
        with pytest.raises(CannotCheckError, match="not a file"):
            use()
    assert pipe.is_fifo()
