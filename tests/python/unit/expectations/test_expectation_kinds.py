"""The kinds of expectations, their SQL, and those that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from trueup.expectations.kinds import asked_config, columns_of, derived_columns, fault_condition, judged_column, refusal

LARGEST = "1.7976931348623157e+308"
Config = dict[str, Any]


def values(kind: str, **kwargs: Any) -> Config:
    return {"type": f"expect_column_values_to_{kind}", "kwargs": {"column": "points", **kwargs}}


def unique(*columns: str, **kwargs: Any) -> Config:
    given = {"column_list": list(columns), "ignore_row_if": "any_value_is_missing", **kwargs}
    return {"type": "expect_compound_columns_to_be_unique", "kwargs": given}


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
def test_each_expectation_is_one_condition_in_sql(config: Config, condition: str) -> None:
    assert refusal(config) == ""
    assert fault_condition(config, {"team_codes": ["BOS", "NYK"]}) == condition


def test_a_compound_key_is_judged_by_the_number_of_its_rows() -> None:
    assert columns_of(UNIQUE) == ("game_date", "game_id")
    assert judged_column(UNIQUE) == "rows_per_game_date_game_id"
    assert derived_columns(UNIQUE) == {
        "rows_per_game_date_game_id": "if(game_id is null, null, count(*) over (partition by game_date, game_id))"
    }
    assert derived_columns(BETWEEN) == {}


def test_great_expectations_gets_the_expectation_of_the_suite() -> None:
    others = (values("not_be_null"), values("match_regex", regex="^a"), values("be_between", max_value=6))
    for config in (BETWEEN, *others):
        assert asked_config(config, False) == config


def test_a_violated_range_gets_both_bounds_because_one_does_not_find_nan() -> None:
    asked = asked_config({**values("be_between", max_value=6), "description": "At most 6"}, True)
    assert asked["kwargs"] == {"column": "points", "min_value": -float(LARGEST), "max_value": 6}
    assert asked["description"] == "At most 6"


def test_great_expectations_checks_a_compound_key_without_a_join() -> None:
    asked = asked_config(UNIQUE, False)
    assert asked["type"] == "expect_column_values_to_be_between"
    assert asked["kwargs"] == {"column": "rows_per_game_date_game_id", "min_value": 1, "max_value": 1}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (values("be_unique"), "be_unique"),
        ({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}, "row_count"),
        (values("be_between", min_value=0, mostly=0.9), "mostly"),
        (values("be_between", min_value=0, strict_min=True), "strict_min"),
        (values("be_in_set", value_set=["a"], row_condition="x > 1", condition_parser="spark"), "row_condition"),
        (values("be_between"), "numbers"),
        (values("be_between", min_value=None, max_value=None), "numbers"),
        (values("be_between", min_value="2026-01-01"), "numbers"),
        (values("be_between", min_value={"$PARAMETER": "least"}), "numbers"),
        (values("be_between", min_value=3, max_value=2), "smaller"),
        (values("be_in_set", value_set=[]), "strings or numbers"),
        (values("be_in_set", value_set=[True]), "booleans"),
        (values("be_in_set", value_set=["a", None]), "strings or numbers"),
        (values("be_in_set", value_set={"$OTHER": "x"}), r"\$OTHER"),
        (unique("game_id"), "game_date"),
        (unique("game_date", "game_id", ignore_row_if="never"), "ignore_row_if"),
    ],
)
def test_an_expectation_that_cannot_be_counted_per_date_is_refused(config: Config, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        raise ValueError(refusal(config))
