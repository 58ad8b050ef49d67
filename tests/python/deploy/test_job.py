"""deploy/job: what a Cloud Run job keeps, and when it fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from helpers.support import PROJECT

TRUEUP = """#!/bin/sh
mkdir -p .trueup/pulse .trueup/data_docs
ls .trueup/pulse > before.txt
echo "$*" > .trueup/report.html
echo 1 > .trueup/data_docs/index.html
echo 1 > .trueup/pulse/memory.json
exit ${CODE:-0}
"""


class Place:
    """A container's folder, a folder that outlives it, and a trueup that does nothing."""

    def __init__(self, folder: Path) -> None:
        self.kept = folder / "kept"
        self.work = folder / "work"
        self.bin = folder / "bin"
        for one in (self.kept, self.work, self.bin):
            one.mkdir()
        (self.bin / "trueup").write_text(TRUEUP, encoding="utf-8")
        (self.bin / "trueup").chmod(0o755)

    def job(self, *command: str, code: int = 0, kept: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROJECT / "deploy/job", *command],
            cwd=self.work,
            env={
                **os.environ,
                "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                "KEPT": str(kept or self.kept),
                "CODE": str(code),
            },
            capture_output=True,
            text=True,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_check_keeps_its_report(place: Place) -> None:
    assert place.job("check", "--target", "prod").returncode == 0
    assert (place.kept / "report.html").read_text(encoding="utf-8") == "check --target prod --wait 20\n"
    assert (place.kept / "data_docs/index.html").is_file()
    assert not (place.kept / "pulse").exists()


def test_a_pulse_has_the_memory_of_the_one_before(place: Place) -> None:
    assert place.job("pulse").returncode == 0
    assert (place.work / "before.txt").read_text(encoding="utf-8") == ""
    subprocess.run(["rm", "-r", place.work / ".trueup"], check=True)
    assert place.job("pulse").returncode == 0
    assert (place.work / "before.txt").read_text(encoding="utf-8") == "memory.json\n"
    assert [path.name for path in place.kept.iterdir()] == ["pulse"]


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 0), (2, 2), (3, 3), (137, 137)])
def test_findings_do_not_fail_a_job_and_everything_else_does(place: Place, code: int, expected: int) -> None:
    assert place.job("check", code=code).returncode == expected
    assert (place.kept / "report.html").is_file()


@pytest.mark.parametrize(("code", "expected"), [(0, 3), (1, 3), (2, 2)])
def test_a_report_that_cannot_be_kept_fails_the_job(place: Place, code: int, expected: int) -> None:
    done = place.job("check", code=code, kept=place.work / "missing")
    assert done.returncode == expected
    assert "report.html cannot be written" in done.stderr
