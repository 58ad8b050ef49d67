"""Runs the commands of a page in one shell beside a night, and compares what they print with what the page shows."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from golden.golden import Golden, write
from helpers.command_line import call, copy_project, warm
from helpers.documented import Block, Command, commands_of, shells
from helpers.support import PROJECT


def run_as_shown(
    golden: Golden, blocks: list[Block], folder: Path, begin: str = "", edit: Callable[[str], str] = str
) -> None:
    """Run the blocks of a shell in their order. Each command must end with the exit code that the page gives it; each
    line of another block must be in what the block before it printed. The shell runs ``begin`` first; ``edit`` is what
    the reader changes in a command.
    """
    commands = [one for block in shells(blocks) for one in commands_of(block.text)]
    ran = iter(_run(golden, commands, folder, f"{begin}\n{_script(commands, edit)}"))
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


def _run(golden: Golden, commands: list[Command], folder: Path, text: str) -> list[tuple[str, int]]:
    """What each command printed, and its exit code."""
    project = copy_project(folder / "project")
    (project / "tests" / "python").symlink_to(PROJECT / "tests" / "python")
    write(golden, folder / "night")
    tools = folder / "tools"
    tools.mkdir()
    for name in ("trueup", "dbt"):
        (tools / name).write_text(f'#!/bin/sh\nexec {shlex.join(warm(name))} "$@"\n')
        (tools / name).chmod(0o755)
    script = folder / "script.sh"
    script.write_text(f'PATH="{tools}:$PATH"\n{text}', encoding="utf-8")
    shell = ("local", "--scenario", str(folder / "night"), "--", "bash", str(script))
    done = call(project, *shell, PYTHONPATH=str(PROJECT / "src"), DBT_USE_COLORS="false", NO_COLOR="1")
    parts = [part.rpartition("@= ") for part in done.stdout.split("@@\n")[1:]]
    assert len(parts) == len(commands), done.stdout + done.stderr
    return [(said, int(code)) for said, _, code in parts]


def _script(commands: list[Command], edit: Callable[[str], str]) -> str:
    """One shell for all commands, as an engineer has it."""
    lines = []
    for one in commands:
        lines += ["echo '@@'", f"{{ {edit(one.text)}\n}} 2>&1", 'echo "@= $?"']
    return "\n".join(lines) + "\n"


def _flat(text: str) -> str:
    """A terminal breaks lines anywhere."""
    return " ".join(text.split())
