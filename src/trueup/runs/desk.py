"""One run at a time for many callers: who comes while one is running gets the last answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Condition


@dataclass(frozen=True)
class Answer:
    """What one run said. ``document``: JSON; ``exit_code``: 0 healthy, 1 errors, else it could not check.

    ``read_at``: when it began to read: what it says is as old as that. ``days``: what it looked at; None if it left no
    report.
    """

    exit_code: int
    document: str
    began_at: datetime
    read_at: datetime
    days: Hashable = None


class CrowdedError(Exception):
    """As many callers wait already as may."""


class Desk:
    """Gives each caller the answer of a run.

    ``look``: makes one run, and never raises. ``oldest``: an answer that read longer ago says nothing about now; a
    caller then waits for the run that goes on. ``now``: the clock, in UTC. ``days``: what a run would look at that
    began now. ``most_waiting``: how many callers may wait for a run that another one has begun.
    """

    def __init__(
        self,
        look: Callable[[], Answer],
        oldest: timedelta,
        now: Callable[[], datetime],
        days: Callable[[], Hashable],
        most_waiting: int,
    ) -> None:
        self._look = look
        self._oldest = oldest
        self._now = now
        self._days = days
        self._most_waiting = most_waiting
        self._last: Answer | None = None
        self._is_running = False
        self._ended = Condition()
        self._runs = self._waiting = 0

    def ask(self) -> Answer:
        """Run, or give the last answer if a run goes on; wait for that run's if the last one is too old.

        Raises CrowdedError if too many wait, RuntimeError if the run that it waited for left no answer.
        """
        asked_at = self._now()
        with self._ended:
            while self._is_running:
                if last := self._known:
                    return last
                answer = self._next()
                # A run that began before midnight may have looked at other days than the caller means.
                if answer.began_at >= asked_at or answer.days in (None, self._days()):
                    return answer
            self._is_running = True
        return self._run()

    def _run(self) -> Answer:
        answer = None
        try:
            answer = self._look()
        finally:
            with self._ended:
                self._last = answer
                self._is_running = False
                self._runs += 1
                self._ended.notify_all()
        return answer

    @property
    def _known(self) -> Answer | None:
        """The last answer, if it is new enough and about the days of now."""
        last = self._last
        if last is None or last.days is None or not timedelta(0) <= self._now() - last.read_at <= self._oldest:
            return None
        return last if last.days == self._days() else None

    def _next(self) -> Answer:
        """The answer of the run that goes on."""
        if self._waiting >= self._most_waiting:
            raise CrowdedError
        run = self._runs
        self._waiting += 1
        try:
            self._ended.wait_for(lambda: self._runs != run)
        finally:
            self._waiting -= 1
        if self._last is None:
            raise RuntimeError("The run left no answer.")
        return self._last
