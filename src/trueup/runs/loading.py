"""Loads scenarios into an embedded warehouse and a SQLite store."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from trueup.completion.encoding import decode_document
from trueup.completion.lease import LEASES
from trueup.completion.store import DOCUMENTS
from trueup.errors import ScenarioError
from trueup.gateways.connection import embedded_connection
from trueup.gateways.embedded import Endpoint
from trueup.gateways.sqlite_completions import SqliteCompletions
from trueup.gateways.warehouse import Warehouse
from trueup.runs.wiring import create_sources
from trueup.scenario.moments import is_version
from trueup.scenario.scenario import Scenario
from trueup.schemas import read_table_schemas
from trueup.settings import project_variables

DATASET = "trueup"


def refuse_unknown_vars(scenario: Scenario, project_dir: Path) -> None:
    """Raise ScenarioError for an unknown var, which would have no effect."""
    known = project_variables(project_dir)
    if unknown := sorted(scenario.vars.keys() - known.keys()):
        raise ScenarioError(
            f"{scenario.name}: unknown vars: {', '.join(unknown)}.", f"dbt_project.yml has {', '.join(sorted(known))}."
        )


def fill(scenario: Scenario, project_dir: Path, endpoint: Endpoint, documents: Path) -> None:
    """Empty the warehouse, create the sources and load the rows; write the documents into a SQLite file."""
    schemas = read_table_schemas(project_dir / "models")
    with Warehouse(embedded_connection(endpoint)) as warehouse:
        for dataset in {schema.dataset for schema in schemas.values()} | {DATASET}:
            warehouse.drop_dataset(dataset)
        create_sources(warehouse, schemas, scenario.optional)
        for name, rows in scenario.tables.items():
            dataset, table = name.split(".")
            warehouse.load(dataset, table, rows)
    write_documents(scenario.name, scenario.documents, documents)


def write_documents(scenario: str, documents: Mapping[str, Mapping[str, Any]], file: Path) -> None:
    """Write the documents of a scenario, as JSON by collection and id, into a SQLite file; no earlier versions."""
    for collection in (DOCUMENTS, LEASES):
        with closing(SqliteCompletions(file, collection)) as store:
            for document_id, raw in documents.get(collection, {}).items():
                if not is_version(document_id):
                    store.replace(document_id, decode_document(raw, f"{scenario}: {document_id}"))
