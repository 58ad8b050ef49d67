"""A repair that is killed at any moment is finished by the next one: the message is sent, and is one message."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from helpers.cases import KEY
from helpers.kills import run_until_killed
from helpers.platforms import Embedded, Platform
from helpers.repairs import BROKEN, fields_of, is_repaired, keys_of, repair, texts_of, write
from trueup.completion.claim import CLAIMS
from trueup.completion.store import DOCUMENTS

# More calls than a repair of one night makes: the last child must end by itself.
MOST_CALLS = 30


def repair_until_killed(platform: Platform, calls: int) -> bool:
    return run_until_killed("helpers.killed", platform, f"killed@{calls}/1", calls)


def finish(platform: Platform) -> None:
    """The next run, when the lease of the killed one is over."""
    steps, trouble = repair(platform, lease=timedelta(0))
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
        if not repair_until_killed(platform, calls):
            break
        kills += 1
        finish(platform)
        assert_repaired_once(platform)
    assert kills >= 11, "each read, each write and the message are calls"
    assert kills < MOST_CALLS - 1


@pytest.mark.slow
def test_many_kills_in_a_row_are_repaired_by_the_next_run(tmp_path: Path) -> None:
    platform = Embedded(tmp_path / "completions.db")
    chance = random.Random(20260203)
    for _ in range(25):
        restart(platform)
        for _ in range(chance.randint(2, 4)):
            repair_until_killed(platform, chance.randint(2, 14))
        finish(platform)
        assert_repaired_once(platform)
