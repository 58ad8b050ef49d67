"""The window of a run in dbt: its default, and refused values."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.support import PROJECT, Compile
from trueup.settings import platform_zone, project_variables
from trueup.window import make_window, now

AS_OF = "2026-02-04T03:30:00Z"
STAGED = "stg_nba_analytics__player_game_summary"


@pytest.mark.parametrize(
    ("variables", "days"),
    [
        # Still the 3rd in New York: yesterday is the 2nd. Already the 4th in Tokyo.
        ({}, ("2026-01-27", "2026-02-02")),
        ({"first_date": "2026-01-30", "platform_time_zone": "Asia/Tokyo"}, ("2026-01-30", "2026-02-03")),
    ],
)
def test_dbt_and_the_command_line_mean_the_same_days(
    variables: dict[str, str], days: tuple[str, str], compile_sql: Compile
) -> None:
    compiled = compile_sql("--select", STAGED, {"as_of": AS_OF, **variables})
    assert "game_date between date '{}' and date '{}'".format(*days) in compiled
    zone = platform_zone({**project_variables(PROJECT), **variables}["platform_time_zone"])
    window = make_window(variables.get("first_date"), None, None, AS_OF, now(), zone)
    assert (str(window.first_date), str(window.last_date)) == days


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"first_date": "2026-02-03", "last_date": "2026-02-01"}, "after last_date"),
        ({"as_of": "2026-02-04T16:00:00"}, "a timestamp with an offset"),
        ({"first_date": "2026-02-3"}, "first_date must be a day of the years"),
    ],
)
def test_dbt_alone_refuses_wrong_vars(compile_sql: Compile, variables: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said):
        compile_sql("--select", STAGED, variables)
