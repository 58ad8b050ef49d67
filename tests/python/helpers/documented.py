"""The commands that the README and docs/ show, as a shell reads them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.support import PROJECT

SHELLS = ("sh", "bash", "console")
# Which test in tests/python/scenarios runs the commands of trueup and dbt that a page shows.
RUN_BY = {
    "docs/runbook.md": "test_runbook.py",
    "docs/tutorial/first-night.md": "test_tutorial.py",
    **{
        name: "test_how_to.py"
        for name in (
            "README.md",
            *(f"docs/how-to/{one}.md" for one in ("bigquery", "doctor", "pull-requests", "pulse", "repair")),
            *(f"docs/how-to/{one}.md" for one in ("scenarios", "serve", "service-levels")),
        )
    },
}
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_EXITS = re.compile(r"\s+# exit code (\d)(?: or (\d))?$")


@dataclass(frozen=True)
class Block:
    """A fenced block. ``section``: the anchor of the heading of level 2 above it, "" if there is none."""

    page: Path
    section: str
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a block, with the exit codes that the page gives it (0 if it gives none)."""

    text: str
    exits: tuple[int, ...]


def pages() -> list[Path]:
    """The README, and every page of docs/ and deploy/."""
    return [PROJECT / "README.md", PROJECT / "deploy" / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    found = []
    for part in re.split(r"^(?=## )", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
        heading = re.match(r"## (.+)", part)
        section = anchor(heading[1]) if heading else ""
        found += [Block(page, section, one[1], one[2]) for one in _FENCE.finditer(part)]
    return found


def shells(blocks: Iterable[Block]) -> list[Block]:
    """The blocks with commands."""
    return [one for one in blocks if one.language in SHELLS]


def anchor(heading: str) -> str:
    """A heading's anchor on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def commands_of(text: str) -> Iterator[Command]:
    """The commands of a block: one a line, unless a quote or a backslash goes on. Comments are no commands."""
    held = ""
    for line in text.splitlines():
        held = f"{held}\n{line}" if held else line
        if held.endswith("\\") or not _is_whole(held):
            continue
        if words(held):
            exits = _EXITS.search(held)
            yield Command(held.strip(), tuple(int(one) for one in exits.groups() if one) if exits else (0,))
        held = ""
    assert not held, f"a quote is not closed: {held}"


def words(command: str) -> list[str]:
    """The words of a command, without its comment."""
    return shlex.split(command.replace("\\\n", " "), comments=True)


def _is_whole(text: str) -> bool:
    try:
        words(text)
    except ValueError:
        return False
    return True
