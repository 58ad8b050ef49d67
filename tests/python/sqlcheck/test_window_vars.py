"""The window of a run in dbt: its default, and refused values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers.support import PROJECT
from sqlcheck.dbt_project import CannotCompileError, compile_offline


def test_the_default_window_is_the_seven_eastern_days_that_end_yesterday(tmp_path: Path) -> None:
    # 03:30 UTC on the 4th is still the 3rd in New York: yesterday is the 2nd.
    manifest = compile_offline(PROJECT, tmp_path, {"as_of": "2026-02-04T03:30:00Z"})
    staged = manifest["nodes"]["model.trueup.stg_nba_analytics__player_game_summary"]["compiled_code"]
    assert "game_date between date '2026-01-27' and date '2026-02-02'" in staged


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"first_date": "2026-02-03", "last_date": "2026-02-01"}, "after last_date"),
        ({"as_of": "2026-02-04T16:00:00"}, "needs an offset"),
    ],
)
def test_dbt_alone_refuses_wrong_vars(tmp_path: Path, variables: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotCompileError, match=said):
        compile_offline(PROJECT, tmp_path, variables)
