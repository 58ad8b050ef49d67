"""A rule: what is checked, and what to do about a finding."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import date

# Searched in the template, because a subject can hold such a text too.
_COMMAND = re.compile(r"(?:^|: )((?:trueup|dbt) \S.*)$")


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
        """The next step for a finding of this rule. It may end with a command; the subject is one word of a shell."""
        return _filled(self.remedy_template, subject, game_date)

    def command(self, subject: str, game_date: date) -> str:
        """The command at the end of the remedy, "" if there is none."""
        found = _COMMAND.search(self.remedy_template)
        return _filled(found[1], subject, game_date) if found else ""


def _filled(template: str, subject: str, game_date: date) -> str:
    return template.replace("{game_date}", game_date.isoformat()).replace("{subject}", shlex.quote(subject))
