"""LOCK001: which locks are left behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpers.cases import DAY, PLAYERS, REFERENCE, evidence
from trueup.completion.lease import LONGEST, lease_id
from trueup.completion.store import Snapshot
from trueup.judge.case import Case, JudgeSettings
from trueup.judge.locks import judge_locks
from trueup.results.verdict import Verdict

NOW = datetime(2026, 2, 4, 15, tzinfo=UTC)
RENEWED = NOW - timedelta(hours=2)


def lock(processor: str = PLAYERS, read_at: datetime = NOW, **fields: Any) -> dict[str, Snapshot]:
    key = lease_id(processor, DAY)
    ids = {"holder_id": "h", "owner": "run-1", "token": 7}
    stored = {**ids, "is_held": True, "lease_seconds": 600, "renewed_at": RENEWED, **fields}
    return {key: Snapshot(key, stored, RENEWED, read_at)}


def judged(snapshots: dict[str, Snapshot], as_of: datetime = NOW) -> tuple[Verdict, ...]:
    return judge_locks(Case(evidence(), REFERENCE, JudgeSettings(as_of=as_of)), snapshots)


def test_a_lock_that_is_held_past_its_lease_is_found_with_its_owner() -> None:
    (verdict,) = judged(lock())
    assert (verdict.rule, verdict.subject, verdict.severity, verdict.observed) == ("LOCK001", PLAYERS, "warn", 110)
    assert verdict.summary.startswith(f"run-1 still holds the lock of {PLAYERS}, though its lease ended 110 minutes")
    assert verdict.detail["token"] == 7


@pytest.mark.parametrize(
    "fields",
    [
        {"is_held": False},
        {"renewed_at": NOW - timedelta(seconds=600)},
        {"renewed_at": NOW - timedelta(seconds=659)},
        {"lease_seconds": 7200.0},
    ],
    ids=["given back", "in its last second", "over for less than a minute", "a long lease"],
)
def test_a_lock_that_was_given_back_or_is_within_its_lease_passes(fields: dict[str, Any]) -> None:
    assert [one.outcome for one in judged(lock(**fields))] == ["passed"]


def test_a_clock_that_is_fast_makes_no_lock_look_old() -> None:
    (verdict,) = judged(lock(renewed_at=NOW), as_of=NOW + timedelta(hours=1))
    assert verdict.outcome == "passed"


def test_a_past_time_is_judged_as_it_was_then() -> None:
    assert [one.outcome for one in judged(lock(), as_of=RENEWED + timedelta(minutes=5))] == ["passed"]


def test_a_lock_that_is_over_for_one_minute_is_found() -> None:
    (verdict,) = judged(lock(renewed_at=NOW - timedelta(seconds=660)))
    assert (verdict.outcome, verdict.observed) == ("failed", 1)
    assert "its lease ended 1 minute ago" in verdict.summary


@pytest.mark.parametrize("is_held", [True, False])
def test_a_lock_that_was_taken_after_the_time_of_the_check_is_not_judged_and_does_not_block(is_held: bool) -> None:
    (verdict,) = judged(lock(is_held=is_held), as_of=RENEWED - timedelta(seconds=61))
    assert (verdict.outcome, verdict.is_blocking, verdict.subject) == ("not_run", False, PLAYERS)
    assert verdict.reason == "the lock was taken after the time of this check"


def test_a_clock_that_is_slow_by_a_minute_hides_no_lock() -> None:
    (verdict,) = judged(lock(), as_of=RENEWED - timedelta(seconds=60))
    assert verdict.outcome == "passed"


def test_without_locks_there_is_nothing_to_judge_and_nothing_blocks() -> None:
    (verdict,) = judged(lock("stranger"))
    assert (verdict.outcome, verdict.is_blocking, verdict.examined_count) == ("not_run", False, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": 7},
        {"token": True},
        {"token": -1},
        {"token": 2**63 - 1},
        {"is_held": "yes"},
        {"lease_seconds": -1},
        {"lease_seconds": True},
        {"lease_seconds": LONGEST.total_seconds() + 1},
        {"lease_seconds": float("nan")},
        {"renewed_at": "yesterday"},
        {"renewed_at": NOW.replace(tzinfo=None)},
        {"renewed_at": NOW + timedelta(days=1, seconds=1)},
        {"renewed_at": datetime(9999, 12, 31, tzinfo=UTC)},
    ],
)
def test_a_document_of_another_shape_is_not_run_and_blocks(fields: dict[str, Any]) -> None:
    (verdict,) = judged(lock(**fields))
    assert (verdict.outcome, verdict.is_blocking, verdict.subject) == ("not_run", True, PLAYERS)
    assert "is not the document of a lock" in verdict.reason
