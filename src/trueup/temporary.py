"""Temporary folders that do not outlive their process for long."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "trueup-run-"
_LOCK = ".trueup-lock"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A private folder, deleted on exit. A killed process leaves its folder behind, and the next call deletes it."""
    _delete_abandoned()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # The operating system releases the lock when the process ends, however it ends.
        with (folder / f"{_LOCK}-new").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / f"{_LOCK}-new").rename(folder / _LOCK)  # now, so that nobody sees it unlocked
            yield folder


def _delete_abandoned() -> None:
    """Delete the folders of this user whose owner has ended."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("r+") as lock:  # an error without the file: another program's folder
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
