"""Scenarios, replayed on this worker's embedded warehouse."""

from __future__ import annotations

from pathlib import Path

from helpers.nights import scenario_of
from helpers.support import PROJECT
from trueup.results.report import Report
from trueup.runs.check import run_check
from trueup.runs.replay import loaded
from trueup.scenario.scenario import Scenario


class Silent:
    """A listener that does nothing."""

    def start(self, what: str) -> None: ...
    def node(self, name: str, index: int, total: int) -> None: ...
    def finish(self) -> None: ...


def replay(name: str, state_dir: Path, with_tests: bool = False) -> tuple[Scenario, Report]:
    """Run a golden scenario on this worker's warehouse."""
    scenario = scenario_of(name)
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        return scenario, run_check(work, with_tests, scenario.expectations)
