"""Replays scenarios on an embedded warehouse: load, run the check, compare with the expected findings."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trueup.expectations.verdicts import DATA_DOCS
from trueup.gateways.embedded import EmbeddedWarehouse, published, published_endpoint
from trueup.reporting.json_form import plain_findings
from trueup.results.reference import load_reference
from trueup.results.report import Report
from trueup.runs.check import run_check
from trueup.runs.loading import fill, refuse_unknown_vars
from trueup.runs.replayed import Replay
from trueup.runs.timeline import timeline
from trueup.runs.wiring import open_workplace
from trueup.runs.workplace import Listener, Workplace
from trueup.scenario.scenario import Scenario, compare, load_scenario
from trueup.schemas import read_table_schemas
from trueup.settings import Settings
from trueup.temporary import temporary_folder
from trueup.window import Window

# Each has some 300 MB.
_MOST_WAREHOUSES = 4


def replay_all(
    folders: Sequence[Path],
    project_dir: Path,
    state_dir: Path,
    listener: Listener,
    warehouse: EmbeddedWarehouse,
    with_tests: bool = False,
    data_docs: Path | None = None,
    with_timeline: bool = False,
    checked: Callable[[Report], None] | None = None,
) -> Iterator[Replay]:
    """Replay scenarios one after the other. All scenarios are read first: if one is invalid, none runs.

    ``data_docs``: the folder for Data Docs; by default they are deleted with the scenario. ``with_timeline``: also make
    the pulses of each scenario, after ``checked`` got its report.
    """
    schemas = read_table_schemas(project_dir / "models")
    rules = frozenset(load_reference(project_dir / "seeds").rules)
    scenarios = [load_scenario(folder, schemas, rules) for folder in folders]
    for scenario in scenarios:
        refuse_unknown_vars(scenario, project_dir)
    with published(warehouse), ExitStack() as started:
        # They start while the check runs.
        more = [started.enter_context(EmbeddedWarehouse()) for _ in range(_at_once() if with_timeline else 0)]
        for scenario in scenarios:
            listener.start(f"Loading {scenario.name}: {scenario.title}")
            with loaded(scenario, project_dir, state_dir, listener, data_docs) as work:
                report = run_check(work, with_tests, scenario.expectations)
                if checked:
                    checked(report)
                endpoints = [one.endpoint for one in more]
                told = tuple(timeline(work, scenario, endpoints)) if with_timeline else None
            yield Replay(scenario, report, compare(scenario.expect, plain_findings(report.findings)), told)


def _at_once() -> int:
    """How many warehouses share the pulses: one for each processor."""
    return min(_MOST_WAREHOUSES, os.cpu_count() or 1)


@contextmanager
def loaded(
    scenario: Scenario, project_dir: Path, state_dir: Path, listener: Listener, data_docs: Path | None = None
) -> Iterator[Workplace]:
    """A run on the scenario's tables and documents, which replace everything in the embedded warehouse."""
    with temporary_folder() as folder:
        documents = folder / "completions.db"
        settings = Settings(
            project_dir=project_dir,
            state_dir=state_dir,
            target="local",
            window=Window(scenario.first_date, scenario.last_date, scenario.as_of),
            completions=documents,
            variables=dict(scenario.vars),
            seeds=scenario.seeds,
            scenario=scenario.folder,
        )
        fill(scenario, project_dir, published_endpoint(), documents)
        with open_workplace(settings, listener, data_docs or folder / DATA_DOCS) as work:
            yield work
