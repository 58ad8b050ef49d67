"""Repeats what may be repeated, until a deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from trueup.errors import ConcurrentUpdateError, ConflictError, TrueupError, UnfinishedReportError, UsageError
from trueup.gateways.transient import is_transient
from trueup.plain import shown

_T = TypeVar("_T")
# Errors of trueup that end by themselves.
_PASSING = (ConcurrentUpdateError, ConflictError, UnfinishedReportError)
_MOST_DOUBLINGS = 30
_NONE = timedelta(0)


def check_deadline(deadline: timedelta) -> None:
    """UsageError if a deadline is no duration, before anything is done."""
    if not isinstance(deadline, timedelta) or deadline < _NONE:
        raise UsageError(f"The deadline is {shown(deadline)}.", "Pass a positive timedelta.")


def is_repeatable(error: Exception) -> bool:
    """Whether the error may be gone at the next attempt: the service was busy or away, or another writer was faster.

    A wrong argument, a refusal, a held or lost lock, and any error of another kind (a bug) are not.
    """
    if isinstance(error, TrueupError):
        cause = error.__cause__
        return isinstance(error, _PASSING) or (cause is not None and is_transient(cause))
    return is_transient(error)


def retry(
    call: Callable[[], _T],
    *,
    deadline: timedelta = timedelta(minutes=1),
    first_pause: timedelta = timedelta(seconds=0.2),
    longest_pause: timedelta = timedelta(seconds=10),
    only: Callable[[Exception], bool] = is_repeatable,
) -> _T:
    """The result of ``call``, which is repeated while it raises an error that ``only`` accepts.

    ``call`` must be repeatable: called twice, it must do no more than once. It is not, for example, if it inserts rows
    or increments a number. Pauses are random between 0 and a bound that doubles from ``first_pause`` to
    ``longest_pause`` (full jitter), so that those who collided do not collide again. Raises the last error when the
    next pause would end after ``deadline``, and any other error at once. A running call is not stopped.
    """
    check_deadline(deadline)
    for pause in (first_pause, longest_pause):
        if not isinstance(pause, timedelta) or pause <= _NONE:
            raise UsageError(
                f"A pause is {shown(pause)}.", "Pass positive timedeltas as first_pause and longest_pause."
            )
    ends = time.monotonic() + deadline.total_seconds()
    attempt = 0
    while True:
        try:
            return call()
        except Exception as error:
            bound = first_pause.total_seconds() * 2 ** min(attempt, _MOST_DOUBLINGS)
            seconds = random.uniform(0, min(bound, longest_pause.total_seconds()))
            if not only(error) or time.monotonic() + seconds > ends:
                raise
        attempt += 1
        time.sleep(seconds)
