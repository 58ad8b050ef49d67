"""The report of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from trueup.results.finding import Finding
from trueup.results.outcome import RuleOutcome
from trueup.window import EASTERN, Window

Status = Literal["healthy", "findings", "could_not_check"]
EXIT_CODES: dict[Status, int] = {"healthy": 0, "findings": 1, "could_not_check": 3}


@dataclass(frozen=True)
class ServiceLevel:
    """One metric of one date, in the shape of the model ``service_levels``."""

    rule: str
    metric: str
    game_date: date
    unit: str
    value: float | None
    target_value: float
    alert_value: float | None
    alert_when: str
    state: str


@dataclass(frozen=True)
class Lateness:
    """One scraper on one date, in the shape of the model ``scraper_lateness``; moments in UTC."""

    scraper_name: str
    game_date: date
    state: str
    due_at: datetime | None
    alert_at: datetime | None
    first_useful_run_at: datetime | None
    late_by_minutes: float | None
    time_zone: str
    reason: str | None


@dataclass(frozen=True)
class Cost:
    """What one model, test or suite took. ``bytes_processed``: what BigQuery read for it, None where nobody measures
    it: the embedded default.
    """

    name: str
    kind: str
    seconds: float
    bytes_processed: int | None


@dataclass(frozen=True)
class SuiteResult:
    """One suite of Great Expectations in this run. ``unexamined``: its expectations that examined nothing, or could
    not; ``page``: its Data Docs page, a path from the report's folder ("" where there is none).
    """

    name: str
    rule: str
    expectation_count: int
    failed_count: int
    unexamined: tuple[str, ...]
    page: str


@dataclass(frozen=True)
class Report:
    """Everything that one check found out. ``problems``: why parts could not be checked. ``data_docs``: the index
    of Great Expectations' pages, a path from the report's folder ("" where there are none). ``written_at``: when it
    was written to its folder, in UTC; None where it was not.
    """

    window: Window
    target: str
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[RuleOutcome, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    lateness: tuple[Lateness, ...] = ()
    suites: tuple[SuiteResult, ...] = ()
    costs: tuple[Cost, ...] = ()
    data_docs: str = ""
    written_at: datetime | None = None

    @property
    def status(self) -> Status:
        """Errors win: someone must act on them. Then what could not be checked. Healthy only where something passed."""
        if any(finding.severity == "error" for finding in self.findings):
            return "findings"
        if self.problems or self.blocked or not any(one.outcome == "passed" for one in self.outcomes):
            return "could_not_check"
        return "healthy"

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 findings of severity error, 3 could not check."""
        return EXIT_CODES[self.status]

    @property
    def blocked(self) -> tuple[RuleOutcome, ...]:
        """The outcomes of rules that should have examined something and could not, whatever else they found."""
        return tuple(one for one in self.outcomes if one.is_blocking)


def unseen_days(outcomes: Sequence[RuleOutcome], window: Window, zone: ZoneInfo = EASTERN) -> Iterator[str]:
    """The days of which nothing can be said: those that are not over by the clock of ``zone``, and those on which no
    rule was examined.
    """
    today = window.as_of.astimezone(zone).date()
    seen = {one.game_date for one in outcomes if one.outcome in ("passed", "failed")}
    for day in window.dates:
        if day >= today:
            yield f"{day} is not over as of {window.as_of.isoformat()}: nothing of it can be judged yet."
        elif day not in seen:
            reasons = Counter(one.reason for one in outcomes if one.game_date == day and one.reason)
            most = f" ({reasons.most_common(1)[0][0]})" if reasons else ""
            yield f"Nothing could be examined on {day}{most}."
