"""The SQL of a suite: which rows are examined, how many there were, and which of them a person should look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from trueup.expectations.suites import Suite
from trueup.settings import Window

_SHOWN_ROWS = 50


def batch_query(suite: Suite, dataset: str, window: Window) -> str:
    """The rows of the checked days, only the columns that the suite reads. ``dataset`` is ``project.dataset``.

    A literal range on the partition column, so that BigQuery reads these days and no more; no per cent sign,
    which the SQL library between Great Expectations and BigQuery doubles.
    """
    return (
        f"select {_columns(suite)} from `{dataset}.{suite.table}` "
        f"where game_date between date '{window.first_date}' and date '{window.last_date}'"
    )


def coverage_query(suite: Suite, dataset: str, window: Window) -> str:
    """Per day how many rows there were, and how many of them each expectation could examine."""
    counts = ", ".join(
        f"countif({_is_examined(one.columns, one.examines_nulls)}) as examined_{index}"
        for index, one in enumerate(suite.expectations)
    )
    return (
        f"select game_date, count(*) as row_count, {counts} "
        f"from ({batch_query(suite, dataset, window)}) group by game_date"
    )


def rows_query(suite: Suite, dataset: str, day: date, rows: Iterable[Mapping[str, Any]]) -> str:
    """The query of a finding: the rows of a day that are not as expected, by their keys."""
    wanted = sorted({tuple(row.get(key) for key in suite.keys) for row in rows}, key=str)[:_SHOWN_ROWS]
    either = " or ".join(
        "(" + " and ".join(_equals(key, value) for key, value in zip(suite.keys, values, strict=True)) + ")"
        for values in wanted
    )
    return (
        f"select {_columns(suite)} from `{dataset}.{suite.table}` "
        f"where game_date = date '{day}' and ({either or 'true'})"
    )


def _columns(suite: Suite) -> str:
    return ", ".join(f"{suite.derived[name]} as {name}" if name in suite.derived else name for name in suite.columns)


def _is_examined(columns: Iterable[str], examines_nulls: bool) -> str:
    return "true" if examines_nulls else " and ".join(f"{column} is not null" for column in columns)


def _equals(column: str, value: Any) -> str:
    if value is None:
        return f"{column} is null"
    if isinstance(value, bool | int | float):
        return f"{column} = {json.dumps(value)}"
    return f"cast({column} as string) = {json.dumps(str(value), ensure_ascii=False)}"
