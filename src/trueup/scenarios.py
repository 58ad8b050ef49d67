"""Scenarios: a folder that says what is in the warehouse and the documents, and what must be found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from trueup.completions import decode_document
from trueup.errors import ScenarioError
from trueup.scenario_tables import read_table
from trueup.schemas import TableSchema

# dbt cannot have a seed and a model of one name: the targets of the model service_levels stand in
# service_level_targets. A scenario may call them by either name.
SEED_ALIASES = {"service_levels": "service_level_targets"}
_SEEDS = frozenset(
    {
        "processor_roster",
        "scraper_roster",
        "service_level_targets",
        "known_exceptions",
        "rules",
        *SEED_ALIASES,
    }
)
_REQUIRED = frozenset({"title", "as_of", "first_date", "last_date", "expect"})
_KNOWN = _REQUIRED | {"vars", "optional"}
_EXACT = ("error", "warn")
_SEVERITIES = ("error", "warn", "info")


@dataclass(frozen=True)
class ExpectedFinding:
    """A finding that a run must have; ``observed`` is compared only where it is given."""

    rule: str
    severity: str
    game_date: date
    subject: str
    observed: float | None = None

    def __str__(self) -> str:
        observed = "" if self.observed is None else f" observed {self.observed:g}"
        return f"{self.severity} {self.rule} {self.game_date} {self.subject}{observed}"

    def matches(self, finding: Mapping[str, Any]) -> bool:
        """Whether a finding is this one."""
        return (
            self.rule == finding["rule"]
            and self.severity == finding["severity"]
            and self.game_date.isoformat() == str(finding["game_date"])
            and self.subject == finding["subject"]
            and (self.observed is None or self.observed == finding["observed"])
        )


@dataclass(frozen=True)
class Scenario:
    """A scenario as it was read. ``tables``: rows by ``dataset.table``, as JSON load jobs take them;
    ``documents``: raw JSON by collection and id; ``optional``: sources that do not exist.
    """

    name: str
    title: str
    as_of: datetime
    first_date: date
    last_date: date
    vars: Mapping[str, Any]
    expect: tuple[ExpectedFinding, ...]
    optional: frozenset[str]
    tables: Mapping[str, tuple[dict[str, Any], ...]]
    documents: Mapping[str, Mapping[str, dict[str, Any]]]
    seeds: Path | None


@dataclass(frozen=True)
class Comparison:
    """What was expected and not found, and what was found and not expected."""

    missing: tuple[ExpectedFinding, ...]
    unexpected: tuple[Mapping[str, Any], ...]

    @property
    def is_match(self) -> bool:
        """Whether exactly the expected was found."""
        return not self.missing and not self.unexpected


def compare(expected: Sequence[ExpectedFinding], findings: Sequence[Mapping[str, Any]]) -> Comparison:
    """Exact for errors and warnings; other information than the expected is let be."""
    left = list(findings)
    missing = []
    for one in expected:
        match = next((finding for finding in left if one.matches(finding)), None)
        if match is None:
            missing.append(one)
        else:
            left.remove(match)
    unexpected = tuple(finding for finding in left if finding["severity"] in _EXACT)
    return Comparison(tuple(missing), unexpected)


def find_scenarios(paths: Sequence[Path]) -> list[Path]:
    """The scenario folders among and directly below ``paths``. Raises ScenarioError for none."""
    found: list[Path] = []
    for path in paths:
        if (path / "scenario.yml").is_file():
            found.append(path)
            continue
        below = sorted(one.parent for one in path.glob("*/scenario.yml"))
        if not below:
            raise ScenarioError(
                f"There is no scenario at {path}.",
                "A scenario is a folder with a scenario.yml; see docs/scenarios.md.",
            )
        found += below
    return found


def load_scenario(folder: Path, schemas: Mapping[str, TableSchema], rules: frozenset[str] = frozenset()) -> Scenario:
    """Read a scenario. ``rules``: the known codes; without them codes are not checked.

    Raises ScenarioError, naming file, line and column, for anything that cannot be read.
    """
    path = folder / "scenario.yml"
    head = _head(path)
    dates = [_date(path, key, head[key]) for key in ("first_date", "last_date")]
    if dates[0] > dates[1]:
        raise ScenarioError(f"{path}: first_date {dates[0]} is after last_date {dates[1]}.")
    optional = frozenset(str(one) for one in head.get("optional") or [])
    unknown = sorted(optional - set(schemas))
    if unknown:
        raise ScenarioError(f"{path}: optional names {unknown[0]}, which is no source of trueup.")
    return Scenario(
        name=folder.resolve().name,
        title=str(head["title"]),
        as_of=_moment(path, head["as_of"]),
        first_date=dates[0],
        last_date=dates[1],
        vars=dict(head.get("vars") or {}),
        expect=tuple(_expected(path, number, one, rules) for number, one in enumerate(head["expect"] or [], 1)),
        optional=optional,
        tables=_tables(folder, schemas, optional),
        documents=_documents(folder),
        seeds=_seeds(folder),
    )


def _head(path: Path) -> dict[str, Any]:
    try:
        head = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(head, dict):
        raise ScenarioError(f"{path} holds no settings.", f"It needs {', '.join(sorted(_REQUIRED))}.")
    for key in sorted(_REQUIRED - set(head)):
        raise ScenarioError(f"{path} lacks {key}.", f"It needs {', '.join(sorted(_REQUIRED))}.")
    for key in sorted(set(map(str, head)) - _KNOWN):
        raise ScenarioError(f"{path}: unknown key {key}.", f"Known are {', '.join(sorted(_KNOWN))}.")
    if not isinstance(head["expect"] or [], list):
        raise ScenarioError(f"{path}: expect is not a list.", "Write `expect: []` for none.")
    return head


def _expected(path: Path, number: int, entry: Any, rules: frozenset[str]) -> ExpectedFinding:
    where = f"{path}: expect {number}"
    fields = set(ExpectedFinding.__dataclass_fields__)
    if not isinstance(entry, dict) or not fields - {"observed"} <= set(entry) <= fields:
        raise ScenarioError(f"{where} is {entry!r}.", "It needs rule, severity, game_date, subject; observed may be.")
    if entry["severity"] not in _SEVERITIES:
        raise ScenarioError(f"{where}: severity {entry['severity']!r} is none of error, warn, info.")
    if rules and entry["rule"] not in rules:
        raise ScenarioError(f"{where}: there is no rule {entry['rule']!r}.", "See seeds/rules.csv.")
    observed = entry.get("observed")
    if observed is not None and (isinstance(observed, bool) or not isinstance(observed, int | float)):
        raise ScenarioError(f"{where}: observed {observed!r} is not a number.")
    return ExpectedFinding(
        rule=entry["rule"],
        severity=entry["severity"],
        game_date=_date(path, f"expect {number} game_date", entry["game_date"]),
        subject=str(entry["subject"]),
        observed=None if observed is None else float(observed),
    )


def _date(path: Path, key: str, value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ScenarioError(f"{path}: {key} {value!r} is not a date.", "As in 2026-02-03.") from error


def _moment(path: Path, value: Any) -> datetime:
    moment = value
    if not isinstance(moment, datetime):
        try:
            moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except ValueError as error:
            raise ScenarioError(
                f"{path}: as_of {value!r} is not a moment.", "As in 2026-02-04T16:00:00-05:00."
            ) from error
    if moment.tzinfo is None:
        raise ScenarioError(
            f"{path}: as_of {moment.isoformat()} has no offset.",
            "Quote it and add one, as in '2026-02-04T16:00:00-05:00'.",
        )
    return moment


def _tables(
    folder: Path, schemas: Mapping[str, TableSchema], optional: frozenset[str]
) -> dict[str, tuple[dict[str, Any], ...]]:
    tables = {}
    for path in sorted((folder / "tables").glob("*")):
        name = path.stem
        if path.suffix != ".csv" or name not in schemas:
            known = ", ".join(sorted(one for one in schemas if not one.startswith("trueup.")))
            raise ScenarioError(f"{path} is the file of no table.", f"Known are {known}, as .csv.")
        if name in optional:
            raise ScenarioError(f"{path}: {name} is said not to exist (optional), and has rows.")
        tables[name] = read_table(path, schemas[name])
    return tables


def _documents(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    documents: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted((folder / "documents").glob("*/*")):
        if path.suffix != ".json":
            raise ScenarioError(f"{path} is not a .json file.")
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise ScenarioError(f"{path} is not JSON: {error}") from error
        if not isinstance(raw, dict):
            raise ScenarioError(f"{path} is not a document: it must be one JSON object.")
        decode_document(raw, str(path))
        documents.setdefault(path.parent.name, {})[path.stem] = raw
    return documents


def _seeds(folder: Path) -> Path | None:
    seeds = folder / "seeds"
    if not seeds.is_dir():
        return None
    for path in sorted(seeds.iterdir()):
        if path.suffix != ".csv" or path.stem not in _SEEDS:
            raise ScenarioError(f"{path} is no seed.", f"Known are {', '.join(sorted(_SEEDS))}, as .csv.")
    return seeds
