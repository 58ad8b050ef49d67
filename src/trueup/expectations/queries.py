"""The SQL of a suite: its rows, the counts of wrong rows per date, and examples of wrong rows."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from trueup.expectations.kinds import Parameters, fault_condition
from trueup.expectations.suites import Suite
from trueup.expectations.verdicts import Examined
from trueup.window import Window

# Our model of the games that do not count: preseason, All-Star.
UNCOUNTED_GAMES = "uncounted_games"
EXAMPLES = 5


def batch_query(suite: Suite, dataset: str, window: Window) -> str:
    """The rows of the checked days, with only the suite's columns. ``dataset`` is ``project.dataset``.

    The range on the partition column is literal, so that BigQuery reads only these days. The query has no per cent
    sign, because the SQL library between Great Expectations and BigQuery doubles it.
    """
    return _batch_query(suite, dataset, window.first_date, window.last_date)


def coverage_query(suites: Sequence[Suite], dataset: str, window: Window, parameters: Parameters) -> str:
    """Per suite and day: the number of rows, the examined values of each judged column, and the unexpected rows of each
    expectation.
    """
    parts = []
    for suite in suites:
        examined = ", ".join(f"count({column})" for column in _counted_columns(suite))
        unexpected = ", ".join(f"countif({fault_condition(one.config, parameters)})" for one in suite.expectations)
        parts.append(
            f"select '{suite.name}' as suite_name, game_date, count(*) as row_count, "
            f"array<int64>[{examined}] as examined_counts, array<int64>[{unexpected}] as unexpected_counts "
            f"from ({batch_query(suite, dataset, window)}) group by game_date"
        )
    return " union all ".join(parts)


def _counted_columns(suite: Suite) -> list[str]:
    return list(dict.fromkeys(one.judged_column for one in suite.expectations if not one.examines_nulls))


def examined_of(suite: Suite, row: Mapping[str, Any]) -> Examined:
    """Converts a row of ``coverage_query`` to the counts of its day."""
    row_count = row["row_count"]
    of_column = dict(zip(_counted_columns(suite), row["examined_counts"], strict=True))
    return Examined(
        row_count=row_count,
        counts=tuple(row_count if one.examines_nulls else of_column[one.judged_column] for one in suite.expectations),
        unexpected=tuple(row["unexpected_counts"]),
    )


def examples_query(suite: Suite, dataset: str, window: Window, places: Sequence[int], parameters: Parameters) -> str:
    """A few unexpected rows of each day and each expectation in ``places``, sorted by key.

    ``expectation_place``: the expectation that the row violates; ``wrong_row_count``: rows of the day that violate at
    least one expectation.
    """
    conditions = {place: fault_condition(suite.expectations[place].config, parameters) for place in places}
    marks = ", ".join(f"if({condition}, {place}, null)" for place, condition in conditions.items())
    columns = ", ".join(suite.columns)
    order = ", ".join(column for column in suite.columns if column != "game_date")
    return (
        f"select expectation_place, wrong_row_count, {columns} from ("
        # Only unexpected rows are counted and numbered: one worker has to hold all of a day.
        f"select *, [{marks}] as expectation_places, count(*) over (partition by game_date) as wrong_row_count "
        f"from ({batch_query(suite, dataset, window)}) where {' or '.join(conditions.values())}"
        ") as judged, unnest(judged.expectation_places) as expectation_place "
        "where expectation_place is not null "
        "qualify row_number() over "
        f"(partition by game_date, expectation_place order by {order}) <= {EXAMPLES}"
    )


def rows_query(suite: Suite, dataset: str, day: date, places: Sequence[int], parameters: Parameters) -> str:
    """The query of a finding: all rows of a day that violate an expectation in ``places``."""
    either = " or ".join(fault_condition(suite.expectations[place].config, parameters) for place in places)
    return f"select * from ({_batch_query(suite, dataset, day, day)}) where {either}"


def needed_dates_query(suite: Suite, dataset: str, window: Window) -> str:
    """The days on which the suite's table must have rows, because another table has such rows."""
    needed = suite.needs_rows_where
    assert needed is not None
    return (
        f"select distinct game_date from `{dataset}.{needed.table}` "
        f"where {_days(window.first_date, window.last_date)} and {needed.condition}"
    )


def uncounted_query(dataset: str, window: Window) -> str:
    """The number of games of the days that do not count, as a row of ``coverage_query``."""
    return (
        f"select '{UNCOUNTED_GAMES}' as suite_name, cast(null as date) as game_date, count(*) as row_count, "
        "array<int64>[] as examined_counts, array<int64>[] as unexpected_counts "
        f"from `{dataset}.{UNCOUNTED_GAMES}` where {_days(window.first_date, window.last_date)}"
    )


def _batch_query(suite: Suite, dataset: str, first_date: date, last_date: date) -> str:
    columns = ", ".join(f"{suite.derived[name]} as {name}" if name in suite.derived else name for name in suite.columns)
    days = _days(first_date, last_date)
    if not suite.counted_games_only:
        return f"select {columns} from `{dataset}.{suite.table}` where {days}"
    # NOT EXISTS, unlike NOT IN, handles NULL in game_id on both sides.
    return (
        f"select {columns} from `{dataset}.{suite.table}` as examined where {days} and not exists ("
        f"select 1 from `{dataset}.{UNCOUNTED_GAMES}` as uncounted where uncounted.{days} "
        "and uncounted.game_date = examined.game_date and uncounted.game_id = examined.game_id)"
    )


def _days(first_date: date, last_date: date) -> str:
    return f"game_date between date '{first_date}' and date '{last_date}'"
