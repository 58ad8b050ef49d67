"""Keeps what the analysis of the project found, so that the next command need not repeat it.

The analysis takes a minute. The tests write the file, and `make cost` reads it as long as no analysed file has changed.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlcheck.catalog import Catalog
from sqlcheck.costs.reads import StatementReads, TableRead
from sqlcheck.partitions import Days
from sqlcheck.types import type_text

_FILE = Path(".trueup") / "sqlcheck" / "reads.json"
# All that the analysis depends on.
_FILES = ("dbt_project.yml", "profiles.example.yml", "requirements.lock")
_FOLDERS = ("models", "macros", "seeds", "tests/generic", "tests/singular", "expectations", "src", "tools/sqlcheck")
_VARIABLES = ("TRUEUP_PROJECT", "TRUEUP_DATASET")
_ENDINGS = (".sql", ".yml", ".csv", ".json", ".py", ".md")


@dataclass(frozen=True)
class Facts:
    """The reads of all statements, and the types of the columns of all tables by full name."""

    statements: tuple[StatementReads, ...]
    types: Mapping[str, Mapping[str, str]]


def facts_of(statements: list[StatementReads], catalog: Catalog) -> Facts:
    """The facts of a finished analysis."""
    tables = catalog.tables.items()
    types = {name: {key: type_text(kind) for key, kind in table.columns.items()} for name, table in tables}
    return Facts(tuple(statements), types)


def keep(project: Path, facts: Facts) -> None:
    """Write the facts, completely or not at all."""
    path = project / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"digest": _digest(project), **asdict(facts)}), encoding="utf-8")
    part.replace(path)


def kept(project: Path) -> Facts | None:
    """The kept facts; None if there are none, or if an analysed file has changed since."""
    try:
        data = json.loads((project / _FILE).read_text(encoding="utf-8"))
        if data["digest"] != _digest(project):
            return None
        return Facts(tuple(_statement(one) for one in data["statements"]), data["types"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _statement(data: Mapping[str, Any]) -> StatementReads:
    reads = tuple(_read(one) for one in data["reads"])
    return StatementReads(data["name"], data["kind"], reads, data["sql"], tuple(data["parameters"]))


def _read(data: Mapping[str, Any]) -> TableRead:
    days = Days(**data["days"]) if data["days"] else None
    return TableRead(data["table"], tuple(data["columns"]), days, data["is_written"])


def _digest(project: Path) -> str:
    digest = hashlib.sha256()
    for path in _inputs(project):
        digest.update(f"{path.relative_to(project)}\n{path.stat().st_size}\n".encode() + path.read_bytes())
    digest.update(str(sorted((name, os.environ.get(name, "")) for name in _VARIABLES)).encode())
    return digest.hexdigest()


def _inputs(project: Path) -> Iterator[Path]:
    yield from (project / name for name in _FILES if (project / name).is_file())
    for folder in _FOLDERS:
        found = (path for path in sorted((project / folder).rglob("*")) if path.suffix in _ENDINGS)
        # Statistics and budgets are read anew each time.
        yield from (path for path in found if path.is_file() and not (path.suffix == ".yml" and "costs" in path.parts))
