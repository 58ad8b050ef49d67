"""The README and the pages of docs/how-to: every command of trueup and dbt, with its exit code, and what it prints
where the page shows that.
"""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from golden.incident import incident
from helpers.command_line import call, copy_project
from helpers.documented import RUN_BY, Block, blocks_of, commands_of, shells, words
from helpers.documented_shell import run_as_shown
from helpers.support import PROJECT, SCENARIOS

pytestmark = pytest.mark.slow

HOW_TO = PROJECT / "docs" / "how-to"
# As on a machine where nobody has logged in.
NO_LOGIN = {"GOOGLE_APPLICATION_CREDENTIALS": "", "NO_GCE_CHECK": "true", "TRUEUP_PROJECT": "my-project"}


def pairs_of(page: Path) -> list[tuple[Block, Block]]:
    """Each block of commands with what the page says that they print."""
    return [(one, said) for one, said in pairwise(blocks_of(page)) if shells([one]) and said.language == "text"]


@pytest.mark.parametrize(("block", "said"), pairs_of(HOW_TO / "doctor.md"))
def test_the_doctor_says_what_its_page_shows(block: Block, said: Block, tmp_path: Path) -> None:
    (command,) = commands_of(block.text)
    told = words(command.text)
    place = told.index(".venv/bin/trueup")
    environment = {**NO_LOGIN, "CLOUDSDK_CONFIG": str(tmp_path), **dict(one.split("=") for one in told[:place])}
    done = call(copy_project(tmp_path / "project"), *told[place + 1 :], **environment)
    assert (done.returncode,) == command.exits
    shown = [line for line in said.text.splitlines() if line != "…"]  # what is left out
    assert [line for line in shown if line.strip() not in done.stdout] == []


def test_the_error_budgets_of_the_night_are_as_shown(tmp_path: Path) -> None:
    pairs = pairs_of(HOW_TO / "service-levels.md")
    assert pairs
    run_as_shown(incident(), [block for pair in pairs for block in pair], tmp_path)


# Run above as the page shows them.
SHOWN = ("docs/how-to/doctor.md", "docs/how-to/service-levels.md")
# The opening of a shell: the others are run in it. CI runs the targets of make itself.
OPENING = re.compile(r"(\.venv/bin/)?(trueup local --scenario \S+$|make |gcloud )")


def test_the_commands_of_the_other_pages_run(tmp_path: Path) -> None:
    """On the night of the incident, in one shell: what a page shows for BigQuery runs on the embedded warehouse."""
    blocks, seen = [], set()
    for name, test in RUN_BY.items():
        if test == Path(__file__).name and name not in SHOWN:
            for block in shells(blocks_of(PROJECT / name)):
                commands = [one.text for one in commands_of(block.text) if not OPENING.match(one.text)]
                new = [one for one in commands if one not in seen]
                seen.update(new)
                blocks.append(replace(block, text="\n".join(new)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    run_as_shown(incident(), blocks, tmp_path, edit=partial(practised, port=port))


def practised(command: str, port: str) -> str:
    """What one changes who tries a command on the night of the incident."""
    command = command.replace(" --target prod", "").replace(".venv/bin/", "").replace("8080", port)
    command = command.replace("--first-date 2025-10-01", "--first-date 2026-01-28")  # fewer days
    command = re.sub(r"(?<=[ =])scenarios(?=[ /])", str(SCENARIOS), command)
    if " serve " in command:  # in another terminal
        live = f"curl --silent --output /dev/null http://127.0.0.1:{port}/live"
        return f"{command} > /dev/null 2>&1 &\ntrap 'kill '$! EXIT\nuntil {live}; do sleep 0.2; done"
    return command
