"""docs/tutorial/first-night.md: its shell, command by command, on the night that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden.incident import incident
from helpers.documented import blocks_of
from helpers.documented_shell import run_as_shown
from helpers.support import PROJECT

pytestmark = pytest.mark.slow

# They open the shell.
OPENING = ("make demo", ".venv/bin/trueup local")


def test_the_first_night_goes_as_the_tutorial_says(tmp_path: Path) -> None:
    blocks = blocks_of(PROJECT / "docs" / "tutorial" / "first-night.md")
    inside = [one for one in blocks if not one.text.startswith(OPENING)]
    assert len(inside) == len(blocks) - len(OPENING)
    run_as_shown(incident(), inside, tmp_path)
