"""The port that posts messages, and its retries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

# These statuses ask the sender to retry.
_RETRY_STATUSES = (429, 503)


@dataclass(frozen=True)
class Answer:
    """The result of one post. ``reason`` contains no part of the URL except its host.

    ``answered``: with ``status``. ``not_reached``: the message cannot have arrived. ``unknown``: it may have.
    """

    kind: Literal["answered", "not_reached", "unknown"]
    status: int = 0
    reason: str = ""
    retry_after_seconds: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver accepted it."""
        return self.kind == "answered" and 200 <= self.status < 300

    @property
    def is_retryable(self) -> bool:
        """Whether this run should try again."""
        return self.kind == "not_reached" or (self.kind == "answered" and self.status in _RETRY_STATUSES)


class Poster(Protocol):
    """Posts a body once. Does not raise for errors of the network or the receiver."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        """Post JSON without following redirects; return within ``seconds``."""


@dataclass(frozen=True)
class Patience:
    """Time limits of a channel in seconds, and attempts per message. ``lease_seconds`` must exceed ``budget_seconds``:
    a run must have ended before another takes over its message.
    """

    budget_seconds: float = 20.0
    lease_seconds: float = 120.0
    attempts: int = 3
    first_pause_seconds: float = 0.5


@dataclass(frozen=True)
class Budget:
    """The remaining time of a channel. ``clock``: monotonic, in seconds."""

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
    """Post until the receiver accepts or refuses the message, or attempts or time run out.

    A message that may have arrived is not posted again. Retry-After is respected; if it exceeds the remaining time, the
    attempts end.
    """
    answer = Answer("not_reached", reason="no time was left to send it")
    for attempt in range(1, patience.attempts + 1):
        if budget.left <= 0:
            break
        answer = poster.post(url, body, headers, budget.left)
        if not answer.is_retryable or attempt == patience.attempts:
            break
        wait = answer.retry_after_seconds
        if wait is None:
            wait = patience.first_pause_seconds * 2 ** (attempt - 1)
        if wait >= budget.left:
            break
        budget.pause(wait)
    return answer
