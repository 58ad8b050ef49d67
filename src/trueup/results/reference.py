"""The reference data in ``seeds/``: rules, roster and teams, read by SQL and by Python alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from trueup.completion.roster import Roster, read_seed
from trueup.errors import CannotCheckError, UsageError
from trueup.results.rule import Rule

# The family of the rules on the report itself.
REPORTING = "reporting"
FAMILIES = (
    *("duplicates", "lateness", "completion", "trigger", "schedule"),
    *("expectations", REPORTING, "service_levels"),
)


@dataclass(frozen=True)
class Reference:
    """Rules by code, the processors that each mode expects, and the codes of the teams."""

    rules: dict[str, Rule]
    roster: Roster = field(default_factory=Roster)
    teams: tuple[str, ...] = ()

    def rule(self, code: str) -> Rule:
        """A rule. Raises CannotCheckError if the seed lacks it."""
        if code not in self.rules:
            raise CannotCheckError(missing_rule("seeds/rules.csv", code))
        return self.rules[code]


def missing_rule(file: str, code: str) -> str:
    """The error about a rule that a file lacks."""
    return f"{file} has no rule {code}: restore its line."


def codes_of(reference: Reference, *families: str) -> list[str]:
    """The codes of the rules of some families."""
    return [rule.code for rule in reference.rules.values() if rule.family in families]


def load_reference(seeds: Path, overrides: Path | None = None) -> Reference:
    """Read the seeds; a file of the same name in ``overrides`` replaces ours.

    Raises UsageError if a file is missing or lacks a column.
    """

    def path(name: str) -> Path:
        own = overrides / name if overrides else None
        return own if own and own.exists() else seeds / name

    columns = ("rule", "family", "title", "severity", "subject_kind", "remedy")
    rules = [Rule(*(row[name] for name in columns)) for row in read_seed(path("rules.csv"), columns)]
    for rule in rules:
        if rule.family not in FAMILIES:
            raise UsageError(
                f"seeds/rules.csv: the rule {rule.code} has the unknown family {rule.family!r}.",
                f"Use one of {', '.join(FAMILIES)}.",
            )
    return Reference(
        rules={rule.code: rule for rule in rules},
        roster=Roster.read(path("processor_roster.csv")),
        teams=tuple(row["team_abbr"] for row in read_seed(path("teams.csv"), ("team_abbr",))),
    )
