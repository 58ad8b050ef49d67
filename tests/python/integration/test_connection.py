"""One target is one identity and one set of limits, for dbt, Python, Great Expectations, Firestore and Pub/Sub."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import BadRequest, Forbidden, NotFound
from google.cloud import bigquery

from helpers.connections import RUN, connection
from trueup.errors import UsageError, WarehouseError
from trueup.gateways.client import BoundedClient, TablesHiddenError
from trueup.gateways.connection import Connection, embedded_connection
from trueup.gateways.embedded import Endpoint
from trueup.gateways.limits import label, step
from trueup.gateways.refusals import explained, step_for
from trueup.gateways.warehouse import Warehouse
from trueup.runs import wiring

SERVICE_ACCOUNT = "check@company.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def key() -> dict[str, str]:
    """The contents of the key file of a service account."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "client_email": SERVICE_ACCOUNT,
        "private_key": private.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }


# ---- identity


@pytest.mark.parametrize("method", ["service-account", "service-account-json"])
def test_the_key_of_the_profile_is_the_identity_of_every_client(
    method: str, key: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.json").write_text(json.dumps(key), encoding="utf-8")
    given: dict[str, Any] = {
        "service-account": {"keyfile": str(tmp_path / "key.json")},
        "service-account-json": {"keyfile_json": key},
    }
    target = connection(method=method, **given[method])
    made: list[Any] = []
    monkeypatch.setattr("trueup.gateways.firestore.firestore.Client", _opening(made))
    monkeypatch.setattr(
        "trueup.gateways.pubsub.PublisherClient", lambda credentials: made.append(("", credentials, ""))
    )
    for emulator in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.delenv(emulator, raising=False)
    wiring.open_completions(None, target)
    wiring.open_topic(None, target, "topic")
    connections: Any = import_module("dbt.adapters.bigquery.connections")
    retry: Any = import_module("dbt.adapters.bigquery.retry")
    with target.used_by_dbt():
        of_dbt = connections.create_bigquery_client(None)
        assert retry.create_bigquery_client is connections.create_bigquery_client
    assert connections.create_bigquery_client.__module__ == "dbt.adapters.bigquery.clients"
    assert len(made) == 2
    for identity in (Warehouse(target).client._credentials, of_dbt._credentials, *(given[1] for given in made)):
        assert identity.service_account_email == SERVICE_ACCOUNT


def test_impersonation_and_the_execution_project_hold_for_python() -> None:
    target = connection(impersonate_service_account=SERVICE_ACCOUNT, execution_project="jobs", quota_project="quota")
    client = Warehouse(target).client
    assert client._credentials.service_account_email == SERVICE_ACCOUNT
    assert client.project == "jobs"
    assert client._credentials.quota_project_id == "quota"
    assert Warehouse(target).project == "company"  # the tables stay in the project of the target


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ({"method": "service-account", "keyfile": "/no/such/key.json"}, "service-account"),
        ({"method": "service-account-json", "keyfile_json": {"type": "odd"}}, "service-account-json"),
    ],
)
def test_an_unusable_key_is_named(profile: dict[str, Any], said: str) -> None:
    with pytest.raises(WarehouseError, match="no usable credentials") as raised:
        _ = Warehouse(connection(**profile)).client
    assert said in raised.value.hint


def _opening(made: list[Any]) -> Callable[..., Any]:
    """A Firestore client that records what it is given."""

    def opened(*given: Any) -> Any:
        made.append(given)
        return SimpleNamespace(collection=lambda _: None)

    return opened


def test_the_database_of_the_documents_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr("trueup.gateways.firestore.firestore.Client", _opening(made))
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    wiring.open_completions(None, connection())
    monkeypatch.setenv("TRUEUP_FIRESTORE_DATABASE", "platform")
    monkeypatch.setenv("TRUEUP_FIRESTORE_PROJECT", "elsewhere")
    wiring.open_completions(None, connection())
    assert made == [("company", None, "(default)"), ("elsewhere", None, "platform")]


# ---- limits and labels


class RecordedError(Exception):
    """The request would have been sent."""


def sent(target: Any, call: Callable[[BoundedClient], object], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The first request of a call: its arguments."""
    requests: list[dict[str, Any]] = []

    def record(**request: Any) -> None:
        requests.append(request)
        raise RecordedError

    client = target.open()
    monkeypatch.setattr(client, "_connection", SimpleNamespace(api_request=record, user_agent="", API_BASE_URL=""))
    with pytest.raises(RecordedError):
        call(client)
    return requests[0]


PROFILE = {
    "maximum_bytes_billed": 1000,
    "job_execution_timeout_seconds": 30,
    "job_creation_timeout_seconds": 7,
    "priority": "batch",
    "location": "EU",
}


def test_jobs_of_every_client_have_the_limits_and_labels_of_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    target = connection(**PROFILE)
    with step("Game days!"):
        job = sent(target, lambda one: one.query_and_wait("select 1"), monkeypatch)["data"]
    assert job["configuration"]["query"]["maximumBytesBilled"] == "1000"
    assert job["configuration"]["query"]["priority"] == "BATCH"
    assert job["configuration"]["jobTimeoutMs"] == "30000"
    assert job["configuration"]["labels"] == {"app": "trueup", "run_id": RUN, "step": "game_days_"}
    assert job["jobReference"]["location"] == "EU"
    # dbt sets its own labels and limits, which stay where they are stricter.
    job = sent(connection(), lambda one: one.query_and_wait("select 1"), monkeypatch)
    assert job["path"].endswith("/queries")  # one request, not two
    given = bigquery.QueryJobConfig(labels={"step": "games", "app": "dbt"}, maximum_bytes_billed=10)
    given.job_timeout_ms = 86_400_000
    job = sent(target, lambda one: one.query("select 1", job_config=given), monkeypatch)["data"]["configuration"]
    assert job["labels"] == {"app": "trueup", "run_id": RUN, "step": "games"}
    assert (job["query"]["maximumBytesBilled"], job["jobTimeoutMs"]) == ("10", "30000")
    assert given.labels == {"step": "games", "app": "dbt"}


CALLS: dict[str, Callable[[BoundedClient], object]] = {
    "query": lambda one: one.query("select 1"),
    "query_and_wait": lambda one: one.query_and_wait("select 1"),
    "get_table": lambda one: one.get_table("company.d.t"),
    "list_tables": lambda one: list(one.list_tables("company.d")),
    "list_datasets": lambda one: list(one.list_datasets()),
    "get_dataset": lambda one: one.get_dataset("company.d"),
    "create_dataset": lambda one: one.create_dataset("company.d"),
    "delete_table": lambda one: one.delete_table("company.d.t"),
    "get_job": lambda one: one.get_job("j", timeout=1000),
    "update_table": lambda one: one.update_table(bigquery.Table("company.d.t"), ["description"]),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_has_a_deadline(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent(connection(**PROFILE), CALLS[call], monkeypatch)["timeout"] == 7


def test_a_statement_on_the_embedded_warehouse_may_take_longer_than_dbt_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is answered when it has ended. dbt gives a request 60 seconds, and would send it again."""

    def asked(target: Connection) -> Any:
        return sent(target, lambda one: one.query("select 1", timeout=60), monkeypatch)["timeout"]

    assert asked(connection()) == 60
    assert asked(embedded_connection(Endpoint("http://127.0.0.1:1"))) >= 600


def test_nothing_needs_the_storage_api() -> None:
    from google.cloud.bigquery import dbapi

    connected: Any = dbapi.connect(connection().open())  # type: ignore[no-untyped-call]
    assert connected._bqstorage_client is None


def test_a_label_has_only_what_bigquery_allows() -> None:
    assert label("Ann@Laptop: Läuft.") == "ann_laptop__l_uft_"
    assert len(label("x" * 100)) == 63
    assert re.fullmatch(r"[a-z0-9_-]*", label("\x00\n'\"é日本"))


# ---- location


class Datasets:
    """A client that knows the locations of datasets, and records which are created."""

    def __init__(self, **locations: str) -> None:
        self.locations = locations
        self.created: list[str] = []

    def get_dataset(self, name: str) -> Any:
        dataset = name.rsplit(".", 1)[-1]
        if dataset not in self.locations:
            raise NotFound(f"Not found: Dataset {name}")  # type: ignore[no-untyped-call]
        return SimpleNamespace(location=self.locations[dataset])


SOURCES = {"company.raw", "company.analytics", "company.gone"}


@pytest.mark.parametrize(
    ("profile", "locations", "location"),
    [
        ({}, {"raw": "europe-west1", "analytics": "europe-west1"}, "europe-west1"),
        ({"location": ""}, {"raw": "EU", "analytics": "EU", "trueup": "EU"}, "EU"),
        ({"location": "eu"}, {"raw": "EU"}, "eu"),
        ({}, {"trueup": "US"}, "US"),
        ({}, {}, None),
    ],
)
def test_the_location_is_that_of_the_profile_or_of_the_sources(
    profile: dict[str, str], locations: dict[str, str], location: str | None
) -> None:
    target = connection(**profile)
    client = target.open()
    target.settle_location(cast(Any, Datasets(**locations)), SOURCES)
    assert target.location == location
    assert client.location == location  # also of a client that was opened before


@pytest.mark.parametrize(
    ("profile", "locations", "said"),
    [
        ({"location": "US"}, {"raw": "EU"}, ("the target in profiles.yml is in US", "company.raw is in EU")),
        ({}, {"raw": "EU", "analytics": "US"}, ("company.analytics is in US", "company.raw is in EU")),
        ({}, {"raw": "EU", "trueup": "US"}, ("company.raw is in EU", "company.trueup is in US")),
    ],
)
def test_locations_that_contradict_are_named_before_anything_is_created(
    profile: dict[str, str], locations: dict[str, str], said: tuple[str, str]
) -> None:
    with pytest.raises(UsageError) as raised:
        connection(**profile).settle_location(cast(Any, Datasets(**locations)), SOURCES)
    for part in said:
        assert part in raised.value.message
    assert "TRUEUP_LOCATION" in raised.value.hint


# ---- refusals


def test_a_dataset_that_exists_is_not_created(monkeypatch: pytest.MonkeyPatch) -> None:
    """datasets.insert needs bigquery.datasets.create on the project, also where the dataset exists."""
    first = sent(connection(), lambda one: one.create_dataset("company.trueup", exists_ok=True), monkeypatch)
    assert (first["method"], first["path"]) == ("GET", "/projects/company/datasets/trueup")


def test_a_dataset_whose_tables_are_hidden_is_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt takes a Forbidden for an empty dataset, and its sources would be missing."""

    def refuse(**_: Any) -> None:
        raise Forbidden("Access Denied: Permission bigquery.tables.list denied")  # type: ignore[no-untyped-call]

    client = connection().open()
    monkeypatch.setattr(client, "_connection", SimpleNamespace(api_request=refuse))
    with pytest.raises(TablesHiddenError, match=r"tables\.list"):
        list(client.list_tables("company.raw"))
    with pytest.raises(Forbidden):
        client.get_table("company.raw.t")


def test_a_job_that_has_not_begun_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt makes the id of a job before the job. After Ctrl-C, its error would hide the interrupt."""

    def refuse(**_: Any) -> None:
        raise NotFound("Not found: Job")  # type: ignore[no-untyped-call]

    client = connection().open()
    monkeypatch.setattr(client, "_connection", SimpleNamespace(api_request=refuse))
    assert client.cancel_job("j") is None


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (BadRequest("Query exceeded limit for bytes billed: 10"), "maximum_bytes_billed"),  # type: ignore[no-untyped-call]
        (TimeoutError("Operation did not complete"), "job_execution_timeout_seconds"),
    ],
)
def test_a_limit_that_is_reached_is_named(error: Exception, step: str) -> None:
    with pytest.raises(WarehouseError) as raised, explained("refused a statement"):
        raise error
    assert step in raised.value.hint


@pytest.mark.parametrize(
    ("message", "step"),
    [
        ("Access Denied: Table p:d.t: Permission bigquery.tables.getData denied on table p:d.t", "Grant the account"),
        ("Not found: Dataset p:d was not found in location US", "location"),
        ("make sure your initial account has the roles/iam.serviceAccountTokenCreator role", "TokenCreator"),
        ("Query exceeded limit for bytes billed: 1000. 20971520 or higher required.", "maximum_bytes_billed"),
        ("BigQuery does not answer: Read timed out", "network"),
        ("Syntax error: Unexpected keyword", ""),
    ],
)
def test_the_message_of_a_failed_model_has_its_next_step(message: str, step: str) -> None:
    assert step in step_for(message)
    assert bool(step) == bool(step_for(message))
