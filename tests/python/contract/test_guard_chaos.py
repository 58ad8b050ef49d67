"""The first design and ours under the same chaos: kills, lost replies, duplicates, any order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from helpers.chaos import Load, first_design, guarded, run, table
from helpers.emulators import Google


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
