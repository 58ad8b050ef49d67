"""The suites that the YAML of the models declares, so that a removed suite is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueup.errors import UsageError
from trueup.expectations.suites import Suite
from trueup.parsing import read_yaml


@dataclass(frozen=True, order=True)
class DeclaredSuite:
    """A model, or a table that trueup writes itself, that must have a suite of the rule."""

    table: str
    rule: str


def declared_suites(models: Path) -> tuple[DeclaredSuite, ...]:
    """Every ``config: meta: suite:`` of a model or of a source's table under ``models``; its value is the rule.

    Raises UsageError for YAML that cannot be read.
    """
    declared = [
        DeclaredSuite(one["name"], str(one["config"]["meta"]["suite"]))
        for path in sorted(models.rglob("*.yml"))
        for one in _described(path)
        if "suite" in _meta(one)
    ]
    return tuple(sorted(declared))


def refuse_missing_suites(suites: Iterable[Suite], declared: Iterable[DeclaredSuite], folder: Path) -> None:
    """Raise UsageError with the name of the model if a declared suite is missing in ``folder``."""
    there = {DeclaredSuite(one.table, one.rule) for one in suites}
    for one in declared:
        if one not in there:
            raise UsageError(
                f"The model {one.table} declares a suite of the rule {one.rule}, but {folder} has none.",
                "Restore the suite, or delete the line `suite:` in the model's config.meta.",
            )


def _described(path: Path) -> Iterator[Mapping[str, Any]]:
    """The models and the sources' tables in a file."""
    raw = read_yaml(path) or {}
    yield from raw.get("models") or ()
    for source in raw.get("sources") or ():
        yield from source.get("tables") or ()


def _meta(described: Mapping[str, Any]) -> Mapping[str, Any]:
    return (described.get("config") or {}).get("meta") or {}
