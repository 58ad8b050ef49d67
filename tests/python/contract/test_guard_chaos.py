"""Reports under chaos: kills, lost replies, duplicates, any order. ``bench/guard.py`` shows the first design, too."""

from __future__ import annotations

from helpers.chaos import Load, guarded, run
from helpers.emulators import Google

# One worker: the emulators are expensive.


def test_nothing_is_lost_and_phase_4_is_started_once_with_one_key(google: Google) -> None:
    result = run(google.project, Load(dates=4), guarded, is_nacked=True)
    assert result.kills > 0
    assert (result.lost_reports, result.wrong_counts, result.not_started) == (0, 0, 0)
    assert result.different_keys == 0, "a message may come twice, with the same key"
    assert result.findings == 0


def test_nobody_is_killed_and_each_date_is_started_exactly_once(google: Google) -> None:
    result = run(google.project, Load(dates=4, killed=0, reply_lost=0), guarded, is_nacked=True)
    assert (result.lost_reports, result.wrong_counts, result.not_started, result.started_twice) == (0, 0, 0, 0)
    assert (result.findings, result.errors) == (0, 0)
