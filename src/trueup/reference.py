"""The reference data in ``seeds/``: rules and rosters, read by SQL and by Python alike."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trueup.errors import UsageError


@dataclass(frozen=True)
class Rule:
    """One rule of ``seeds/rules.csv``. ``severity`` may name two, as in ``warn/error``."""

    code: str
    family: str
    title: str
    severity: str
    subject_kind: str
    remedy_template: str

    def remedy(self, subject: str, game_date: date) -> str:
        """The next command or step for a finding of this rule."""
        return self.remedy_template.replace("{subject}", subject).replace("{game_date}", game_date.isoformat())


@dataclass(frozen=True)
class RosterEntry:
    """A processor that a mode expects. ``is_critical``: the graceful rule cannot do without it."""

    mode: str
    processor_name: str
    table_name: str
    is_critical: bool


@dataclass(frozen=True)
class Reference:
    """Rules by code, the processors that each mode expects, and the codes of the teams."""

    rules: dict[str, Rule]
    roster: tuple[RosterEntry, ...]
    teams: tuple[str, ...] = ()

    @property
    def modes(self) -> frozenset[str]:
        """The modes that the roster knows."""
        return frozenset(entry.mode for entry in self.roster)

    @property
    def processors(self) -> frozenset[str]:
        """Every processor that some mode expects."""
        return frozenset(entry.processor_name for entry in self.roster)

    def expected(self, mode: str) -> tuple[RosterEntry, ...]:
        """The roster of one mode."""
        return tuple(entry for entry in self.roster if entry.mode == mode)


def load_reference(seeds: Path, overrides: Path | None = None) -> Reference:
    """Read the seeds; a file of the same name in ``overrides`` takes the place of ours.

    Raises UsageError when a file is missing or lacks a column.
    """

    def read(name: str) -> list[dict[str, str]]:
        own = overrides / name if overrides else None
        return list(_rows(own if own and own.exists() else seeds / name))

    try:
        rules = [
            Rule(
                code=row["rule"],
                family=row["family"],
                title=row["title"],
                severity=row["severity"],
                subject_kind=row["subject_kind"],
                remedy_template=row["remedy"],
            )
            for row in read("rules.csv")
        ]
        roster = tuple(
            RosterEntry(
                mode=row["mode"],
                processor_name=row["processor_name"],
                table_name=row["table_name"],
                is_critical=row["is_critical"].strip().lower() == "true",
            )
            for row in read("processor_roster.csv")
        )
        teams = tuple(row["team_abbr"] for row in read("teams.csv"))
    except KeyError as missing:
        raise UsageError(f"A seed lacks the column {missing}.", "Compare it with the one in seeds/.") from missing
    return Reference(rules={rule.code: rule for rule in rules}, roster=roster, teams=teams)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise UsageError(f"Cannot read the seed {path}: {error.strerror}.") from error
