"""deploy/job: what a Cloud Run job keeps, and when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.support import PROJECT

TRUEUP = """#!/bin/sh
mkdir -p .trueup/pulse .trueup/data_docs
ls .trueup/pulse > before.txt
[ -z "${REPORT:-}" ] || echo "$REPORT" > .trueup/reports/1.html
echo "$*" > .trueup/report.html
echo 1 > .trueup/data_docs/index.html
echo 1 > .trueup/pulse/memory.json
exit ${CODE:-0}
"""

# Ends by itself only after a minute; a signal ends it at once, with its own exit code.
ENDLESS = """#!/bin/sh
mkdir -p .trueup
trap 'echo told > .trueup/report.html; kill $waiting; exit ${CODE:-0}' TERM
sleep 60 & waiting=$!
touch started
wait
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

    def start(self, *command: str, code: int = 0, kept: Path | None = None, report: str = "") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROJECT / "deploy/job", *command],
            cwd=self.work,
            env={
                **os.environ,
                "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                "KEPT": str(kept or self.kept),
                "CODE": str(code),
                "REPORT": report,
            },
            stderr=subprocess.PIPE,
            text=True,
        )

    def job(self, *command: str, **options: Any) -> tuple[int, str]:
        """Its exit code, and what it writes to standard error."""
        with self.start(*command, **options) as process:
            _, said = process.communicate(timeout=30)
        return process.returncode, said


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_check_keeps_its_report(place: Place) -> None:
    assert place.job("check", "--target", "prod")[0] == 0
    assert (place.kept / "report.html").read_text(encoding="utf-8") == "check --target prod\n"
    assert (place.kept / "data_docs/index.html").is_file()
    assert not (place.kept / "pulse").exists()


def test_a_pulse_has_the_memory_of_the_one_before(place: Place) -> None:
    assert place.job("pulse")[0] == 0
    assert (place.work / "before.txt").read_text(encoding="utf-8") == ""
    subprocess.run(["rm", "-r", place.work / ".trueup"], check=True)
    assert place.job("pulse")[0] == 0
    assert (place.work / "before.txt").read_text(encoding="utf-8") == "memory.json\n"
    assert [path.name for path in place.kept.iterdir()] == ["pulse"]


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 0), (2, 2), (3, 3), (137, 137)])
def test_findings_do_not_fail_a_job_and_everything_else_does(place: Place, code: int, expected: int) -> None:
    assert place.job("check", code=code)[0] == expected
    assert (place.kept / "report.html").is_file()


def _missing(kept: Path) -> None:
    kept.rmdir()


def _a_file_for_the_reports(kept: Path) -> None:
    (kept / "reports").touch()


def _a_link_to_nowhere(kept: Path) -> None:
    (kept / "reports").symlink_to(kept / "gone" / "reports")


def _a_folder_for_the_report(kept: Path) -> None:
    (kept / "report.html").mkdir()


BROKEN: dict[Callable[[Path], None], str] = {
    _missing: "report.html cannot be written",
    _a_file_for_the_reports: "cannot be kept with the earlier ones",
    _a_link_to_nowhere: "cannot be kept with the earlier ones",
    _a_folder_for_the_report: "report.html cannot be written",
}


@pytest.mark.parametrize("spoil", BROKEN)
@pytest.mark.parametrize(("code", "expected"), [(0, 3), (1, 3), (2, 2), (3, 3)])
def test_what_cannot_be_kept_fails_the_job_after_the_check_has_run(
    place: Place, spoil: Callable[[Path], None], code: int, expected: int
) -> None:
    """The check sends its alerts, whatever is wrong with the bucket."""
    spoil(place.kept)
    returned, said = place.job("check", "--target", "prod", code=code)
    assert (returned, BROKEN[spoil] in said) == (expected, True)
    assert (place.work / ".trueup/report.html").read_text(encoding="utf-8") == "check --target prod\n"


def test_a_folder_of_reports_that_cannot_be_written_fails_the_job(place: Place) -> None:
    """As root, which may write everywhere, touch stands for the bucket."""
    (place.bin / "touch").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (place.bin / "touch").chmod(0o755)
    returned, said = place.job("check")
    assert (returned, "cannot be kept with the earlier ones" in said) == (3, True)


def test_the_reports_of_earlier_checks_outlive_the_job(place: Place) -> None:
    assert place.job("check", report="first") == (0, "")
    subprocess.run(["rm", "-r", place.work / ".trueup"], check=True)
    assert place.job("check") == (0, "")
    assert [path.name for path in (place.kept / "reports").iterdir()] == ["1.html"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize(("code", "expected"), [(143, 143), (3, 3), (0, 0)])
def test_a_job_that_is_ended_tells_trueup_and_waits_for_it(place: Place, name: str, code: int, expected: int) -> None:
    (place.bin / "trueup").write_text(ENDLESS, encoding="utf-8")
    began = time.monotonic()
    with place.start("check", code=code) as process:
        while not (place.work / "started").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.Signals[name])
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == expected
    assert time.monotonic() - began < 30
    assert (place.kept / "report.html").read_text(encoding="utf-8") == "told\n"
