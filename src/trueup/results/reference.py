"""The reference data in ``seeds/``: rules, roster and teams, read by SQL and by Python alike."""

import re
import shlex
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from trueup.completion.roster import Roster, read_seed
from trueup.errors import CannotCheckError, UsageError

# Searched in the template, because a subject can hold such a text too.
_COMMAND = re.compile(r"(?:^|: )((?:trueup|dbt) \S.*)$")
# The family of the rules on the report itself.
REPORTING = "reporting"
LEVELS = "service_levels"
FAMILIES = (
    *("duplicates", "lateness", "completion", "trigger", "schedule"),
    *("expectations", REPORTING, LEVELS),
)


@dataclass(frozen=True)
class Rule:
    """One rule of ``seeds/rules.csv``. ``severity`` may name two, as in ``warn/error``. ``is_in_pulse``: whether it is
    judged by ``trueup pulse``, too.
    """

    is_in_pulse: bool
    code: str
    family: str
    title: str
    severity: str
    subject_kind: str
    remedy_template: str

    def remedy(self, subject: str, game_date: date) -> str:
        """The next step for a finding of this rule. It may end with a command; the subject is one word of a shell."""
        return _filled(self.remedy_template, subject, game_date)

    def command(self, subject: str, game_date: date) -> str:
        """The command at the end of the remedy, "" if there is none."""
        found = _COMMAND.search(self.remedy_template)
        return _filled(found[1], subject, game_date) if found else ""


def _filled(template: str, subject: str, game_date: date) -> str:
    return template.replace("{game_date}", game_date.isoformat()).replace("{subject}", shlex.quote(subject))


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
    """Read the seeds; files in ``overrides`` replace ours. Raises UsageError if a file is missing or lacks a column."""

    def path(name: str) -> Path:
        own = overrides / name if overrides else None
        return own if own and own.exists() else seeds / name

    texts = ("rule", "family", "title", "severity", "subject_kind", "remedy")
    rules = [
        Rule(row["is_in_pulse"] == "true", *(row[name] for name in texts))
        for row in read_seed(path("rules.csv"), (*texts, "is_in_pulse"))
    ]
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
