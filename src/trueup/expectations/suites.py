"""The suites in ``expectations/``: Great Expectations' own JSON, and what its ``meta`` tells trueup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueup.errors import UsageError
from trueup.verdicts import Severity

_SEVERITIES: Mapping[str, Severity] = {"critical": "error", "warning": "warn", "info": "info"}
_COLUMNS = ("column", "column_A", "column_B", "column_list", "column_set")


@dataclass(frozen=True)
class Expectation:
    """One expectation. ``config``: Great Expectations' JSON of it; ``columns``: those that it reads."""

    says: str
    severity: Severity
    columns: tuple[str, ...]
    config: Mapping[str, Any]

    @property
    def examines_nulls(self) -> bool:
        """Whether a NULL is something to examine, and not something to pass over."""
        return str(self.config["type"]).endswith("_to_not_be_null")


@dataclass(frozen=True)
class Suite:
    """One suite: what is expected of one table.

    ``rule``: the code of its family. ``table``: the model of ours that is read. ``keys``: the columns that name a
    row to a person. ``derived``: columns that are computed for this suite alone, name to SQL.
    """

    name: str
    rule: str
    table: str
    keys: tuple[str, ...]
    derived: Mapping[str, str]
    expectations: tuple[Expectation, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, ``game_date`` first, the derived ones last."""
        named = [*self.keys, *(column for one in self.expectations for column in one.columns)]
        plain = dict.fromkeys(["game_date", *(name for name in named if name not in self.derived)])
        return (*plain, *self.derived)


def read_suites(folder: Path) -> tuple[Suite, ...]:
    """Every suite, by name. Raises UsageError, naming the file, for one that cannot be read."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UsageError(f"There is no suite in {folder}.", "Run trueup in its checkout, or give --project-dir.")
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> Suite:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        meta = raw["meta"]
        suite = Suite(
            name=raw["name"],
            rule=meta["rule"],
            table=meta["table"],
            keys=tuple(meta["keys"]),
            derived=dict(meta.get("derived", {})),
            expectations=tuple(_expectation(one) for one in raw["expectations"]),
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"The suite {path} cannot be read: {error}", "Correct its JSON.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The suite {path} lacks {error}.",
            "It needs name, expectations (each with type, kwargs, severity, description), meta.rule, .table, .keys.",
        ) from error
    if suite.name != path.stem:
        raise UsageError(f"The suite in {path} calls itself {suite.name}.", "A file has the name of its suite.")
    return suite


def _expectation(raw: Mapping[str, Any]) -> Expectation:
    named = [raw["kwargs"][key] for key in _COLUMNS if key in raw["kwargs"]]
    columns = [column for one in named for column in (one if isinstance(one, list) else [one])]
    return Expectation(raw["description"], _SEVERITIES[raw["severity"]], tuple(columns), raw)
