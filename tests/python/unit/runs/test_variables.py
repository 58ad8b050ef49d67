"""A var that makes no sense is refused by its name, before anything is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.support import PROJECT
from trueup.errors import UsageError
from trueup.runs.variables import _NUMBERS, check_variables
from trueup.settings import Settings, project_variables
from trueup.window import Window

WINDOW = Window(date(2026, 2, 3), date(2026, 2, 3), datetime(2026, 2, 4, 13, tzinfo=UTC))
SETTINGS = Settings(PROJECT, PROJECT / ".trueup", "local", WINDOW)
ODD: st.SearchStrategy[Any] = (
    st.none() | st.text() | st.booleans() | st.lists(st.integers()) | st.just(float("nan")) | st.floats(max_value=-1e-9)
)


def test_those_of_the_project_are_valid() -> None:
    check_variables(SETTINGS)


@given(st.sampled_from(sorted(_NUMBERS)), ODD)
def test_an_odd_number_is_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"The var {name} is"):
        check_variables(replace(SETTINGS, variables={name: value}))


@pytest.mark.parametrize("value", [0, 100, 150])
def test_an_objective_without_a_budget_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match="from 1 to"):
        check_variables(replace(SETTINGS, variables={"service_level_objective": value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("roster_time_zones", ["America/New_York", "Amerika/Berlin"]),
        ("roster_time_zones", "UTC+1"),
        ("reports_due_time", "25:99"),
        ("platform_time_zone", "Eastern"),
        ("completion_rule", "most"),
        ("families_off", ["schedules"]),
    ],
)
def test_another_odd_var_is_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"The var {name} "):
        check_variables(replace(SETTINGS, variables={name: value}))


def test_every_var_that_is_a_number_has_bounds() -> None:
    numbers = {
        name
        for name, value in project_variables(PROJECT).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    assert numbers == set(_NUMBERS)
