"""Scenarios, replayed on this worker's embedded warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from helpers.nights import scenario_of
from helpers.support import PROJECT
from trueup.gateways.warehouse import Warehouse
from trueup.results.report import Report
from trueup.runs.check import run_check
from trueup.runs.replay import loaded
from trueup.scenario.scenario import Scenario


class Silent:
    """A listener that does nothing."""

    def start(self, what: str) -> None: ...
    def node(self, name: str, index: int, total: int) -> None: ...
    def finish(self) -> None: ...


def sent_by(warehouse: Warehouse, do: Callable[[], object]) -> list[tuple[str, Any]]:
    """The queries that are sent meanwhile, each with its configuration."""
    client, sent = warehouse.client, []

    def record(query: str, *arguments: Any, **options: Any) -> Any:
        sent.append((query, options.get("job_config")))
        return type(client).query_and_wait(client, query, *arguments, **options)

    client.query_and_wait = record  # type: ignore[method-assign]
    try:
        do()
    finally:
        del client.query_and_wait
    return sent


def plain_scenario(
    name: str, days: tuple[date, date], as_of: datetime, tables: Mapping[str, Iterable[dict[str, Any]]], **more: Any
) -> Scenario:
    """A scenario of these tables and nothing else."""
    return Scenario(
        name, name, as_of, *days, vars={}, expect=(), optional=frozenset(),
        **{"documents": {}, "seeds": None, **more}, tables={table: tuple(rows) for table, rows in tables.items()},
    )  # fmt: skip


def replay(name: str, state_dir: Path, with_tests: bool = False) -> tuple[Scenario, Report]:
    """Run a golden scenario on this worker's warehouse."""
    scenario = scenario_of(name)
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        return scenario, run_check(work, with_tests, scenario.expectations)
