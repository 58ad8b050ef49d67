"""The first design and ours under the same chaos: kills, lost replies, duplicates, any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from helpers.chaos import Load, Result, first_design, guarded, run, table
from helpers.emulators import Google
from trueup.gateways.firestore import FirestoreCompletions
from trueup.guard import completions

pytestmark = pytest.mark.slow


def test_the_guard_loses_nothing_of_a_load_of_which_the_first_design_loses_reports(
    google: Google, record_property: Callable[[str, object], None]
) -> None:
    first = run(google.project, Load(), first_design, is_nacked=False)
    ours = run(f"{google.project}-ours", Load(), guarded, is_nacked=True)
    record_property("table", table({"first design": first, "trueup.guard": ours}))
    assert first.lost_reports > 0
    assert ours.kills > 0
    assert (ours.lost_reports, ours.wrong_counts, ours.not_started) == (0, 0, 0)
    assert ours.different_keys == 0, "a message may come twice, with the same key"
    assert ours.findings == 0
    # Ten times on an idle machine, see docs/explanation/guard.md.
    assert ours.percentile(0.95) * 3 < first.percentile(0.95)


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_is_killed_and_each_date_is_started_exactly_once(google: Google, seed: int) -> None:
    result = run(google.project, Load(dates=4, killed=0, reply_lost=0, seed=seed), guarded, is_nacked=True)
    assert (result.lost_reports, result.wrong_counts, result.not_started, result.started_twice) == (0, 0, 0, 0)
    assert (result.findings, result.errors) == (0, 0)


def count_is_set(patch: pytest.MonkeyPatch) -> None:
    """The count may fall: the last one to write it need not be the last one to read."""
    patch.setattr(completions, "at_least", lambda count: count)


def document_is_written_whole(patch: pytest.MonkeyPatch) -> None:
    """Each report reads the document, and writes it with its own entry."""

    def whole(self: Any, key: str, fields: Mapping[str, Any], paths: object) -> None:
        found = self.read([key]).get(key)
        self.replace(key, {**(found.fields if found else {}), **fields})

    patch.setattr(FirestoreCompletions, "merge", whole)


# The five processors of one night, at the same time, with a slow network; each night in a project of its own.
ONE_NIGHT = Load(writers=5, dates=1, redelivered=0, killed=0, reply_lost=0, delay=0.4)


def nights(google: Google, count: int) -> Iterator[Result]:
    for night in range(count):
        yield run(f"{google.project}-{night}", replace(ONE_NIGHT, seed=night), guarded, is_nacked=True)


def test_five_reports_at_the_same_time_are_all_counted(google: Google) -> None:
    for night in nights(google, 10):
        assert (night.lost_reports, night.wrong_counts, night.not_started, night.started_twice) == (0, 0, 0, 0)


@pytest.mark.parametrize("plant", [count_is_set, document_is_written_whole])
def test_without_one_of_the_safeguards_they_are_lost_or_miscounted(
    google: Google, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    assert any(night.lost_reports + night.wrong_counts for night in nights(google, 60))
