"""docs/runbook.md: each section's commands in their order, on a night that has its fault, until it is healthy."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from golden.documents import lock_left
from golden.golden import Golden, small
from golden.incident import incident
from golden.night import CACHE, SCHEDULE, et
from helpers.documented import Block, anchor, blocks_of, commands_of, shells
from helpers.documented_shell import run_as_shown
from helpers.support import PROJECT
from trueup.results.reference import load_reference
from trueup.results.runbook import place_in_runbook, runbook_section
from trueup.window import EASTERN, now

pytestmark = pytest.mark.slow

PAGE = PROJECT / "docs" / "runbook.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = blocks_of(PAGE)
RULES = load_reference(PROJECT / "seeds").rules
BEGIN, PRACTISE, PHASE_4 = "", "practise", "phase-4-not-started"
# Where the section on phase 4 goes on after the repair of the document has started it.
STARTED = "TRIG002,"


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


def blocks_for(sections: tuple[str, ...], is_started: bool) -> list[Block]:
    """The blocks of the sections, in the order of the page. ``is_started``: also what follows a start of phase 4."""
    after = [one for one in BLOCKS if one.section == PHASE_4]
    after = after[next(place for place, one in enumerate(after) if STARTED in one.text) :] if is_started else []
    return [one for one in BLOCKS if one.section in (BEGIN, *sections) or one in after]


def practised(command: str) -> str:
    """What the section on practising says to change in a command."""
    until = (now().astimezone(EASTERN) + timedelta(days=14)).date()
    return command.replace(" --target prod", "").replace("UNTIL=2026-02-17", f"UNTIL={until}")


@pytest.mark.parametrize("name", NIGHTS)
def test_the_runbook_ends_verified(name: str, tmp_path: Path) -> None:
    make, sections = NIGHTS[name]
    opens, begins = (one.text for one in shells(BLOCKS) if one.section == PRACTISE)
    assert opens.startswith(".venv/bin/trueup local")
    run_as_shown(make(), blocks_for(sections, make is incident), tmp_path, begins, practised)


def test_every_section_with_commands_is_run() -> None:
    run_sections = {section for _, sections in NIGHTS.values() for section in sections}
    assert {one.section for one in shells(BLOCKS)} == {BEGIN, PRACTISE, *run_sections}


def test_every_rule_has_its_section() -> None:
    headings = {anchor(one) for one in re.findall(r"^## (.+)$", TEXT, re.MULTILINE)}
    missing = {code: runbook_section(code) for code in RULES if runbook_section(code) not in headings}
    assert not missing, "correct docs/runbook.md or src/trueup/results/runbook.py"


def sections_by_rule(text: str) -> list[tuple[str, str]]:
    """Each rule of the table of the page with its section, in the order of the table."""
    found = []
    for cell, section in re.findall(r"^\| ([A-Z]+\d{3}.*?) \| \[[^]]+\]\(#([\w-]+)\) \|$", text, re.MULTILINE):
        codes = re.findall(r"([A-Z]+)(\d{3})", cell)
        numbers = [int(number) for _, number in codes]
        if " to " in cell:
            numbers = list(range(numbers[0], numbers[-1] + 1))
        found += [(f"{codes[0][0]}{number:03}", section) for number in numbers]
    return found


def test_the_table_of_the_page_has_every_rule_in_the_order_of_mending() -> None:
    in_order = sorted(RULES, key=lambda code: (place_in_runbook(code), code))
    assert sections_by_rule(TEXT) == [(code, runbook_section(code)) for code in in_order], (
        "correct the table of docs/runbook.md or src/trueup/results/runbook.py"
    )


def test_the_sections_of_the_page_stand_in_the_order_of_mending() -> None:
    headings = [anchor(one) for one in re.findall(r"^## (.+)$", TEXT, re.MULTILINE)]
    listed = list(dict.fromkeys(section for _, section in sections_by_rule(TEXT)))
    assert [one for one in headings if one in listed] == listed


def test_a_list_and_a_range_of_rules_are_read() -> None:
    text = "| none | [A](#a) |\n| SCHED001, SCHED002 | [B](#b) |\n| LATE001 to LATE003 | [C](#c-d) |\n"
    assert sections_by_rule(text) == [
        ("SCHED001", "b"), ("SCHED002", "b"), ("LATE001", "c-d"), ("LATE002", "c-d"), ("LATE003", "c-d"),
    ]  # fmt: skip


def test_each_fault_is_seen_before_it_is_mended() -> None:
    """The first command of a section on a rule fails, or prints a warning that its last command does not print."""
    for section in ("stale-schedule", "late-scrapers", "duplicate-rows", "completion-mismatch", "phase-4-not-started"):
        commands = [one for block in shells(BLOCKS) if block.section == section for one in commands_of(block.text)]
        look, verify = commands[0], commands[-1]
        assert look.exits == (1,), section
        assert verify.exits == (0,), section
        assert look.text.split("--select ")[1].split()[0] in verify.text, section
