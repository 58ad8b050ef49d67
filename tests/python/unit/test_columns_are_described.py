"""Every column says what it holds, and says it once: words that several columns share are a doc block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from helpers.support import PROJECT

MODELS = PROJECT / "models"
OFTEN = 3
BLOCK = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}(.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)
USE = re.compile(r"""\{\{\s*doc\(\s*["'](\w+)["']\s*\)\s*\}\}""")


@dataclass(frozen=True)
class Entry:
    """A resource or a column of the project's YAML, and what it says of itself."""

    name: str
    description: str
    is_column: bool = False


def resources(declared: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a YAML file declares; a table is called by its source and itself."""
    yield from declared.get("models", [])
    yield from declared.get("unit_tests", [])
    for source in declared.get("sources", []):
        yield source
        for table in source["tables"]:
            yield {**table, "name": f"{source['name']}.{table['name']}"}


def entries() -> Iterator[Entry]:
    for path in sorted(MODELS.rglob("*.yml")):
        for one in resources(yaml.safe_load(path.read_text(encoding="utf-8")) or {}):
            yield Entry(one["name"], one.get("description") or "")
            for column in one.get("columns", []):
                yield Entry(f"{one['name']}, column {column['name']}", column.get("description") or "", is_column=True)


ENTRIES = tuple(entries())
BLOCKS = {
    name: " ".join(text.split())
    for path in sorted(MODELS.rglob("*.md"))
    for name, text in BLOCK.findall(path.read_text(encoding="utf-8"))
}


def test_every_column_has_a_description() -> None:
    assert sum(one.is_column for one in ENTRIES) > len(BLOCKS) > 0, "this test no longer sees what is declared"
    silent = [one.name for one in ENTRIES if one.is_column and not one.description.strip()]
    assert not silent, "describe under models/: " + "; ".join(silent)


def test_every_doc_block_says_something_and_is_used() -> None:
    used = {name for one in ENTRIES for name in USE.findall(one.description)}
    idle = sorted(set(BLOCKS) - used)
    assert not idle, "no description uses the doc blocks " + ", ".join(idle)
    empty = sorted(name for name, text in BLOCKS.items() if not text)
    assert not empty, "nothing stands in the doc blocks " + ", ".join(empty)


def test_what_is_said_often_is_a_doc_block() -> None:
    places: dict[str, list[str]] = {}
    for name, text in BLOCKS.items():
        places.setdefault(text, []).append(f"doc block {name}")
    for one in ENTRIES:
        text = " ".join(one.description.split())
        if text and not USE.search(text):
            places.setdefault(text, []).append(one.name)
    repeated = [f"{text!r} at {'; '.join(where)}" for text, where in places.items() if len(where) >= OFTEN]
    assert not repeated, "say it in one doc block (models/**/_columns.md): " + "\n".join(repeated)
