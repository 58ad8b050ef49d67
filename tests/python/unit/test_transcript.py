"""docs/reference/dbt.md: every command of dbt on the night of the incident, with and without the vars."""

from __future__ import annotations

import re

import pytest

from helpers.support import PROJECT

PAGE = (PROJECT / "docs/reference/dbt.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `(dbt [^`]*)`\n\n```\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = ("build", "test", "run", "docs generate", "ls", "source freshness", "compile", "show")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("has_vars", [True, False])
def test_each_command_is_there_and_none_ended_with_an_error(command: str, has_vars: bool) -> None:
    (text,) = [
        text
        for name, text in SECTIONS.items()
        if re.match(rf"dbt {command}\b", name) and has_vars == ("--vars" in name)
    ]
    assert not re.search(r"Traceback|Encountered an error|Compilation Error|Runtime Error|/tmp/|/home/", text)


def test_a_failed_test_says_which_finding_with_its_query() -> None:
    for command in ("build", "test"):
        text = SECTIONS[f'dbt {command} --vars "$TRUEUP_VARS"']
        assert re.search(r"^DUP001 2026-02-03 player_game_summary: .*\n *select ", text, re.MULTILINE)
        assert "could not check: no current verdict" in text
