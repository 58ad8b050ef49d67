"""The suites in ``expectations/``: the JSON of Great Expectations, with ``meta`` for trueup.

The YAML of the models declares which suites there must be, so that a removed suite is noticed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueup.errors import UsageError
from trueup.expectations.kinds import columns_of, derived_columns, examines_nulls, judged_column, refusal
from trueup.parsing import read_yaml
from trueup.results.finding import Severity

_SEVERITIES: Mapping[str, Severity] = {"critical": "error", "warning": "warn", "info": "info"}


@dataclass(frozen=True)
class Expectation:
    """One expectation. ``config``: its JSON; ``columns``: those that it reads; ``judged_column``: the one whose values
    are judged; ``examines_nulls``: whether NULLs are examined, not skipped; ``says``: its description.
    """

    says: str
    severity: Severity
    columns: tuple[str, ...]
    judged_column: str
    examines_nulls: bool
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """The rows of one of our models for which ``condition`` (SQL) is true."""

    table: str
    condition: str


@dataclass(frozen=True)
class Suite:
    """One suite: the expectations on one table.

    ``rule``: code of the rule. ``table``: the model that is read. ``keys``: columns that identify a row for people.
    ``derived``: columns computed only for this suite, name to SQL. ``counted_games_only``: leave out rows of games that
    do not count. ``needs_rows_each_date``: a date without rows is "could not check". ``needs_rows_where``: the same,
    but only for a date with such rows in another table.
    """

    name: str
    rule: str
    table: str
    keys: tuple[str, ...]
    derived: Mapping[str, str]
    expectations: tuple[Expectation, ...]
    counted_games_only: bool = False
    needs_rows_each_date: bool = False
    needs_rows_where: Condition | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read: ``game_date`` first, derived ones last."""
        named = [*self.keys, *(column for one in self.expectations for column in one.columns)]
        plain = dict.fromkeys(["game_date", *(name for name in named if name not in self.derived)])
        return (*plain, *self.derived)


# The keys of ``meta``: what a suite has besides Great Expectations' own keys.
_META = {"great_expectations_version", *Suite.__dataclass_fields__} - {"name", "expectations"}


@dataclass(frozen=True, order=True)
class DeclaredSuite:
    """A model, or a table that trueup writes itself, that must have a suite of the rule."""

    table: str
    rule: str


def read_suites(folder: Path) -> tuple[Suite, ...]:
    """Every suite, by name. Raises UsageError with the name of the file if one is invalid."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UsageError(f"There is no suite in {folder}.", "Run trueup in its checkout, or give --project-dir.")
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> Suite:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        _refuse_unknown(path, raw)
        suite = _suite(raw)
    except (OSError, ValueError) as error:
        raise UsageError(f"The suite {path} cannot be read: {error}", "Correct its JSON.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The suite {path} has a missing or invalid value: {error}.",
            "It needs name, expectations (each with type, kwargs, severity, description), meta.rule, .table, .keys.",
        ) from error
    if suite.name != path.stem:
        raise UsageError(
            f"The suite in {path} has the name {suite.name}.", "Rename the suite or the file: both names must be equal."
        )
    return suite


def _refuse_unknown(path: Path, raw: Mapping[str, Any]) -> None:
    for one in raw["expectations"]:
        if reason := refusal(one):
            raise UsageError(
                f"The suite {path} has an expectation that cannot be counted: {reason}.",
                "Add a column to meta.derived that is NULL for rows without an expectation.",
            )
    # A misspelt key would silently disable its setting.
    if unknown := sorted(set(raw["meta"]) - _META):
        raise UsageError(
            f"The suite {path} has unknown keys in meta: {', '.join(unknown)}.", f"Use {', '.join(sorted(_META))}."
        )


def _suite(raw: Mapping[str, Any]) -> Suite:
    meta = raw["meta"]
    counted = {name: sql for one in raw["expectations"] for name, sql in derived_columns(one).items()}
    needs = meta.get("needs_rows_where")
    return Suite(
        name=raw["name"],
        rule=meta["rule"],
        table=meta["table"],
        keys=tuple(meta["keys"]),
        derived={**meta.get("derived", {}), **counted},
        expectations=tuple(_expectation(one) for one in raw["expectations"]),
        counted_games_only=bool(meta.get("counted_games_only", False)),
        needs_rows_each_date=bool(meta.get("needs_rows_each_date", False)),
        needs_rows_where=Condition(needs["table"], needs["condition"]) if needs else None,
    )


def _expectation(raw: Mapping[str, Any]) -> Expectation:
    severity = _SEVERITIES[raw["severity"]]
    return Expectation(raw["description"], severity, columns_of(raw), judged_column(raw), examines_nulls(raw), raw)


def declared_suites(models: Path) -> tuple[DeclaredSuite, ...]:
    """Every ``config: meta: suite: <rule>`` of a model or a source's table under ``models``. Raises UsageError."""
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
