"""The case of one date: evidence, settings, and helpers to create verdicts."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from trueup.completion.document import DEFAULT_MODE, Document
from trueup.completion.roster import RosterEntry
from trueup.completion.rule import CompletionRule
from trueup.judge.evidence import DayEvidence
from trueup.results.finding import Severity
from trueup.results.reference import Reference
from trueup.results.verdict import Verdict
from trueup.window import EASTERN

# The families of rules on documents.
DOCUMENT_FAMILIES = frozenset({"completion", "trigger"})
NO_GAMES = "no games that day"
NO_DOCUMENT = "the document is missing"
UNREADABLE = "the document cannot be read"
NO_TABLE = "the table is missing"
NOT_DUE = "not due yet"


@dataclass(frozen=True)
class JudgeSettings:
    """Settings of the judge. Reports are due at ``reports_due`` (in ``zone``) on the day after the games."""

    as_of: datetime
    completion_rule: CompletionRule = field(default_factory=CompletionRule)
    trigger_grace: timedelta = timedelta(minutes=30)
    trigger_warn: timedelta = timedelta(minutes=10)
    trigger_error: timedelta = timedelta(minutes=30)
    phase4_within: timedelta = timedelta(minutes=30)
    reports_due: time = time(8, 0)
    zone: ZoneInfo = EASTERN

    def are_reports_due(self, game_date: date) -> bool:
        """Whether the processors should have reported as of ``as_of``."""
        return self.as_of >= self.next_day_at(game_date, self.reports_due)

    def next_day_at(self, game_date: date, clock: time) -> datetime:
        """A local time in ``zone`` on the day after the games."""
        return datetime.combine(game_date + timedelta(days=1), clock, self.zone)


@dataclass(frozen=True)
class Case:
    """One date with its evidence and settings. Creates its verdicts."""

    day: DayEvidence
    reference: Reference
    settings: JudgeSettings

    @property
    def is_free_day(self) -> bool:
        """Whether the schedule is known and has no game that counts."""
        game_day = self.day.game_day
        return game_day.is_schedule_known and game_day.scheduled_game_count == 0

    def mode(self, document: Document | None) -> str:
        """The judged mode: the nightly mode once reports of a day with final games are due, else the document's mode. A
        run before the games does not replace the run after them.
        """
        return DEFAULT_MODE if document is None or self.is_due_with_games else document.mode

    @property
    def is_due_with_games(self) -> bool:
        """Whether reports are due and games that count are final."""
        return self.day.game_day.final_game_count > 0 and self.settings.are_reports_due(self.day.game_date)

    def has_phase4_output(self, document: Document) -> bool:
        """Whether phase 4 has written for the judged mode. The nightly mode ignores output from before midnight."""
        phase4 = self.day.phase4
        if self.mode(document) != DEFAULT_MODE or phase4.last_written_at is None:
            return phase4.row_count > 0
        day_end = self.settings.next_day_at(self.day.game_date, time(0))
        return phase4.row_count > 0 and phase4.last_written_at >= day_end

    def roster(self, document: Document | None) -> tuple[RosterEntry, ...]:
        """The processors that the judged mode expects."""
        return self.reference.roster.expected(self.mode(document))

    def delivered(self, document: Document) -> tuple[RosterEntry, ...]:
        """The expected processors that have delivered, according to the document."""
        return tuple(one for one in self.roster(document) if document.has_delivered(one.processor_name))

    @property
    def document_id(self) -> str:
        """The id of the date's document."""
        return self.day.game_date.isoformat()

    def passed(self, rule: str, subject: str, examined: int = 1, **facts: Any) -> Verdict:
        """A passed verdict."""
        return Verdict(self.day.game_date, rule, subject, "passed", examined_count=examined, **facts)

    def failed(self, rule: str, subject: str, summary: str, severity: Severity = "error", **facts: Any) -> Verdict:
        """A failed verdict."""
        return Verdict(
            self.day.game_date,
            rule,
            subject,
            "failed",
            severity=severity,
            summary=summary,
            remedy=self.reference.rule(rule).remedy(subject, self.day.game_date),
            examined_count=1,
            **facts,
        )

    def not_run(self, rule: str, reason: str, subject: str = "", is_blocking: bool = False) -> Verdict:
        """A verdict that was not run. ``subject``: default is the document."""
        return Verdict(
            self.day.game_date, rule, subject or self.document_id, "not_run", reason=reason, is_blocking=is_blocking
        )
