"""docs/runbook.md: each section's commands, in their order, on a night that has its fault, until it is healthy again."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from golden.documents import lock_left
from golden.golden import Golden, small, write
from golden.incident import incident
from golden.night import CACHE, SCHEDULE, et
from helpers.command_line import call, copy_project
from helpers.documented import SHELLS, Block, Command, anchor, blocks_of, commands_of
from helpers.support import PROJECT
from trueup.results.reference import load_reference
from trueup.results.runbook import runbook_section
from trueup.window import EASTERN, now

PAGE = PROJECT / "docs" / "runbook.md"
BLOCKS = blocks_of(PAGE)
BEGIN = ""


def stale() -> Golden:
    """The schedule was last loaded before the games; everything else is as it should be."""
    golden = small("A schedule last loaded before the games")
    for row in golden.night.tables[SCHEDULE]:
        row.update(game_status=1, processed_at=et(golden.night.day, "15:00"))
    return golden


def not_started() -> Golden:
    """All have reported, and phase 4 was not started."""
    golden = small("Phase 4 was not started")
    for key in ("_triggered", "_triggered_at", "_trigger_reason"):
        del golden.night.fields[key]
    golden.night.tables[CACHE] = []
    return golden


NIGHTS: dict[str, tuple[Callable[[], Golden], tuple[str, ...]]] = {
    "incident": (incident, ("late-scrapers", "duplicate-rows", "completion-mismatch", "unexpected-values")),
    "not-started": (not_started, ("phase-4-not-started",)),
    "stale-schedule": (stale, ("stale-schedule",)),
    "lock": (lock_left, ("could-not-check", "lock-held", "missed-service-level")),
}


@dataclass(frozen=True)
class Ran:
    """A command, what it printed, and its exit code."""

    command: Command
    printed: str
    code: int


def script_of(commands: list[Command]) -> str:
    """One shell for all commands, as an engineer has it: on the embedded target, as of now."""
    until = (now().astimezone(EASTERN) + timedelta(days=14)).date()
    lines = ["unset TRUEUP_SCENARIO TRUEUP_VARS"]
    for one in commands:
        text = one.text.replace(" --target prod", "").replace("UNTIL=2026-02-17", f"UNTIL={until}")
        lines += ["echo '@@'", f"{{ {text}\n}} 2>&1", 'echo "@= $?"']
    return "\n".join(lines) + "\n"


def run(golden: Golden, blocks: list[Block], folder: Path) -> list[Ran]:
    """Run the commands of blocks beside a night."""
    project = copy_project(folder / "project")
    write(golden, folder / "night")
    tools = folder / "tools"
    tools.mkdir()
    for name in ("gcloud", "bq"):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m helpers.platform_tools {name} "$@"\n')
        (tools / name).chmod(0o755)
    commands = [one for block in blocks for one in commands_of(block.text)]
    (folder / "script.sh").write_text(f'PATH="{tools}:$PATH"\n{script_of(commands)}', encoding="utf-8")
    sources = ":".join(str(PROJECT / name) for name in ("src", "tests/python"))
    shell = ("local", "--scenario", str(folder / "night"), "--", "bash", str(folder / "script.sh"))
    done = call(project, *shell, PYTHONPATH=sources, DBT_USE_COLORS="false", NO_COLOR="1")
    parts = done.stdout.split("@@\n")[1:]
    assert len(parts) == len(commands), done.stdout + done.stderr
    said = [part.rpartition("@= ") for part in parts]
    return [Ran(one, text, int(code)) for one, (text, _, code) in zip(commands, said, strict=True)]


def shells(blocks: list[Block]) -> list[Block]:
    return [one for one in blocks if one.language in SHELLS]


def flat(text: str) -> str:
    """A terminal breaks lines anywhere."""
    return " ".join(text.split())


@pytest.mark.parametrize("name", NIGHTS)
def test_the_runbook_ends_verified(name: str, tmp_path: Path) -> None:
    make, sections = NIGHTS[name]
    blocks = [one for one in BLOCKS if one.section in (BEGIN, *sections)]
    ran = iter(run(make(), shells(blocks), tmp_path))
    printed = ""
    for block in blocks:
        if block.language in SHELLS:
            printed = ""
            for command in commands_of(block.text):
                one = next(ran)
                assert one.command == command
                assert one.code in command.exits, f"{command.text} ended with {one.code}:\n{one.printed}"
                printed += one.printed
        else:
            gone = [line for line in block.text.splitlines() if flat(line) not in flat(printed)]
            assert not gone, f"{block.section} does not print {gone}:\n{printed}"


def test_every_section_with_commands_is_run() -> None:
    run_sections = {section for _, sections in NIGHTS.values() for section in sections}
    assert {one.section for one in shells(BLOCKS)} == {BEGIN, *run_sections}


def test_every_rule_has_its_section() -> None:
    headings = {anchor(one) for one in re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)}
    rules = load_reference(PROJECT / "seeds").rules
    missing = {code: runbook_section(code) for code in rules if runbook_section(code) not in headings}
    assert not missing, "correct docs/runbook.md or src/trueup/results/runbook.py"


def test_each_fault_is_seen_before_it_is_mended() -> None:
    """The first command of a section on a rule fails, or prints a warning that its last command does not print."""
    for section in ("stale-schedule", "late-scrapers", "duplicate-rows", "completion-mismatch", "phase-4-not-started"):
        commands = [one for block in shells(BLOCKS) if block.section == section for one in commands_of(block.text)]
        look, verify = commands[0], commands[-1]
        assert look.exits == (1,), section
        assert verify.exits == (0,), section
        assert look.text.split("--select ")[1].split()[0] in verify.text, section
