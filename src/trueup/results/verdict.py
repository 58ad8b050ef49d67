"""A verdict: the result of one rule for one subject and date, judged outside SQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from trueup.results.finding import Severity
from trueup.results.outcome import Outcome


def timestamp_text(timestamp: datetime | None) -> str | None:
    """A timestamp as ISO 8601, for the JSON in ``detail``."""
    return None if timestamp is None else timestamp.isoformat()


@dataclass(frozen=True)
class Verdict:
    """One row of ``completion_verdicts`` or ``expectation_verdicts``.

    ``severity`` is set only if failed, ``reason`` only if not_run. ``is_blocking`` marks a not_run that means "could
    not check"; without it there was nothing to examine. ``query``: SQL that shows the wrong rows, "" if there is none.
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
    """Verdicts as rows of their table, JSON-able."""
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
