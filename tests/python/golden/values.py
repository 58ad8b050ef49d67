"""Unexpected values for the suites."""

from __future__ import annotations

from datetime import timedelta

from golden.golden import DAY, KEY, Golden, small
from golden.night import PGS, SCHEDULE, UPCOMING_PLAYER, good_night, name_of


def impossible_values() -> Golden:
    """A player scored 131 points, and another played against an unknown team."""
    golden = small("Impossible values")
    golden.expectations = True
    first, second = golden.night.tables[PGS][:2]
    first["points"] = 131
    second["opponent_team_abbr"] = "LAK"
    golden.wants("EXP001", "error", name_of(PGS), 1)
    golden.wants("EXP002", "error", f"{name_of(PGS)}_latest", 1)
    # The team's points are no longer the sum of its players' points.
    return golden.wants("EXP002", "error", "team_box_scores", 1)


def many_wrong_rows() -> Golden:
    """On each of two dates, more rows are wrong than Great Expectations lists."""
    first, second = good_night(DAY), good_night(DAY + timedelta(days=1), seed=8, first=601)
    second.tables[SCHEDULE] = [row for row in second.tables[SCHEDULE] if row["game_date"] > KEY]
    first.tables[SCHEDULE] = [row for row in first.tables[SCHEDULE] if row["game_date"] <= KEY]
    golden = Golden("Wrong values on two dates, more than are listed", first, expectations=True, others=[second])
    for night in golden.nights:
        for row in night.tables[UPCOMING_PLAYER][:78]:
            row["days_rest"] = -1
        golden.wants("EXP002", "error", "upcoming_player_game_context_latest", 78, night.day)
    return golden


def waived_verdicts() -> Golden:
    """A wrong document and a wrong row, both waived: verdicts judged outside SQL can be waived too."""
    golden = small("A wrong count and a wrong value, both waived", expectations=True, status="healthy")
    golden.night.fields["_completed_count"] = 3
    golden.night.tables[UPCOMING_PLAYER][0]["days_rest"] = -1
    suite = f"{name_of(UPCOMING_PLAYER)}_latest"
    golden.waive("DONE001", KEY, "The writer is being repaired.", until="2026-03-31")
    golden.waive("EXP002", suite, "Rest days are being counted again.", until="2026-03-31")
    return golden.wants("DONE001", "info", KEY, 3).wants("EXP002", "info", suite, 1)
