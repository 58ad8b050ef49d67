"""Scenarios: folders with tables, documents and the expected findings."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

from trueup.errors import ScenarioError
from trueup.plain import Plain, plain
from trueup.results.finding import SEVERITIES
from trueup.results.report import Status
from trueup.scenario.cells import utc_timestamp
from trueup.scenario.files import brief, read_yaml
from trueup.scenario.folders import SEED_ALIASES as SEED_ALIASES
from trueup.scenario.folders import check_folders, read_documents, read_seeds, read_tables
from trueup.schemas import TableSchema
from trueup.window import WINDOW_VARS

_REQUIRED = frozenset({"title", "as_of", "first_date", "last_date", "expect"})
_KNOWN = _REQUIRED | {"vars", "optional", "expectations", "status", "expect_told"}
_EXACT = ("error", "warn")


@dataclass(frozen=True)
class ExpectedFinding(Plain):
    """A finding that a run must have. ``observed`` is compared only if it is given."""

    rule: str
    severity: str
    game_date: date
    subject: str
    observed: float | None = None

    def __str__(self) -> str:
        observed = "" if self.observed is None else f" observed {self.observed:g}"
        return f"{self.severity} {self.rule} {self.game_date} {self.subject}{observed}"

    def matches(self, finding: Mapping[str, Any]) -> bool:
        """Whether a finding is the expected one."""
        return (
            self.rule == finding["rule"]
            and self.severity == finding["severity"]
            and self.game_date.isoformat() == str(finding["game_date"])
            and self.subject == finding["subject"]
            and (self.observed is None or self.observed == finding.get("observed"))
        )


@dataclass(frozen=True)
class Scenario:
    """``tables``: rows by ``dataset.table`` for JSON load jobs. ``documents``: raw JSON by collection and id.
    ``optional``: missing sources. ``expectations``: whether the Great Expectations suites run too. ``status``: the
    expected status of the run, or None. ``expect_told``: when pulses first tell a rule. ``folder``: where it was read,
    None if it was made.
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
    expectations: bool = False
    status: Status | None = None
    expect_told: Mapping[str, datetime] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True)
class Comparison:
    """Expected findings that are missing, and findings that are unexpected."""

    missing: tuple[ExpectedFinding, ...]
    unexpected: tuple[Mapping[str, Any], ...]

    @property
    def is_match(self) -> bool:
        """Whether the findings are exactly the expected ones."""
        return not self.missing and not self.unexpected


def compare(expected: Sequence[ExpectedFinding], findings: Sequence[Mapping[str, Any]]) -> Comparison:
    """Compare findings. Unexpected ones of severity info are ignored."""
    left = list(findings)
    missing = []
    # Match expected findings with a number first: one without a number could take their match.
    for one in sorted(expected, key=lambda finding: finding.observed is None):
        match = next((finding for finding in left if one.matches(finding)), None)
        if match is None:
            missing.append(one)
        else:
            left.remove(match)
    unexpected = tuple(finding for finding in left if finding["severity"] in _EXACT)
    return Comparison(tuple(missing), unexpected)


def find_scenarios(paths: Sequence[Path]) -> list[Path]:
    """The scenario folders among ``paths`` and directly inside them. Raises ScenarioError if a path has none."""
    found: list[Path] = []
    for path in paths:
        if (path / "scenario.yml").is_file():
            found.append(path)
            continue
        below = [one for one in sorted(path.glob("*")) if one.is_dir() and _is_scenario(one)]
        if not below:
            raise ScenarioError(
                f"No scenario found at {path}.",
                "A scenario is a folder with a scenario.yml. See docs/how-to/scenarios.md.",
            )
        found += below
    return found


def _is_scenario(folder: Path) -> bool:
    """Whether a folder is a scenario. Raises ScenarioError if it looks like one without a scenario.yml."""
    if (folder / "scenario.yml").is_file():
        return True
    if any((folder / name).exists() for name in ("scenario.yaml", "tables", "documents")):
        raise ScenarioError(f"{folder} has no scenario.yml.", "Add it. See docs/how-to/scenarios.md.")
    return False


def load_scenario(folder: Path, schemas: Mapping[str, TableSchema], rules: frozenset[str] = frozenset()) -> Scenario:
    """Read a scenario. ``rules``: the known codes; none: not checked. Raises ScenarioError with file and place."""
    path = folder / "scenario.yml"
    head = _head(path)
    first, last = (_date(path, key, head[key]) for key in ("first_date", "last_date"))
    if first > last:
        raise ScenarioError(f"{path}: first_date {first} is after last_date {last}.", "Swap the two dates.")
    expect = tuple(_expected(path, number, one, rules) for number, one in enumerate(head["expect"] or [], 1))
    for number, one in enumerate(expect, 1):
        if not first <= one.game_date <= last:
            raise ScenarioError(
                f"{path}: expect {number}: game_date {one.game_date} is not within {first} to {last}.",
                "Use a day from first_date to last_date.",
            )
    check_folders(folder)
    optional = _optional(path, head.get("optional"), schemas)
    return Scenario(
        name=plain(folder.resolve().name),
        title=plain(_text(path, "title", head["title"])),
        as_of=_timestamp(path, "as_of", head["as_of"]),
        first_date=first,
        last_date=last,
        vars=_vars(path, head.get("vars")),
        expect=expect,
        optional=optional,
        tables=read_tables(folder, schemas, optional),
        documents=read_documents(folder),
        seeds=read_seeds(folder),
        expectations=_bool(path, "expectations", head.get("expectations", False)),
        status=_status(path, head["status"]) if "status" in head else None,
        expect_told=_told(path, head.get("expect_told") or {}, rules),
        folder=folder,
    )


def _head(path: Path) -> dict[str, Any]:
    head = read_yaml(path)
    needs = f"It needs {', '.join(sorted(_REQUIRED))}."
    if not isinstance(head, dict):
        raise ScenarioError(f"{path} has no settings.", needs)
    for key in sorted(_REQUIRED - set(head)):
        raise ScenarioError(f"{path} lacks {key}.", needs)
    for key in sorted(set(map(str, head)) - _KNOWN):
        raise ScenarioError(f"{path}: unknown key {key}.", f"Known keys are {', '.join(sorted(_KNOWN))}.")
    if head["expect"] is not None and not isinstance(head["expect"], list):
        raise ScenarioError(f"{path}: expect is not a list.", "Use `expect: []` for no findings.")
    return head


def _expected(path: Path, number: int, entry: Any, rules: frozenset[str]) -> ExpectedFinding:
    where = f"{path}: expect {number}"
    fields = set(ExpectedFinding.__dataclass_fields__)
    if not isinstance(entry, dict) or not fields - {"observed"} <= set(entry) <= fields:
        raise ScenarioError(
            f"{where} is {brief(repr(entry))}.", "It needs rule, severity, game_date and subject; observed is optional."
        )
    if entry["severity"] not in SEVERITIES:
        raise ScenarioError(f"{where}: unknown severity {entry['severity']!r}.", "Use error, warn or info.")
    rule = _text(path, f"expect {number} rule", entry["rule"])
    if rules and rule not in rules:
        raise ScenarioError(f"{where}: unknown rule {rule!r}.", "See seeds/rules.csv.")
    return ExpectedFinding(
        rule=rule,
        severity=entry["severity"],
        game_date=_date(path, f"expect {number} game_date", entry["game_date"]),
        subject=_text(path, f"expect {number} subject", entry["subject"]),
        observed=_observed(where, entry.get("observed")),
    )


def _observed(where: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass  # an integer that is too large for a float is refused below
    raise ScenarioError(f"{where}: observed {brief(repr(value))} is not a number.", "Remove it to accept any number.")


def _text(path: Path, key: str, value: Any) -> str:
    """A text. YAML reads some texts as whole numbers; they are converted back."""
    is_text = isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip()
    # YAML accepts lone surrogates ("\ud800"), which cannot be printed.
    if not is_text or str(value).encode("utf-8", "replace").decode() != str(value):
        raise ScenarioError(f"{path}: {key} {brief(repr(value))} is not a text.", "Use a quoted text.")
    return str(value)


def _bool(path: Path, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ScenarioError(f"{path}: {key} {brief(repr(value))} is not true or false.", "Use true or false.")
    return value


def _status(path: Path, value: Any) -> Status:
    statuses: tuple[Status, ...] = get_args(Status)
    for status in statuses:
        if value == status:
            return status
    raise ScenarioError(
        f"{path}: unknown status {brief(repr(value))}.", f"Use {', '.join(statuses)}, or remove the line."
    )


def _date(path: Path, key: str, value: Any) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value), re.ASCII):
            return date.fromisoformat(str(value))
    except ValueError:
        pass  # 2026-02-31 is refused below
    raise ScenarioError(f"{path}: {key} '{brief(str(value))}' is not a date.", "Use the form 2026-02-03.")


def _told(path: Path, given: Any, rules: frozenset[str]) -> dict[str, datetime]:
    if not isinstance(given, dict):
        raise ScenarioError(
            f"{path}: expect_told is not a map.", "Example: `expect_told: {TRIG001: '2026-02-04T15:40-05:00'}`."
        )
    for rule in given:
        if rules and rule not in rules:
            raise ScenarioError(f"{path}: expect_told: unknown rule {brief(repr(rule))}.", "See seeds/rules.csv.")
    return {str(rule): _timestamp(path, f"expect_told {rule}", value) for rule, value in given.items()}


def _timestamp(path: Path, key: str, value: Any) -> datetime:
    expected = "Quote it and add an offset, for example '2026-02-04T16:00:00-05:00'."
    if re.fullmatch(r"[-\d]+([T ][:.\d]+)?", str(value)):
        raise ScenarioError(f"{path}: {key} {value} has no offset.", expected)
    try:
        return utc_timestamp(str(value))
    except (ValueError, OverflowError) as error:
        raise ScenarioError(f"{path}: {key} '{brief(str(value))}' is not a timestamp.", expected) from error


def _vars(path: Path, given: Any) -> dict[str, Any]:
    """The vars, which must be JSON values for dbt."""
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise ScenarioError(f"{path}: vars is not a map.", "Example: `vars: {racing_writers_minutes: 5}`.")
    for key in WINDOW_VARS:
        if key in given:
            raise ScenarioError(f"{path}: vars sets {key}.", "Set it only at the top level of scenario.yml.")
    try:
        plain: dict[str, Any] = json.loads(json.dumps(given, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ScenarioError(
            f"{path}: vars cannot be passed to dbt: {brief(str(error))}.", "Use texts, numbers, lists and maps."
        ) from error
    return plain


def _optional(path: Path, given: Any, schemas: Mapping[str, TableSchema]) -> frozenset[str]:
    # trueup's own sources exist in every deployment.
    known = sorted(name for name, schema in schemas.items() if schema.is_optional and schema.dataset != "trueup")
    hint = f"Optional sources are {', '.join(known)}."
    if given is not None and not isinstance(given, list):
        raise ScenarioError(f"{path}: optional is not a list.", hint)
    for name in given or []:
        if name not in known:
            raise ScenarioError(f"{path}: {brief(str(name))} is not an optional source.", hint)
    return frozenset(given or [])
