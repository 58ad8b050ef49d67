"""Which models have a suite, as the YAML beside them declares it: a suite that is gone is missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trueup.errors import UsageError
from trueup.expectations.suites import Suite


@dataclass(frozen=True, order=True)
class DeclaredSuite:
    """A model, or a table that trueup writes itself, of which a suite of the rule must be there."""

    table: str
    rule: str


def declared_suites(models: Path) -> tuple[DeclaredSuite, ...]:
    """Every ``config: meta: suite:`` of a model or of a source's table under ``models``, whose value is the rule.

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
    """Raise UsageError, naming the model, where a suite that is declared is not in ``folder``."""
    there = {DeclaredSuite(one.table, one.rule) for one in suites}
    for one in declared:
        if one not in there:
            raise UsageError(
                f"No suite in {folder} is of the model {one.table} and the rule {one.rule}, as its YAML declares.",
                "Restore the suite, or take the line suite: out of the model's config.meta.",
            )


def _described(path: Path) -> Iterator[Mapping[str, Any]]:
    """The models and the sources' tables of a file."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "Correct its YAML.") from error
    yield from raw.get("models") or ()
    for source in raw.get("sources") or ():
        yield from source.get("tables") or ()


def _meta(described: Mapping[str, Any]) -> Mapping[str, Any]:
    return (described.get("config") or {}).get("meta") or {}
