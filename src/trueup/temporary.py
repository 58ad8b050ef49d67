"""Temporary folders that do not outlive their process for long."""

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "trueup-run-"
_LOCK = ".trueup-lock"
_NEW_LOCK = f"{_LOCK}-new"
# A process that was killed while it made its folder never locked it.
_MOST_SECONDS_UNLOCKED = 600


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A private folder, deleted on exit. A killed process leaves its folder behind, and the next call deletes it."""
    _delete_abandoned()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # The operating system releases the lock when the process ends, however it ends.
        with (folder / _NEW_LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / _NEW_LOCK).rename(folder / _LOCK)  # now, so that nobody sees it unlocked
            yield folder


def _delete_abandoned() -> None:
    """Delete the folders of this user whose owner has ended."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
                continue
            if _is_unfinished(folder):
                shutil.rmtree(folder)
                continue
            with (folder / _LOCK).open("r+") as lock:  # an error without the file: another program's folder
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end_users(folder)
                shutil.rmtree(folder)


def _is_unfinished(folder: Path) -> bool:
    """Whether a folder holds nothing, or only a lock that was never taken, and is too old to be in the making."""
    names = {path.name for path in folder.iterdir()}
    return names <= {_NEW_LOCK} and time.time() - folder.stat().st_mtime > _MOST_SECONDS_UNLOCKED


def _end_users(folder: Path) -> None:
    """Kill the processes that were started with a path in this folder: a stopped one does not see that its owner has
    ended. Only where /proc is.
    """
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if any(one.startswith(os.fsencode(folder)) for one in command.read_bytes().split(b"\0")):
                os.kill(int(command.parent.name), signal.SIGKILL)
