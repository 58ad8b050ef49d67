"""A finding: one thing that is wrong."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from trueup.plain import Plain
from trueup.results.runbook import place_in_runbook, runbook_section

Severity = Literal["error", "warn", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class Finding(Plain):
    """One thing that is wrong, in the shape of the model ``findings``. ``command``: the command that ends the remedy,
    or ""; ``owner``: who answers for its subject, or "".
    """

    _with_lines = frozenset({"query"})

    rule: str
    severity: Severity
    game_date: date
    subject: str
    summary: str
    observed: float | None
    expected: float | None
    detail: Mapping[str, Any]
    remedy: str
    query: str
    fingerprint: str
    waived_because: str | None = None
    command: str = ""
    owner: str = ""

    @property
    def runbook(self) -> str:
        """The section of docs/runbook.md about it."""
        return runbook_section(self.rule)


def finding_from_row(row: Mapping[str, Any]) -> Finding:
    """A row of ``findings`` as a Finding; its ``detail`` is JSON text."""
    return Finding(
        **{name: row[name] for name in Finding.__dataclass_fields__ if name != "detail"},
        detail=json.loads(row["detail"] or "{}"),
    )


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings, worst first, then by date, causes before effects, rule and subject."""
    return tuple(
        sorted(
            findings,
            key=lambda one: (
                SEVERITIES.index(one.severity),
                one.game_date,
                place_in_runbook(one.rule),
                one.rule,
                one.subject,
            ),
        )
    )
