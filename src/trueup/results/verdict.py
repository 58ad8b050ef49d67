"""A verdict: what was found about one rule and one subject on one date, where that is judged outside of SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from trueup.results.finding import Severity
from trueup.results.outcome import Outcome


def moment_text(moment: datetime | None) -> str | None:
    """A moment as ``detail`` holds it: ISO 8601, since datetimes have no form in JSON."""
    return None if moment is None else moment.isoformat()


@dataclass(frozen=True)
class Verdict:
    """One line of ``completion_verdicts`` or ``expectation_verdicts``.

    ``severity`` is set only when failed, ``reason`` only when not_run. ``is_blocking`` marks a not_run
    that means "could not check", in contrast to one that had nothing to examine. ``query`` shows the rows, where
    whoever judged knows one.
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
    query: str = ""


def verdict_rows(verdicts: Sequence[Verdict], judged_at: datetime, run_id: str) -> list[dict[str, Any]]:
    """Verdicts as rows of the table that holds them, JSON-able."""
    return [
        {
            **asdict(verdict),
            "game_date": verdict.game_date.isoformat(),
            "detail": json.dumps(dict(verdict.detail), default=str, ensure_ascii=False),
            "judged_at": judged_at.isoformat(),
            "run_id": run_id,
        }
        for verdict in verdicts
    ]
