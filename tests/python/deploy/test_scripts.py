"""shellcheck finds nothing in the scripts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from helpers.support import PROJECT, missing

SCRIPTS = (
    ".ci/run",
    "deploy/apply.sh",
    "deploy/settings.sh",
    "deploy/steps.sh",
    "deploy/job",
    "tests/python/helpers/fake_cloud.sh",
)


def shellcheck(*scripts: Path) -> str:
    if shutil.which("shellcheck") is None:
        missing("shellcheck (apt-get install shellcheck)")
    command = ["shellcheck", "--external-sources", *map(str, scripts)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60).stdout


def test_shellcheck_finds_nothing() -> None:
    assert shellcheck(*(PROJECT / name for name in SCRIPTS)) == ""


def test_shellcheck_finds_a_planted_fault(tmp_path: Path) -> None:
    script = tmp_path / "apply.sh"
    text = (PROJECT / "deploy/apply.sh").read_text(encoding="utf-8")
    script.write_text(text.replace('"$REPOSITORY"', "$REPOSITORY", 1) + "rm -rf $undefined/*\n", encoding="utf-8")
    assert "SC2086" in shellcheck(script)
