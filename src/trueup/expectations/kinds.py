"""The kinds of expectations that trueup can count for each date, their allowed arguments, and their SQL.

Great Expectations gives no results per date, so trueup counts the rows itself. It refuses expectations that it cannot
count per date: a tolerance (``mostly``) or a row condition means something else for a week than for a date.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

Config = Mapping[str, Any]
Parameters = Mapping[str, Sequence[Any]]

_BETWEEN = "expect_column_values_to_be_between"
_IN_SET = "expect_column_values_to_be_in_set"
_REGEX = "expect_column_values_to_match_regex"
_NOT_NULL = "expect_column_values_to_not_be_null"
_UNIQUE = "expect_compound_columns_to_be_unique"
_KWARGS: Mapping[str, frozenset[str]] = {
    _BETWEEN: frozenset({"column", "min_value", "max_value"}),
    _IN_SET: frozenset({"column", "value_set"}),
    _REGEX: frozenset({"column", "regex"}),
    _NOT_NULL: frozenset({"column"}),
    _UNIQUE: frozenset({"column_list", "ignore_row_if"}),
}
_IGNORES_NULLS = "any_value_is_missing"
_PARAMETER = "$PARAMETER"
# Replaces a missing bound. NaN is outside this bound, on BigQuery and on the embedded warehouse.
_LARGEST = sys.float_info.max


def refusal(config: Config) -> str:
    """Why an expectation cannot be counted for each date; "" if it can."""
    kind, kwargs = config["type"], config["kwargs"]
    if kind not in _KWARGS:
        return f"{kind} is not one of {', '.join(sorted(_KWARGS))}"
    if others := sorted(set(kwargs) - _KWARGS[kind]):
        return f"{kind} cannot be counted for each date with {', '.join(others)}"
    if kind == _BETWEEN:
        return _range_refusal(kwargs)
    if kind == _IN_SET:
        return _set_refusal(kwargs["value_set"])
    if kind == _UNIQUE and kwargs.get("ignore_row_if") != _IGNORES_NULLS:
        return f"{kind} needs ignore_row_if: {_IGNORES_NULLS}"
    if kind == _UNIQUE and "game_date" not in kwargs["column_list"]:
        return f"{kind} needs game_date in its column_list"
    return ""


def columns_of(config: Config) -> tuple[str, ...]:
    """The columns of an expectation."""
    kwargs = config["kwargs"]
    return tuple(kwargs["column_list"]) if config["type"] == _UNIQUE else (kwargs["column"],)


def judged_column(config: Config) -> str:
    """The column whose values are judged. For a compound key: the number of rows that share the key."""
    columns = columns_of(config)
    return f"rows_per_{'_'.join(columns)}" if config["type"] == _UNIQUE else columns[0]


def derived_columns(config: Config) -> dict[str, str]:
    """The SQL of the judged column if the table has none. It is NULL if a column of the key is NULL."""
    if config["type"] != _UNIQUE:
        return {}
    columns = columns_of(config)
    has_null = " or ".join(f"{column} is null" for column in columns if column != "game_date") or "false"
    shared = f"count(*) over (partition by {', '.join(columns)})"
    return {judged_column(config): f"if({has_null}, null, {shared})"}


def examines_nulls(config: Config) -> bool:
    """Whether NULLs are examined, not skipped."""
    return bool(config["type"] == _NOT_NULL)


def parameter_of(config: Config) -> str:
    """The name of the parameter with the allowed values; "" if the suite lists them."""
    values = config["kwargs"].get("value_set")
    return str(values[_PARAMETER]) if isinstance(values, Mapping) else ""


def with_values(config: Config, given: Mapping[str, Any]) -> Config:
    """The expectation with the values of its parameter. Raises KeyError if there are none."""
    name = parameter_of(config)
    return {**config, "kwargs": {**config["kwargs"], "value_set": list(given[name])}} if name else config


def fault_condition(config: Config, parameters: Parameters) -> str:
    """SQL that is true for a row that is not as expected; false or NULL for others and for skipped rows."""
    kind, kwargs, column = config["type"], config["kwargs"], judged_column(config)
    if kind == _NOT_NULL:
        return f"{column} is null"
    if kind == _REGEX:
        return f"not regexp_contains({column}, {sql_literal(kwargs['regex'])})"
    if kind == _IN_SET:
        name = parameter_of(config)
        values = parameters[name] if name else kwargs["value_set"]
        return f"{column} not in ({', '.join(sql_literal(value) for value in values)})"
    least, most = _bounds(config)
    return f"{column} not between {sql_literal(least)} and {sql_literal(most)}"


def asked_config(config: Config, is_wrong: bool) -> dict[str, Any]:
    """The configuration that Great Expectations gets.

    A compound key becomes a range of its judged column: the original expectation reads the rows twice and joins them.
    If the warehouse has found wrong rows (``is_wrong``), a range gets both bounds: one bound alone does not find NaN.
    """
    if config["type"] == _UNIQUE or (config["type"] == _BETWEEN and is_wrong):
        least, most = _bounds(config)
        kwargs = {"column": judged_column(config), "min_value": least, "max_value": most}
        return {**config, "type": _BETWEEN, "kwargs": kwargs}
    return dict(config)


def sql_literal(value: str | int | float) -> str:
    """A string or a number in SQL."""
    return json.dumps(str(value), ensure_ascii=False) if isinstance(value, str) else json.dumps(value)


def _bounds(config: Config) -> tuple[float, float]:
    if config["type"] == _UNIQUE:
        return 1, 1
    bounds = (config["kwargs"].get("min_value"), config["kwargs"].get("max_value"))
    return (-_LARGEST if bounds[0] is None else bounds[0], _LARGEST if bounds[1] is None else bounds[1])


def _range_refusal(kwargs: Config) -> str:
    bounds = [kwargs[name] for name in ("min_value", "max_value") if kwargs.get(name) is not None]
    if not bounds or not all(_is_number(one) for one in bounds) or bounds != sorted(bounds):
        return f"{_BETWEEN} needs numbers as min_value, max_value or both, the smaller one first"
    return ""


def _set_refusal(values: Any) -> str:
    if isinstance(values, Mapping):
        return "" if set(values) == {_PARAMETER} else f"{_IN_SET} has unknown keys in value_set: {sorted(values)}"
    if not values or not all(isinstance(one, str) or _is_number(one) for one in values):
        return f"{_IN_SET} needs strings or numbers in value_set; compare booleans as text"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
