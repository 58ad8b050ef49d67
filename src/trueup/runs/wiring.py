"""Connects a run to its warehouse, documents and dbt project, and alerts to their state and the network."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from trueup.completion.claim import CLAIMS
from trueup.completion.start import Phase4Topic
from trueup.completion.store import DOCUMENTS, CompletionStore
from trueup.expectations.verdicts import DATA_DOCS, Validator
from trueup.gateways.connection import Connection, embedded_connection
from trueup.gateways.dbt import DbtProject
from trueup.gateways.embedded import ENDPOINT_VARIABLE, Endpoint, embedded_endpoint
from trueup.gateways.warehouse import Warehouse
from trueup.gateways.webhook import WebhookPoster
from trueup.reporting.alerts.channels import ALERT_STATE_VARIABLE, AlertSettings
from trueup.reporting.alerts.sender import Courier
from trueup.reporting.alerts.state import ALERTS
from trueup.runs.seeds import checked_reference
from trueup.runs.variables import check_variables
from trueup.runs.workplace import Listener, RepairStores, Workplace
from trueup.schemas import TableSchema, read_table_schemas
from trueup.settings import COMPLETIONS_VARIABLE, IN_FIRESTORE, Settings

_DATABASE_VARIABLE = "TRUEUP_FIRESTORE_DATABASE"
_DEFAULT_DATABASE = "(default)"


@contextmanager
def open_workplace(settings: Settings, listener: Listener, data_docs: Path | None = None) -> Iterator[Workplace]:
    """Everything a run needs. ``data_docs``: the folder for Data Docs (default: next to the report). An embedded target
    starts its own warehouse, unless TRUEUP_BIGQUERY_ENDPOINT names a running one.
    """
    check_variables(settings)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        dbt = DbtProject(settings.project_dir, settings.state_dir, settings.target, settings.dbt_vars)
        connection = dbt.connection()
        settings = settings.on(connection.is_embedded)
        if connection.is_embedded and not os.environ.get(ENDPOINT_VARIABLE):
            listener.start("Starting the embedded warehouse")
            stack.enter_context(embedded_endpoint())
            listener.finish()
            connection = dbt.connection()
        stack.enter_context(connection.used_by_dbt())
        warehouse = Warehouse(connection)
        stack.callback(warehouse.close)

        def validator() -> Validator:
            # This import takes three seconds; other commands skip it.
            from trueup.gateways.expectations import GreatExpectations

            return GreatExpectations(warehouse, data_docs or settings.state_dir / DATA_DOCS, settings.window.as_of)

        yield Workplace(
            settings=settings,
            project=connection.project,
            dataset=connection.dataset,
            dbt=dbt,
            tables=warehouse,
            schemas=read_table_schemas(settings.project_dir / "models"),
            reference=checked_reference(settings.project_dir / "seeds", settings.seeds),
            completions=lambda collection: closing(open_completions(settings.completions, connection, collection)),
            repair_stores=lambda: _open_repair_stores(settings, connection),
            validator=validator,
            listener=listener,
        )


@contextmanager
def elsewhere(work: Workplace, endpoint: Endpoint, completions: Path) -> Iterator[Workplace]:
    """The same run on the tables of another embedded warehouse and the documents of a file. dbt stays where it is."""
    connection = embedded_connection(endpoint)
    with Warehouse(connection) as warehouse:
        yield replace(
            work,
            settings=replace(work.settings, completions=completions),
            tables=warehouse,
            completions=lambda collection: closing(open_completions(completions, connection, collection)),
        )


@contextmanager
def _open_repair_stores(settings: Settings, connection: Connection) -> Iterator[RepairStores]:
    file = settings.completions
    with (
        closing(open_completions(file, connection, DOCUMENTS)) as documents,
        closing(open_completions(file, connection, CLAIMS)) as claims,
        closing(open_topic(file, connection, settings.variable("phase4_topic"))) as topic,
    ):
        yield RepairStores(documents, claims, topic)


def open_completions(file: Path | None, connection: Connection, collection: str = DOCUMENTS) -> CompletionStore:
    """A collection of documents: in the SQLite file, else in Firestore."""
    # Each import takes a second; import only the one in use.
    if file is not None:
        return _open_file(file, collection, COMPLETIONS_VARIABLE)
    from trueup.gateways.firestore import FirestoreCompletions

    return FirestoreCompletions(
        _documents_project(connection),
        collection,
        os.environ.get(_DATABASE_VARIABLE) or _DEFAULT_DATABASE,
        credentials=_identity(connection, "FIRESTORE_EMULATOR_HOST"),
    )


def _open_file(file: Path, collection: str, variable: str) -> CompletionStore:
    from trueup.gateways.sqlite_completions import SqliteCompletions

    return SqliteCompletions(file, collection, variable)


def open_topic(file: Path | None, connection: Connection, topic: str) -> Phase4Topic:
    """The topic that starts phase 4: in the SQLite file, else in Pub/Sub."""
    if file is not None:
        from trueup.gateways.sqlite_topic import SqliteTopic

        return SqliteTopic(file, topic)
    from trueup.gateways.pubsub import PubSubTopic

    return PubSubTopic(_documents_project(connection), topic, _identity(connection, "PUBSUB_EMULATOR_HOST"))


def _documents_project(connection: Connection) -> str:
    """The project of the platform's documents; default is the project that trueup writes to."""
    return os.environ.get("TRUEUP_FIRESTORE_PROJECT") or connection.project


def _identity(connection: Connection, emulator: str) -> Any:
    """The credentials of the target; None for an emulator of Google's, which needs none."""
    return None if os.environ.get(emulator) else connection.google_credentials()


def create_sources(
    warehouse: Warehouse, schemas: dict[str, TableSchema], missing: frozenset[str] = frozenset()
) -> None:
    """Create every declared source table, empty, except ``missing`` ones."""
    for name, schema in schemas.items():
        if not schema.is_own and name not in missing:
            warehouse.create_table(schema, schema.dataset)


def open_courier(settings: AlertSettings, project_dir: Path, target: str, owner: str) -> Courier:
    """Everything that a delivery of alerts needs. ``owner`` is unique to this run."""
    return Courier(state_opener(settings, project_dir, target), WebhookPoster(), owner)


def state_opener(settings: AlertSettings, project_dir: Path, target: str) -> Callable[[], CompletionStore]:
    """Returns a function that opens the state of sent alerts: a SQLite file, or Firestore. See AlertSettings."""

    def opened() -> CompletionStore:
        if settings.state not in ("", IN_FIRESTORE):
            return _open_file(Path(settings.state), ALERTS, ALERT_STATE_VARIABLE)
        # Only dbt knows the project of the target.
        place = DbtProject(project_dir, project_dir / ".trueup", target, {}).connection()
        file = state_file(settings, project_dir, place.is_embedded)
        return _open_file(file, ALERTS, ALERT_STATE_VARIABLE) if file else open_completions(None, place, ALERTS)

    return opened


def state_file(settings: AlertSettings, project_dir: Path, is_embedded: bool) -> Path | None:
    """The file with the state of sent alerts; None if it is in Firestore."""
    if settings.state not in ("", IN_FIRESTORE):
        return Path(settings.state)
    return project_dir / ".trueup" / "alerts.db" if is_embedded and settings.state != IN_FIRESTORE else None
