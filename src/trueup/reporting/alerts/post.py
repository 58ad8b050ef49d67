"""The port through which messages are posted, and how often and how long it is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

# 429 and 503 say "later"; what has not reached anybody may be said again at once.
_LATER = (429, 503)


@dataclass(frozen=True)
class Answer:
    """What came of one post. ``reason`` holds no part of the URL but its host.

    ``answered``: with ``status``. ``not_reached``: nobody can have got it. ``unknown``: it was sent, and nobody knows
    whether it has arrived.
    """

    kind: Literal["answered", "not_reached", "unknown"]
    status: int = 0
    reason: str = ""
    retry_after_seconds: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver said that it has it."""
        return self.kind == "answered" and 200 <= self.status < 300

    @property
    def is_worth_another(self) -> bool:
        """Whether the same run should try again."""
        return self.kind == "not_reached" or (self.kind == "answered" and self.status in _LATER)


class Poster(Protocol):
    """Posts one body once. Raises nothing for what a network or a receiver does."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        """Post JSON, follow no redirect, and answer within ``seconds``."""


@dataclass(frozen=True)
class Patience:
    """How long a channel may take, in seconds, and how many attempts a message has. ``lease_seconds`` must be longer
    than ``budget_seconds``: who has claimed a message must have ended before another run takes it over.
    """

    budget_seconds: float = 20.0
    lease_seconds: float = 120.0
    attempts: int = 3
    first_pause_seconds: float = 0.5


@dataclass(frozen=True)
class Budget:
    """What is left of a channel's time. ``clock`` is in seconds and only goes forward."""

    clock: Callable[[], float]
    pause: Callable[[float], None]
    ends_at: float

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self.ends_at - self.clock())


def post_patiently(
    poster: Poster, url: str, body: bytes, headers: Mapping[str, str], patience: Patience, budget: Budget
) -> Answer:
    """Post until the receiver has it, refuses it, or the attempts or the time are over.

    What may have arrived is not posted again: its answer is ``unknown``. A receiver's Retry-After is waited for; one
    that is longer than the time that is left ends the attempts.
    """
    answer = Answer("not_reached", reason="no time was left for it")
    for attempt in range(1, patience.attempts + 1):
        if budget.left <= 0:
            break
        answer = poster.post(url, body, headers, budget.left)
        if not answer.is_worth_another or attempt == patience.attempts:
            break
        wait = answer.retry_after_seconds
        if wait is None:
            wait = patience.first_pause_seconds * 2 ** (attempt - 1)
        if wait >= budget.left:
            break
        budget.pause(wait)
    return answer
