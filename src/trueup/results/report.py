"""The report of one run."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from trueup.plain import Plain
from trueup.results.finding import Finding
from trueup.results.outcome import RuleOutcome
from trueup.results.told import Told
from trueup.window import EASTERN, Window

Kind = Literal["check", "pulse"]
Status = Literal["healthy", "findings", "could_not_check"]
EXIT_CODES: dict[Status, int] = {"healthy": 0, "findings": 1, "could_not_check": 3}


@dataclass(frozen=True)
class ServiceLevel(Plain):
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
class ErrorBudget(Plain):
    """What one metric has burned in ``period_days`` up to ``game_date``, in the shape of the model ``error_budgets``.
    ``burn_percent``: None if no day was measured.
    """

    rule: str
    metric: str
    game_date: date
    period_days: int
    objective_percent: float
    measured_count: int
    missed_count: int
    burn_percent: float | None


@dataclass(frozen=True)
class Lateness(Plain):
    """One scraper on one date, in the shape of the model ``scraper_lateness``; timestamps in UTC."""

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
class Cost(Plain):
    """The cost of a model, a test, a suite, or trueup's own queries. See Bytes; both are None if they are not measured
    (embedded warehouse).
    """

    name: str
    kind: str
    seconds: float
    bytes_processed: int | None
    bytes_billed: int | None = None


@dataclass(frozen=True)
class SuiteResult(Plain):
    """The result of one Great Expectations suite. ``unexamined``: its expectations that examined nothing or could not
    run; ``page``: its Data Docs page, relative to the report's folder ("" if there is none).
    """

    name: str
    rule: str
    expectation_count: int
    failed_count: int
    unexamined: tuple[str, ...]
    page: str


@dataclass(frozen=True)
class Report(Plain):
    """The result of one check or pulse (``kind``). ``problems``: why parts could not be checked.

    ``data_docs``: the index page of Data Docs, relative to the report's folder ("" if there is none). ``documents``:
    where the completion documents are ("" if it is not known). ``console``: the page of BigQuery's console where
    queries can be run ("" if it is not known, or on the embedded warehouse). ``read_from``, ``read_until``: when the
    sources were read. ``written_at``: when the report was written to its folder. These times are in UTC, and None if it
    did not happen. ``open_dates``: the days of a pulse whose reports are not due yet: what cannot be judged there is no
    problem. ``timeline``: of a scenario, what pulses told.
    """

    window: Window
    target: str
    kind: Kind = "check"
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
    documents: str = ""
    console: str = ""
    read_from: datetime | None = None
    read_until: datetime | None = None
    written_at: datetime | None = None
    open_dates: tuple[date, ...] = ()
    error_budgets: tuple[ErrorBudget, ...] = ()
    timeline: tuple[Told, ...] = ()

    @property
    def status(self) -> Status:
        """``findings`` if there is an error; else ``could_not_check`` if a check was blocked or none passed; else
        ``healthy``. In a pulse none must pass: there are hours in which nothing is due.
        """
        if any(finding.severity == "error" for finding in self.findings):
            return "findings"
        is_idle = not any(one.outcome == "passed" for one in self.outcomes)
        if self.problems or self.blocked or (is_idle and self.kind == "check"):
            return "could_not_check"
        return "healthy"

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 findings of severity error, 3 could not check."""
        return EXIT_CODES[self.status]

    @property
    def blocked(self) -> tuple[RuleOutcome, ...]:
        """Outcomes of rules that could not examine something that they should have; failed outcomes are included."""
        return tuple(one for one in self.outcomes if one.is_blocking and one.game_date not in self.open_dates)


def unseen_days(outcomes: Sequence[RuleOutcome], window: Window, zone: ZoneInfo = EASTERN) -> Iterator[str]:
    """One sentence for each day that could not be checked: it is not over in ``zone``, or no rule examined anything."""
    today = window.as_of.astimezone(zone).date()
    seen = {one.game_date for one in outcomes if one.outcome in ("passed", "failed")}
    for day in window.dates:
        if day >= today:
            yield f"{day} is not over as of {window.as_of.isoformat()}: it cannot be checked yet."
        elif day not in seen:
            reasons = Counter(one.reason for one in outcomes if one.game_date == day and one.reason)
            most = f" ({reasons.most_common(1)[0][0]})" if reasons else ""
            yield f"Nothing could be examined on {day}{most}."
