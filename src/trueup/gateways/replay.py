"""Scenarios on a fresh embedded warehouse: load one, run the day, compare with what it expects."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from trueup.check import run_check
from trueup.completions import DOCUMENTS, decode_document
from trueup.errors import ScenarioError
from trueup.expectations.validator import DATA_DOCS
from trueup.gateways.embedded import ENDPOINT_VARIABLE, PROJECT, EmbeddedWarehouse, embedded_endpoint, published
from trueup.gateways.sqlite_completions import SqliteCompletions
from trueup.gateways.warehouse import Warehouse
from trueup.gateways.workplace import create_sources, open_workplace
from trueup.reference import load_reference
from trueup.replays import Replay
from trueup.scenarios import Scenario, compare, load_scenario
from trueup.schemas import read_table_schemas
from trueup.settings import COMPLETIONS_VARIABLE, Settings, Window, project_variables, window_vars
from trueup.workplace import Listener, Workplace

DATASET = "trueup"


def replay_all(
    folders: Sequence[Path],
    project_dir: Path,
    state_dir: Path,
    listener: Listener,
    warehouse: EmbeddedWarehouse,
    with_tests: bool = False,
    data_docs: Path | None = None,
) -> Iterator[Replay]:
    """Replay scenarios one after the other in an embedded warehouse. All are read first: a broken one stops before
    any runs.

    ``data_docs``: the folder of Great Expectations' pages; without one they go when the scenario does.
    """
    schemas = read_table_schemas(project_dir / "models")
    rules = frozenset(load_reference(project_dir / "seeds").rules)
    scenarios = [load_scenario(folder, schemas, rules) for folder in folders]
    for scenario in scenarios:
        _refuse_unknown_vars(scenario, project_dir)
    if any(scenario.expectations for scenario in scenarios):
        # Its import takes seconds, in which the warehouse starts and is filled.
        Thread(target=import_module, args=["trueup.gateways.expectations"], daemon=True).start()
    with published(warehouse):
        for scenario in scenarios:
            listener.start(f"Loading {scenario.name}: {scenario.title}")
            with loaded(scenario, project_dir, state_dir, listener, data_docs) as work:
                report = run_check(work, with_tests, scenario.expectations)
            findings = [asdict(finding) for finding in report.findings]
            yield Replay(scenario, report, compare(scenario.expect, findings))


def _refuse_unknown_vars(scenario: Scenario, project_dir: Path) -> None:
    """A var that the project does not have changes nothing: raise ScenarioError."""
    known = project_variables(project_dir)
    if unknown := sorted(scenario.vars.keys() - known.keys()):
        raise ScenarioError(
            f"{scenario.name}: vars sets {', '.join(unknown)}, which dbt_project.yml does not have.",
            f"Known are {', '.join(sorted(known))}.",
        )


@contextmanager
def loaded(
    scenario: Scenario, project_dir: Path, state_dir: Path, listener: Listener, data_docs: Path | None = None
) -> Iterator[Workplace]:
    """A scenario's tables and documents in the running embedded warehouse, in place of what was there."""
    with TemporaryDirectory(prefix="trueup-") as folder:
        documents = Path(folder) / "completions.db"
        settings = Settings(
            project_dir=project_dir,
            state_dir=state_dir,
            target="local",
            window=Window(scenario.first_date, scenario.last_date, scenario.as_of),
            completions=documents,
            variables=dict(scenario.vars),
            seeds=scenario.seeds,
        )
        with Warehouse(PROJECT, DATASET, "US", os.environ[ENDPOINT_VARIABLE]) as warehouse:
            fill_warehouse(warehouse, scenario, project_dir)
        fill_documents(documents, scenario)
        with open_workplace(settings, listener, data_docs or Path(folder) / DATA_DOCS) as work:
            yield work


def fill_warehouse(warehouse: Warehouse, scenario: Scenario, project_dir: Path) -> None:
    """Empty the warehouse, then create the sources and load the scenario's rows."""
    schemas = read_table_schemas(project_dir / "models")
    for dataset in {schema.dataset for schema in schemas.values()} | {DATASET}:
        warehouse.drop_dataset(dataset)
    create_sources(warehouse, schemas, scenario.optional)
    for name, rows in scenario.tables.items():
        dataset, table = name.split(".")
        warehouse.load(dataset, table, rows)


def fill_documents(file: Path, scenario: Scenario) -> None:
    """Write the scenario's completion documents into a SQLite store."""
    store = SqliteCompletions(file)
    try:
        for document_id, raw in scenario.documents.get(DOCUMENTS, {}).items():
            store.replace(document_id, decode_document(raw, f"{scenario.name}: {document_id}"))
    finally:
        store.close()


@contextmanager
def session_environment(
    folder: Path | None, project_dir: Path, state_dir: Path, listener: Listener
) -> Iterator[dict[str, str]]:
    """Environment variables of a command that runs beside an embedded warehouse.

    With a scenario its data are there, and TRUEUP_VARS holds the vars of its window; without one the
    source tables are there and empty.
    """
    listener.start("Starting the embedded warehouse")
    schemas = read_table_schemas(project_dir / "models")
    with embedded_endpoint() as endpoint, TemporaryDirectory(prefix="trueup-") as temporary:
        documents = Path(temporary) / "completions.db"
        environment = {ENDPOINT_VARIABLE: endpoint, COMPLETIONS_VARIABLE: str(documents)}
        with Warehouse(PROJECT, DATASET, "US", endpoint) as warehouse:
            if folder is None:
                create_sources(warehouse, schemas)
            else:
                listener.start(f"Loading {folder.name}")
                scenario = load_scenario(folder, schemas)
                _refuse_unknown_vars(scenario, project_dir)
                fill_warehouse(warehouse, scenario, project_dir)
                fill_documents(documents, scenario)
                window = Window(scenario.first_date, scenario.last_date, scenario.as_of)
                environment["TRUEUP_VARS"] = json.dumps(window_vars(window, scenario.vars))
        profiles = state_dir / "profiles"
        profiles.mkdir(parents=True, exist_ok=True)
        shutil.copy(project_dir / "profiles.example.yml", profiles / "profiles.yml")
        environment["DBT_PROFILES_DIR"] = str(profiles)
        # The dbt that came with trueup, also where its virtual environment is not activated.
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        yield environment
