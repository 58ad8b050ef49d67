"""The kinds of expectations that can be counted for each date, their SQL, and those that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from trueup.expectations.kinds import asked_config, columns_of, derived_columns, fault_condition, judged_column, refusal

LARGEST = "1.7976931348623157e+308"
Config = dict[str, Any]


def values(kind: str, **kwargs: Any) -> Config:
    return {"type": f"expect_column_values_to_{kind}", "kwargs": {"column": "points", **kwargs}}


def unique(*columns: str, **kwargs: Any) -> Config:
    ignore = {"ignore_row_if": "any_value_is_missing"}
    return {
        "type": "expect_compound_columns_to_be_unique",
        "kwargs": {"column_list": list(columns), **ignore, **kwargs},
    }


BETWEEN = values("be_between", min_value=0, max_value=65.5)
UNIQUE = unique("game_date", "game_id")


@pytest.mark.parametrize(
    ("config", "condition"),
    [
        (BETWEEN, "points not between 0 and 65.5"),
        (values("be_between", min_value=0), f"points not between 0 and {LARGEST}"),
        (values("be_between", max_value=-3), f"points not between -{LARGEST} and -3"),
        (values("be_in_set", value_set=["a", "o'\"b"]), r'points not in ("a", "o' + "'" + r'\"b")'),
        (values("be_in_set", value_set=[1, 2.5]), "points not in (1, 2.5)"),
        (values("be_in_set", value_set={"$PARAMETER": "team_codes"}), 'points not in ("BOS", "NYK")'),
        (values("match_regex", regex=r"^\d{8}$"), r'not regexp_contains(points, "^\\d{8}$")'),
        (values("not_be_null"), "points is null"),
        (UNIQUE, "rows_per_game_date_game_id not between 1 and 1"),
    ],
)
def test_a_row_that_is_not_as_expected_is_one_condition_in_sql(config: Config, condition: str) -> None:
    assert refusal(config) == ""
    assert fault_condition(config, {"team_codes": ["BOS", "NYK"]}) == condition


def test_columns_that_are_unique_together_are_judged_by_the_number_of_their_rows() -> None:
    assert columns_of(UNIQUE) == ("game_date", "game_id")
    assert judged_column(UNIQUE) == "rows_per_game_date_game_id"
    assert derived_columns(UNIQUE) == {
        "rows_per_game_date_game_id": "if(game_id is null, null, count(*) over (partition by game_date, game_id))"
    }
    assert derived_columns(BETWEEN) == {}


def test_great_expectations_is_asked_what_the_suite_says() -> None:
    for config in (
        BETWEEN,
        values("not_be_null"),
        values("match_regex", regex="^a"),
        values("be_between", max_value=6),
    ):
        assert asked_config(config, False) == config


def test_a_range_that_rows_are_beyond_has_both_bounds_since_nan_is_beyond_no_single_one() -> None:
    asked = asked_config({**values("be_between", max_value=6), "description": "At most 6"}, True)
    assert asked["kwargs"] == {"column": "points", "min_value": -float(LARGEST), "max_value": 6}
    assert asked["description"] == "At most 6"


def test_great_expectations_is_asked_of_unique_columns_without_a_join() -> None:
    asked = asked_config(UNIQUE, False)
    assert asked["type"] == "expect_column_values_to_be_between"
    assert asked["kwargs"] == {"column": "rows_per_game_date_game_id", "min_value": 1, "max_value": 1}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (values("be_unique"), "be_unique is not one of"),
        ({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}, "is not one of"),
        (values("be_between", min_value=0, mostly=0.9), "with mostly"),
        (values("be_between", min_value=0, strict_min=True), "with strict_min"),
        (values("be_in_set", value_set=["a"], row_condition="x > 1", condition_parser="spark"), "row_condition"),
        (values("be_between"), "needs numbers"),
        (values("be_between", min_value=None, max_value=None), "needs numbers"),
        (values("be_between", min_value="2026-01-01"), "needs numbers"),
        (values("be_between", min_value={"$PARAMETER": "least"}), "needs numbers"),
        (values("be_between", min_value=3, max_value=2), "the smaller one first"),
        (values("be_in_set", value_set=[]), "needs strings or numbers"),
        (values("be_in_set", value_set=[True]), "compare booleans as text"),
        (values("be_in_set", value_set=["a", None]), "needs strings or numbers"),
        (values("be_in_set", value_set={"$OTHER": "x"}), r"knows no \$OTHER"),
        (unique("game_id"), "needs game_date"),
        (unique("game_date", "game_id", ignore_row_if="never"), "needs ignore_row_if"),
    ],
)
def test_what_cannot_be_counted_for_each_date_is_refused(config: Config, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        raise ValueError(refusal(config))
