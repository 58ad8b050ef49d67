"""Two pulses at once are one: the second waits for the first, and gives its answer."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trueup.errors import CannotCheckError

_LOCK = "lock"
# A pulse takes seconds. One that compiles, or that waits for BigQuery, can take minutes.
_LONGEST = 600.0
_PAUSE = 0.2


@contextmanager
def turn(folder: Path, longest: float = _LONGEST) -> Iterator[bool]:
    """Run alone in this folder; yields whether no other pulse was running. A killed one leaves no lock behind.

    Raises CannotCheckError if the other one does not end within ``longest`` seconds.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("w", encoding="utf-8")
    except OSError as error:
        raise CannotCheckError(
            f"{error.filename} cannot be written: {error.strerror}.", "Make the folder writable."
        ) from error
    with file:
        is_alone, until = True, time.monotonic() + longest
        while not _is_locked(file.fileno()):
            is_alone = False
            if time.monotonic() > until:
                raise CannotCheckError(
                    f"Another pulse has been running for {longest:.0f} s.", "Look at its process, and end it."
                )
            time.sleep(_PAUSE)
        yield is_alone


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
