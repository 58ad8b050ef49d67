"""The evidence of the rows: one class for each evidence model."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class GameDay:
    """A row of ``game_days``. Only ``listed_game_count`` includes games that do not count.

    ``schedule_problem``: why the schedule of the day cannot be relied on, or "". ``is_covered``: whether the schedule
    covers the day.
    """

    game_date: date
    schedule_problem: str
    is_covered: bool
    listed_game_count: int
    scheduled_game_count: int
    final_game_count: int

    @property
    def is_schedule_known(self) -> bool:
        """Whether the schedule of the day can be relied on."""
        return not self.schedule_problem


@dataclass(frozen=True)
class ProcessorEvidence:
    """A row of ``completion_evidence``. ``is_backfill`` is None if the run is unknown."""

    game_date: date
    processor_name: str
    table_name: str
    is_source_present: bool
    row_count: int
    grain_count: int
    games_found_count: int
    games_expected_count: int
    first_written_at: datetime | None
    last_written_at: datetime | None
    is_backfill: bool | None

    @property
    def is_complete(self) -> bool:
        """Whether there are rows, and rows for every game of the schedule."""
        return self.row_count > 0 and self.games_found_count >= self.games_expected_count


@dataclass(frozen=True)
class Phase4Evidence:
    """A row of ``phase4_evidence``."""

    game_date: date
    is_source_present: bool
    row_count: int
    first_written_at: datetime | None
    last_written_at: datetime | None


@dataclass(frozen=True)
class DayEvidence:
    """All evidence of one date. ``processors`` by name."""

    game_day: GameDay
    processors: Mapping[str, ProcessorEvidence]
    phase4: Phase4Evidence

    @property
    def game_date(self) -> date:
        """The Eastern date."""
        return self.game_day.game_date
