"""A rule: what is checked, and what to do about a finding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


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
