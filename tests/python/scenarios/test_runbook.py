"""docs/runbook.md: each section's commands in their order, on a night that has its fault, until it is healthy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from golden.documents import lock_left
from golden.golden import Golden, small
from golden.incident import incident
from golden.night import CACHE, SCHEDULE, et
from helpers.documented import anchor, blocks_of, commands_of, shells
from helpers.documented_shell import run_as_shown
from helpers.support import PROJECT
from trueup.results.reference import load_reference
from trueup.results.runbook import runbook_section

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


@pytest.mark.parametrize("name", NIGHTS)
def test_the_runbook_ends_verified(name: str, tmp_path: Path) -> None:
    make, sections = NIGHTS[name]
    run_as_shown(make(), [one for one in BLOCKS if one.section in (BEGIN, *sections)], tmp_path)


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
