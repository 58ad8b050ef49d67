"""What the judge says of one rule and one subject on one date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

Outcome = Literal["passed", "failed", "not_run"]
Severity = Literal["error", "warn", "info"]


def moment_text(moment: datetime | None) -> str | None:
    """A moment as ``detail`` holds it: ISO 8601, since datetimes have no form in JSON."""
    return None if moment is None else moment.isoformat()


@dataclass(frozen=True)
class Verdict:
    """One line of ``completion_verdicts``.

    ``severity`` is set only when failed, ``reason`` only when not_run. ``is_blocking`` marks a not_run
    that means "could not check", in contrast to one that had nothing to examine.
    """

    game_date: date
    rule: str
    subject: str
    outcome: Outcome
    severity: Severity | None = None
    summary: str = ""
    observed: float | None = None
    expected: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    remedy: str = ""
    examined_count: int = 0
    reason: str = ""
    is_blocking: bool = False
