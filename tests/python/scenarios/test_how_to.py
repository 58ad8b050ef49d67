"""Pages of docs/how-to whose commands print what the page shows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from golden.incident import incident
from helpers.command_line import call, copy_project
from helpers.documented import Block, blocks_of, commands_of, shells, words
from helpers.documented_shell import run_as_shown
from helpers.support import PROJECT

pytestmark = pytest.mark.slow

HOW_TO = PROJECT / "docs" / "how-to"
# As on a machine where nobody has logged in.
NO_LOGIN = {"GOOGLE_APPLICATION_CREDENTIALS": "", "NO_GCE_CHECK": "true", "TRUEUP_PROJECT": "my-project"}


def shown(page: Path) -> list[tuple[Block, Block]]:
    """Each block of commands with what the page says that they print."""
    return [(one, said) for one, said in pairwise(blocks_of(page)) if shells([one]) and said.language == "text"]


@pytest.mark.parametrize(("block", "said"), shown(HOW_TO / "doctor.md"))
def test_the_doctor_says_what_its_page_shows(block: Block, said: Block, tmp_path: Path) -> None:
    (command,) = commands_of(block.text)
    told = words(command.text)
    place = told.index(".venv/bin/trueup")
    environment = {**NO_LOGIN, "CLOUDSDK_CONFIG": str(tmp_path), **dict(one.split("=") for one in told[:place])}
    done = call(copy_project(tmp_path / "project"), *told[place + 1 :], **environment)
    assert (done.returncode,) == command.exits
    assert [line for line in said.text.splitlines() if line.strip() not in done.stdout] == []


def test_the_error_budgets_of_the_night_are_as_shown(tmp_path: Path) -> None:
    pairs = shown(HOW_TO / "service-levels.md")
    assert pairs
    run_as_shown(incident(), [block for pair in pairs for block in pair], tmp_path)
