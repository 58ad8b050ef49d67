"""A repair that is killed at any moment is finished by the next one: the message is sent, and is one message."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from helpers.cases import KEY
from helpers.emulators import Google
from helpers.platforms import Embedded, Platform
from helpers.repairs import BROKEN, NIGHT, fields_of, is_repaired, keys_of, repairer, texts_of, write
from helpers.support import PROJECT
from trueup.completion.claim import CLAIMS
from trueup.completion.store import DOCUMENTS
from trueup.repair.documents.apply import repair_days

# More calls than a repair of one night makes: the last child must end by itself.
MOST_CALLS = 30


def run_until_killed(platform: Platform, calls: int) -> bool:
    """Repair in a process of its own that is killed before the given call; whether it was."""
    where = ["embedded", str(platform.path)] if isinstance(platform, Embedded) else ["google", _project(platform)]
    ended = subprocess.run(
        [sys.executable, "-m", "helpers.killed", *where, f"killed@{calls}/1", str(calls)],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT / 'tests/python'}"},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode != 0


def _project(platform: Platform) -> str:
    assert isinstance(platform, Google)
    return platform.project


def finish(platform: Platform) -> None:
    """The next run, when the lease of the killed one is over."""
    with repairer(platform, lease=timedelta(0)) as one:
        steps, trouble = repair_days(one, [NIGHT], one.documents.read([KEY]))
    assert trouble == ""
    assert {step.state for step in steps} <= {"applied"}


def assert_repaired_once(platform: Platform) -> None:
    assert is_repaired(fields_of(platform, DOCUMENTS))
    sent = platform.received()
    assert len(sent) >= 1
    assert keys_of(sent) == {f"{KEY}-{fields_of(platform, CLAIMS)['claim_id']}"}
    assert len(texts_of(sent)) == 1


def restart(platform: Platform) -> None:
    """The broken night again, on the same platform: a new emulator for each kill would take minutes."""
    platform.forget(CLAIMS, KEY)
    platform.received()
    write(platform, BROKEN)


def test_a_kill_before_any_call_is_repaired_by_the_next_run(platform: Platform) -> None:
    kills = 0
    for calls in range(1, MOST_CALLS):
        restart(platform)
        if not run_until_killed(platform, calls):
            break
        kills += 1
        finish(platform)
        assert_repaired_once(platform)
    assert kills >= 11, "each read, each write and the message are calls"
    assert kills < MOST_CALLS - 1


def test_many_kills_in_a_row_are_repaired_by_the_next_run(tmp_path: Path) -> None:
    platform = Embedded(tmp_path / "completions.db")
    chance = random.Random(20260203)
    for _ in range(25):
        restart(platform)
        for _ in range(chance.randint(2, 4)):
            run_until_killed(platform, chance.randint(2, 14))
        finish(platform)
        assert_repaired_once(platform)
