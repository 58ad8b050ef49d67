"""What a pulse tells, and when."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from trueup.plain import Plain
from trueup.results.finding import Severity

Telling = Literal["told", "worse", "closed"]


@dataclass(frozen=True)
class Told(Plain):
    """One finding, told or closed at a time (UTC). ``text``: its summary, or why it was closed, "" if there is none."""

    at: datetime
    kind: Telling
    rule: str
    game_date: date
    subject: str
    severity: Severity
    text: str
