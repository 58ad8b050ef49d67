"""The rows of many days, in statements that a request can hold: each day whole, none twice, none left out."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.gateways.parts import parts_of_days

FIRST = date(2026, 1, 1)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(0, 2000))
def test_every_day_is_in_one_part_with_all_its_rows(counts: list[int], most: int) -> None:
    days = [FIRST + timedelta(days=number) for number in range(len(counts))]
    rows = [{"day": str(day), "n": n} for day, count in zip(days, counts, strict=True) for n in range(count)]
    parts = list(parts_of_days(rows[::-1], "day", days[0], days[-1], most))
    assert [first for first, _, _ in parts[1:]] == [last + timedelta(days=1) for _, last, _ in parts[:-1]]
    assert (parts[0][0], parts[-1][1]) == (days[0], days[-1])
    for first, last, part in parts:
        wanted = [row for row in rows if str(first) <= str(row["day"]) <= str(last)]
        assert sorted(part, key=str) == sorted(wanted, key=str)
        assert first == last or len(json.dumps(part)) <= most


def test_a_row_of_another_day_is_not_dropped_in_silence() -> None:
    with pytest.raises(ValueError, match="2026-01-02"):
        list(parts_of_days([{"day": "2026-01-02"}], "day", FIRST, FIRST))
