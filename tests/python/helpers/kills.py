"""Runs in a process of their own that is killed before the Nth call to a store, a topic or a receiver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from helpers.doubles import Act, nth
from helpers.platforms import Embedded, Platform
from helpers.support import PROJECT


def run_until_killed(module: str, platform: Platform, *arguments: object) -> bool:
    """Run ``python -m MODULE KIND PLACE ARGUMENTS``; whether it was killed before it ended by itself."""
    ended = subprocess.run(
        [sys.executable, "-m", module, *platform.place, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT / 'tests/python'}"},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode != 0


def platform_at(kind: str, place: str) -> Platform:
    """The platform of the parent process."""
    if kind == "embedded":
        return Embedded(Path(place))
    from helpers.emulators import Google  # two seconds of imports that the embedded store does not need

    return Google(place, is_new=False)


def kill_before(call: str) -> Act:
    """Kills this process before the Nth call that is told."""
    return nth(int(call), lambda: os.kill(os.getpid(), signal.SIGKILL))
