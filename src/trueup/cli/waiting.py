"""Waits for another run on the same dataset to end."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from trueup.errors import LeaseHeldError, UsageError

_T = TypeVar("_T")
# A day: the next check is due.
MOST_MINUTES = 1440
_FIRST_PAUSE = timedelta(seconds=2)
# An attempt costs a few requests, and the lease of a killed run lasts minutes.
_LONGEST_PAUSE = timedelta(seconds=30)


def add_wait(parser: ArgumentParser) -> None:
    """``--wait``."""
    parser.add_argument(
        "--wait",
        type=float,
        default=0,
        metavar="MINUTES",
        help="wait this long for another run on the same dataset to end (default: 0)",
    )


def wait_of(options: Namespace) -> timedelta:
    """The time of ``--wait``. Raises UsageError if it is none."""
    if not 0 <= options.wait <= MOST_MINUTES:
        raise UsageError(
            f"--wait {options.wait:g} is not a number of minutes from 0 to {MOST_MINUTES}.", "Use 30, for example."
        )
    return timedelta(minutes=options.wait)


def waited(attempt: Callable[[bool], _T], wait: timedelta, tell: Callable[[str], object]) -> tuple[_T, str]:
    """The result of ``attempt``, which is repeated while it raises LeaseHeldError, and for whom it waited ("" if it did
    not). ``attempt(is_waiting)``: the last one gets False, and then tells who holds the lease as it does without a
    wait. ``tell``: says that it waits, once for each run that it waits for.
    """
    runs: list[str] = []

    def once() -> _T:
        try:
            return attempt(True)
        except LeaseHeldError as error:
            if error.run not in runs:
                runs.append(error.run)
                tell(f"Waiting up to {wait.total_seconds() / 60:g} minutes. {error.run} is building the same tables")
            raise

    if not wait:
        return attempt(False), ""
    # Importing it takes a second, for Google's clients.
    from trueup.guard.retrying import retry

    try:
        result = retry(
            once,
            deadline=wait,
            first_pause=_FIRST_PAUSE,
            longest_pause=_LONGEST_PAUSE,
            only=lambda error: isinstance(error, LeaseHeldError),
        )
    except LeaseHeldError:
        result = attempt(False)
    return result, " ".join(f"{run} was building the same tables." for run in runs)
