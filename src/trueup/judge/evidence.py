"""What the rows in the warehouse say, in the shape of the models that say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class GameDay:
    """A row of ``game_days``; only games that count are counted, but for ``listed_game_count``.

    ``schedule_problem``: why the schedule of the day cannot be relied on ("" where it can). ``is_covered``: whether it
    says anything of the day at all.
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
    """A row of ``completion_evidence``. ``is_backfill`` is None where no run is known."""

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
        """Rows are there, and every game of the schedule among them."""
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
    """All evidence of one date; ``processors`` by name."""

    game_day: GameDay
    processors: Mapping[str, ProcessorEvidence]
    phase4: Phase4Evidence

    @property
    def game_date(self) -> date:
        """The Eastern date."""
        return self.game_day.game_date
