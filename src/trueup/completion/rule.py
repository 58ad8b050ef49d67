"""The completion rule: which deliveries are enough to start phase 4."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from trueup.completion.roster import RosterEntry
from trueup.errors import UsageError

RuleName = Literal["seed", "graceful"]


@dataclass(frozen=True)
class CompletionRule:
    """``seed``: every processor of the mode. ``graceful``: all critical ones and a share (0 to 1) of the roster."""

    name: RuleName = "seed"
    graceful_share: float = 0.6

    def __post_init__(self) -> None:
        if self.name not in get_args(RuleName):
            raise UsageError(f"There is no completion rule {self.name!r}.", f"Use {' or '.join(get_args(RuleName))}.")
        if not isinstance(self.graceful_share, int | float) or not 0 <= self.graceful_share <= 1:
            raise UsageError(f"The graceful share is {self.graceful_share!r}.", "Use a number from 0 to 1.")

    def required(self, roster: Collection[RosterEntry]) -> tuple[RosterEntry, ...]:
        """The processors that must deliver in any case."""
        return tuple(entry for entry in roster if entry.is_critical or self.name == "seed")

    def is_satisfied(self, roster: Collection[RosterEntry], delivered: Collection[RosterEntry]) -> bool:
        """Whether these deliveries are enough for a mode's roster."""
        if not roster or not delivered:
            return False
        if self.name == "seed":
            return len(delivered) == len(roster)
        has_required = all(entry in delivered for entry in self.required(roster))
        return has_required and len(delivered) >= self.graceful_share * len(roster)

    def satisfied_at(
        self, roster: Collection[RosterEntry], delivered_at: Mapping[RosterEntry, datetime | None]
    ) -> datetime | None:
        """The time at which the deliveries were first enough. None means unknown, also in ``delivered_at``."""
        known = sorted((at, place) for place, at in enumerate(delivered_at.values()) if at is not None)
        entries = list(delivered_at)
        for count, (at, _) in enumerate(known, 1):
            if self.is_satisfied(roster, [entries[place] for _, place in known[:count]]):
                return at
        return None
