"""What the warehouse counts for the suites: their rows, examined and wrong values, and examples of wrong rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from threading import Lock
from typing import Any, Protocol

from trueup.expectations.kinds import Parameters
from trueup.expectations.queries import (
    UNCOUNTED_GAMES,
    coverage_query,
    examined_of,
    examples_query,
    needed_dates_query,
    uncounted_query,
)
from trueup.expectations.suites import Suite
from trueup.expectations.verdicts import Examples, SuiteRun
from trueup.results.bytes import Bytes
from trueup.window import Window

_Row = Mapping[str, Any]


class SuiteTables(Protocol):
    """The queries of the suites."""

    @property
    def bytes_of_thread(self) -> Bytes:
        """The bytes of all queries of this thread so far."""

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of one statement."""


class SuiteCounts:
    """The counts of one run. ``relation``: ``project.dataset`` of our models. All methods raise CannotCheckError."""

    def __init__(self, tables: SuiteTables, relation: str, window: Window, parameters: Parameters) -> None:
        self._tables = tables
        self._relation = relation
        self._window = window
        self._parameters = parameters
        self._together: dict[str, list[_Row]] = {}
        self._has_uncounted: bool | None = None
        self._asking = Lock()

    def count_together(self, suites: Sequence[Suite]) -> None:
        """Count several suites with one job; ``counted`` then asks for nothing that is known."""
        if not suites:
            return
        statement = self._coverage(suites)
        if any(one.counted_games_only for one in suites):
            statement = f"{statement} union all {uncounted_query(self._relation, self._window)}"
        found: dict[str, list[_Row]] = {one.name: [] for one in suites}
        for row in self._tables.query(statement):
            if row["suite_name"] == UNCOUNTED_GAMES:
                self._has_uncounted = bool(row["row_count"])
            else:
                found[row["suite_name"]].append(row)
        self._together.update(found)

    def counted(self, run: SuiteRun) -> SuiteRun:
        """The run with its counts, examples of wrong rows, and the days that must have rows."""
        suite = self._without_idle_filter(run.suite)
        together = self._together.pop(suite.name, None)
        rows = self._tables.query(self._coverage([suite])) if together is None else together
        examined = {row["game_date"]: examined_of(suite, row) for row in rows}
        counted = replace(run, suite=suite, examined=examined)
        return replace(
            counted,
            examples=self._examples(suite, counted.wrong_places) if counted.wrong_places else {},
            needed_dates=self._needed_dates(suite, frozenset(examined)),
        )

    def _coverage(self, suites: Sequence[Suite]) -> str:
        return coverage_query(suites, self._relation, self._window, self._parameters)

    def _without_idle_filter(self, suite: Suite) -> Suite:
        """The suite without its filter if every game counts, as on most days."""
        if not suite.counted_games_only:
            return suite
        with self._asking:
            if self._has_uncounted is None:
                (found,) = self._tables.query(uncounted_query(self._relation, self._window))
                self._has_uncounted = bool(found["row_count"])
        return replace(suite, counted_games_only=self._has_uncounted)

    def _examples(self, suite: Suite, places: Sequence[int]) -> dict[date, Examples]:
        query = examples_query(suite, self._relation, self._window, places, self._parameters)
        return _grouped(self._tables.query(query))

    def _needed_dates(self, suite: Suite, seen: frozenset[date]) -> frozenset[date]:
        window = self._window
        if suite.needs_rows_each_date or suite.needs_rows_where is None or seen.issuperset(window.dates):
            return frozenset(window.dates) if suite.needs_rows_each_date else frozenset()
        rows = self._tables.query(needed_dates_query(suite, self._relation, window))
        return frozenset(row["game_date"] for row in rows)


def _grouped(rows: Iterable[_Row]) -> dict[date, Examples]:
    """The rows of ``examples_query``, by date and place of the expectation."""
    found: dict[date, dict[int, list[_Row]]] = {}
    counts: dict[date, int] = {}
    for row in rows:
        found.setdefault(row["game_date"], {}).setdefault(row["expectation_place"], []).append(row)
        counts[row["game_date"]] = row["wrong_row_count"]
    return {
        day: Examples(counts[day], {place: tuple(some) for place, some in places.items()})
        for day, places in found.items()
    }
