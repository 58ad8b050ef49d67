"""The environment of a command that runs with an embedded warehouse."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trueup.gateways.connection import embedded_connection
from trueup.gateways.dbt import example_profiles
from trueup.gateways.embedded import embedded_endpoint
from trueup.gateways.warehouse import Warehouse
from trueup.runs.loading import fill, refuse_unknown_vars
from trueup.runs.wiring import create_sources
from trueup.runs.workplace import Listener
from trueup.scenario.scenario import load_scenario
from trueup.schemas import read_table_schemas
from trueup.settings import COMPLETIONS_VARIABLE, IN_FIRESTORE, SCENARIO_VARIABLE, VARS_VARIABLE
from trueup.temporary import temporary_folder
from trueup.window import Window, window_vars


@contextmanager
def session_environment(
    folder: Path | None, project_dir: Path, state_dir: Path, listener: Listener
) -> Iterator[dict[str, str]]:
    """Environment variables of a command that runs with an embedded warehouse.

    With a scenario, its data are loaded, TRUEUP_SCENARIO is its folder and TRUEUP_VARS holds the vars of its window.
    Otherwise the source tables are empty.
    """
    listener.start("Starting the embedded warehouse")
    schemas = read_table_schemas(project_dir / "models")
    with embedded_endpoint() as endpoint, temporary_folder() as temporary:
        documents = temporary / "completions.db"
        # The documents of a scenario are in the file.
        is_in_firestore = folder is None and os.environ.get(COMPLETIONS_VARIABLE) == IN_FIRESTORE
        # A shell in a shell does not have the scenario of the outer one.
        environment = {
            **endpoint.environment,
            COMPLETIONS_VARIABLE: IN_FIRESTORE if is_in_firestore else str(documents),
            SCENARIO_VARIABLE: "",
            VARS_VARIABLE: "",
        }
        if folder is None:
            with Warehouse(embedded_connection(endpoint)) as warehouse:
                create_sources(warehouse, schemas)
        else:
            listener.start(f"Loading {folder.name}")
            scenario = load_scenario(folder, schemas)
            refuse_unknown_vars(scenario, project_dir)
            fill(scenario, project_dir, endpoint, documents)
            window = Window(scenario.first_date, scenario.last_date, scenario.as_of)
            environment[SCENARIO_VARIABLE] = str(folder.absolute())
            environment[VARS_VARIABLE] = json.dumps(window_vars(window, scenario.vars))
        environment["DBT_PROFILES_DIR"] = str(example_profiles(project_dir, state_dir))
        # Use trueup's own dbt, even if its virtual environment is not activated.
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        yield environment
