"""One run at a time for many callers: who comes while one is running gets the last answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Condition


@dataclass(frozen=True)
class Answer:
    """What one run said. ``document``: JSON; ``exit_code``: 0 healthy, 1 errors, else it could not check."""

    exit_code: int
    document: str
    began_at: datetime
    ended_at: datetime


class Desk:
    """Gives each caller the answer of a run.

    ``look``: makes one run, and never raises. ``oldest``: an answer that ended longer ago says nothing about now; a
    caller then waits for the run that goes on. ``now``: the clock, in UTC.
    """

    def __init__(self, look: Callable[[], Answer], oldest: timedelta, now: Callable[[], datetime]) -> None:
        self._look = look
        self._oldest = oldest
        self._now = now
        self._last: Answer | None = None
        self._is_running = False
        self._ended = Condition()

    def ask(self) -> Answer:
        """Run, or give the last answer if a run goes on; wait for that run's if the last one is too old."""
        with self._ended:
            if self._is_running:
                return self._known or self._next()
            self._is_running = True
        answer = None
        try:
            answer = self._look()
        finally:
            with self._ended:
                self._last = answer
                self._is_running = False
                self._ended.notify_all()
        return answer

    @property
    def _known(self) -> Answer | None:
        last = self._last
        return last if last and timedelta(0) <= self._now() - last.ended_at <= self._oldest else None

    def _next(self) -> Answer:
        """The answer of the run that goes on. Raises RuntimeError if it left none."""
        before = self._last
        self._ended.wait_for(lambda: self._last is not before or not self._is_running)
        if self._last is None or self._last is before:
            raise RuntimeError("The run left no answer.")
        return self._last
