"""retry repeats what may be gone at the next attempt, with full jitter, until its deadline; and nothing else."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google_exceptions
from google.auth.exceptions import TransportError
from requests import exceptions as requests_exceptions

from trueup.errors import (
    CompletionsError,
    ConcurrentUpdateError,
    FencedError,
    LockHeldError,
    LockLostError,
    UnfinishedReportError,
    UsageError,
)
from trueup.guard import retry

# Their constructors have no types.
exceptions: Any = google_exceptions


class Clock:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.now, self.pauses, self.bounds = 0.0, list[float](), list[float]()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)

    def uniform(self, low: float, high: float) -> float:
        assert low == 0
        self.bounds.append(high)
        return high


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    monkeypatch.setattr(time, "sleep", made.sleep)
    monkeypatch.setattr(random, "uniform", made.uniform)
    return made


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


def unavailable() -> CompletionsError:
    error = CompletionsError("Firestore does not answer.")
    error.__cause__ = exceptions.ServiceUnavailable("busy")
    return error


def test_pauses_are_random_below_a_bound_that_doubles_up_to_the_longest(clock: Clock) -> None:
    call = failing(*(exceptions.ServiceUnavailable("busy") for _ in range(6)))
    longest = timedelta(seconds=2)
    assert retry(call, first_pause=timedelta(seconds=0.25), longest_pause=longest) == "done"
    assert clock.bounds == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


def test_the_last_error_is_raised_before_the_deadline_would_pass(clock: Clock) -> None:
    with pytest.raises(UnfinishedReportError):
        retry(failing(*[UnfinishedReportError("x")] * 99), deadline=timedelta(seconds=5))
    assert clock.now + clock.bounds[-1] > 5 >= clock.now > 0


@pytest.mark.parametrize(
    "error",
    [
        exceptions.Aborted("x"),
        exceptions.TooManyRequests("x"),
        exceptions.ServiceUnavailable("x"),
        exceptions.InternalServerError("x"),
        exceptions.DeadlineExceeded("x"),
        exceptions.Forbidden("x", errors=[{"reason": "rateLimitExceeded"}]),
        TransportError("x"),  # type: ignore[no-untyped-call, unused-ignore]
        requests_exceptions.ConnectionError(),
        requests_exceptions.ReadTimeout(),
        requests_exceptions.ChunkedEncodingError(),
        ConnectionResetError(),
        TimeoutError(),
        ConcurrentUpdateError("x"),
        UnfinishedReportError("x"),
        unavailable(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_by_itself_is_repeated(clock: Clock, error: Exception) -> None:
    assert retry(failing(error)) == "done"


@pytest.mark.parametrize(
    "error",
    [
        exceptions.PermissionDenied("x"),
        exceptions.Forbidden("x", errors=[{"reason": "accessDenied"}]),
        requests_exceptions.SSLError(),
        exceptions.InvalidArgument("x"),
        exceptions.AlreadyExists("x"),
        exceptions.FailedPrecondition("x"),
        exceptions.NotFound("x"),
        UsageError("x"),
        CompletionsError("x"),
        LockHeldError("x"),
        LockLostError("x"),
        FencedError("x"),
        ValueError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_stays_is_raised_at_once(clock: Clock, error: Exception) -> None:
    with pytest.raises(type(error)):
        retry(failing(error))
    assert clock.pauses == []


def test_the_caller_may_name_what_is_repeated_and_a_stop_is_never_held_up(clock: Clock) -> None:
    assert retry(failing(LockHeldError("x")), only=lambda error: isinstance(error, LockHeldError)) == "done"

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retry(stop, only=lambda error: True)


def test_after_many_attempts_the_bound_is_still_a_number(clock: Clock) -> None:
    short = timedelta(seconds=0.001)
    call = failing(*(TimeoutError() for _ in range(2000)))
    assert retry(call, first_pause=short, longest_pause=short, deadline=timedelta(days=1)) == "done"
    with pytest.raises(UsageError):
        retry(call, first_pause=timedelta(0))


@pytest.mark.parametrize("name", ["deadline", "first_pause", "longest_pause"])
def test_a_number_is_no_duration(name: str) -> None:
    for wrong in (5, None, 10**5000):
        with pytest.raises(UsageError):
            retry(failing(), **{name: wrong})  # type: ignore[arg-type]
