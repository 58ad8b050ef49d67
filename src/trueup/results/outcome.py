"""The outcome of a rule on a date, and the result of a dbt node."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from trueup.plain import Plain
from trueup.results.bytes import NO_BYTES, Bytes

Outcome = Literal["passed", "failed", "not_run"]


@dataclass(frozen=True)
class RuleOutcome(Plain):
    """The outcome of one rule on one date, in the shape of the model ``rule_outcomes``."""

    rule: str
    game_date: date
    outcome: Outcome
    examined_count: int
    reason: str
    is_blocking: bool


@dataclass(frozen=True)
class NodeResult:
    """The result of one dbt node. ``status``: success, pass, fail, warn, error, skipped, …; ``ran``: from when to when
    it was executed, in UTC; None if it was not.
    """

    name: str
    kind: str
    status: str
    message: str
    seconds: float
    bytes: Bytes = NO_BYTES
    ran: tuple[datetime, datetime] | None = None
