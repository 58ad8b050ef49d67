"""What the judge says of one rule and one subject on one date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from trueup.results.finding import Finding, Severity
from trueup.results.outcome import Outcome, RuleOutcome


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


def fingerprint(rule: str, subject: str, game_date: date) -> str:
    """The stable name of a finding; the model ``findings`` computes the same."""
    return hashlib.sha256(f"{rule}|{subject}|{game_date.isoformat()}".encode()).hexdigest()


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


def verdict_findings(verdicts: Iterable[Verdict]) -> tuple[Finding, ...]:
    """What failed, as findings: what the model ``findings`` makes of the same rows, but for waivers."""
    return tuple(
        Finding(
            rule=one.rule,
            severity=one.severity or "error",
            game_date=one.game_date,
            subject=one.subject,
            summary=one.summary,
            observed=one.observed,
            expected=one.expected,
            detail=dict(one.detail),
            remedy=one.remedy,
            query=one.query,
            fingerprint=fingerprint(one.rule, one.subject, one.game_date),
        )
        for one in verdicts
        if one.outcome == "failed"
    )


def verdict_outcomes(verdicts: Iterable[Verdict]) -> tuple[RuleOutcome, ...]:
    """One outcome per rule and date, as the model ``rule_outcomes`` makes them: one subject that could not be seen
    keeps the rule from passing on the strength of the others.
    """
    groups: dict[tuple[date, str], list[Verdict]] = {}
    for one in verdicts:
        groups.setdefault((one.game_date, one.rule), []).append(one)
    return tuple(_outcome(rule, day, group) for (day, rule), group in sorted(groups.items()))


def _outcome(rule: str, day: date, group: Sequence[Verdict]) -> RuleOutcome:
    said = {one.outcome for one in group}
    is_blocking = any(one.is_blocking for one in group)
    outcome: Outcome = "not_run" if is_blocking or "passed" not in said else "passed"
    return RuleOutcome(
        rule=rule,
        game_date=day,
        outcome="failed" if "failed" in said else outcome,
        examined_count=sum(one.examined_count for one in group),
        reason="; ".join(sorted({one.reason for one in group if one.reason})),
        is_blocking=is_blocking,
    )
