"""Runs the commands of a page in one shell beside a night, and compares what they print with what the page shows."""

from __future__ import annotations

import shlex
import sys
from datetime import timedelta
from pathlib import Path

from golden.golden import Golden, write
from helpers.command_line import call, copy_project, warm
from helpers.documented import Block, Command, commands_of, shells
from helpers.support import PROJECT
from trueup.window import EASTERN, now

AS_OF_NOW = "unset TRUEUP_SCENARIO TRUEUP_VARS"


def run_as_shown(golden: Golden, blocks: list[Block], folder: Path, begin: str = AS_OF_NOW) -> None:
    """Run the blocks of a shell in their order. Each command must end with the exit code that the page gives it; each
    line of another block must be in what the block before it printed. The shell runs ``begin`` first.
    """
    ran = iter(_run(golden, [one for block in shells(blocks) for one in commands_of(block.text)], folder, begin))
    printed = ""
    for block in blocks:
        if shells([block]):
            printed = ""
            for command in commands_of(block.text):
                said, code = next(ran)
                assert code in command.exits, f"{command.text} ended with {code}:\n{said}"
                printed += said
        else:
            gone = [line for line in block.text.splitlines() if _flat(line) not in _flat(printed)]
            assert not gone, f"{block.section} does not print {gone}:\n{printed}"


def _run(golden: Golden, commands: list[Command], folder: Path, begin: str) -> list[tuple[str, int]]:
    """What each command printed, and its exit code. gcloud and bq act on the night."""
    project = copy_project(folder / "project")
    write(golden, folder / "night")
    tools = folder / "tools"
    tools.mkdir()
    for name in ("gcloud", "bq"):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m helpers.platform_tools {name} "$@"\n')
        (tools / name).chmod(0o755)
    for name in ("trueup", "dbt"):
        (tools / name).write_text(f'#!/bin/sh\nexec {shlex.join(warm(name))} "$@"\n')
        (tools / name).chmod(0o755)
    script = folder / "script.sh"
    script.write_text(f'PATH="{tools}:$PATH"\n{begin}\n{_script(commands)}', encoding="utf-8")
    sources = ":".join(str(PROJECT / name) for name in ("src", "tests/python"))
    shell = ("local", "--scenario", str(folder / "night"), "--", "bash", str(script))
    done = call(project, *shell, PYTHONPATH=sources, DBT_USE_COLORS="false", NO_COLOR="1")
    parts = [part.rpartition("@= ") for part in done.stdout.split("@@\n")[1:]]
    assert len(parts) == len(commands), done.stdout + done.stderr
    return [(said, int(code)) for said, _, code in parts]


def _script(commands: list[Command]) -> str:
    """One shell for all commands, as an engineer has it, with the embedded target and a waiver that is not over."""
    until = (now().astimezone(EASTERN) + timedelta(days=14)).date()
    lines = []
    for one in commands:
        text = one.text.replace(" --target prod", "").replace("UNTIL=2026-02-17", f"UNTIL={until}")
        lines += ["echo '@@'", f"{{ {text}\n}} 2>&1", 'echo "@= $?"']
    return "\n".join(lines) + "\n"


def _flat(text: str) -> str:
    """A terminal breaks lines anywhere."""
    return " ".join(text.split())
