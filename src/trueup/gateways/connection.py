"""How a run reaches Google: the identity, the limits and the location of one target, for dbt, Python, Great
Expectations, Firestore and Pub/Sub.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from dbt.adapters.bigquery.credentials import (
    BigQueryConnectionMethod,
    BigQueryCredentials,
    create_google_credentials,
)
from dbt_common.exceptions import DbtBaseException
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import NotFound
from google.auth.exceptions import GoogleAuthError

from trueup.errors import UsageError, WarehouseError
from trueup.gateways.client import BoundedClient, EmbeddedClient
from trueup.gateways.embedded import PROJECT, Endpoint
from trueup.gateways.limits import Limits, limits_of
from trueup.gateways.refusals import explained, first_line, login_step

# The modules of dbt that open clients, each with a name of its own for this function.
_DBT_MODULES = ("dbt.adapters.bigquery.connections", "dbt.adapters.bigquery.retry")
_DBT_OPENS = "create_bigquery_client"


class Connection:
    """One target. ``credentials``: dbt's own, from the profile; ``labels``: of every job of the run."""

    def __init__(self, credentials: BigQueryCredentials, labels: Mapping[str, str] | None = None) -> None:
        self.project = str(credentials.database)
        self.dataset = str(credentials.schema)
        url = credentials.api_endpoint
        self.endpoint = Endpoint(url, credentials.token or "") if url else None
        self.labels: Mapping[str, str] = dict(labels or {})
        self.lost = ""
        self._credentials = credentials
        self._found_location: str | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether this is the embedded warehouse, not BigQuery."""
        return self.endpoint is not None and self.endpoint.is_loopback

    @property
    def limits(self) -> Limits:
        """The limits of the profile."""
        return limits_of(self._credentials, self.is_embedded)

    @property
    def location(self) -> str | None:
        """That of the profile, else the one that settle_location found; None before that."""
        return self._credentials.location or self._found_location

    def open(self) -> BoundedClient:
        """A new client. Raises WarehouseError if the credentials cannot be used."""
        given, kind = self._credentials, EmbeddedClient if self.is_embedded else BoundedClient
        return kind(
            self,
            project=given.execution_project or self.project,
            credentials=self.google_credentials(),
            client_options=ClientOptions(quota_project_id=given.quota_project, api_endpoint=given.api_endpoint),
        )

    def google_credentials(self) -> Any:
        """The identity of the profile, as dbt makes it. Raises WarehouseError if it cannot be used."""
        try:
            return create_google_credentials(self._credentials)
        except (GoogleAuthError, DbtBaseException, OSError, ValueError, TypeError) as error:
            raise WarehouseError(
                f"BigQuery: no usable credentials: {first_line(error)}", login_step(str(self._credentials.method))
            ) from error

    @contextmanager
    def used_by_dbt(self) -> Iterator[None]:
        """In this context dbt opens its clients here."""

        def opened(_: BigQueryCredentials) -> BoundedClient:
            return self.open()

        modules = [import_module(name) for name in _DBT_MODULES]
        before = [getattr(module, _DBT_OPENS) for module in modules]
        for module in modules:
            setattr(module, _DBT_OPENS, opened)
        try:
            yield
        finally:
            for module, own in zip(modules, before, strict=True):
                setattr(module, _DBT_OPENS, own)

    def settle_location(self, client: BoundedClient, sources: Collection[str]) -> None:
        """Find the location of all jobs, before anything is created: that of the profile, else of the sources, else of
        trueup's own dataset. ``sources``: datasets as ``project.dataset``. Raises UsageError if they contradict.
        """
        own = f"{self.project}.{self.dataset}"
        found = {f"the dataset {name}": _location_of(client, name) for name in [*sorted({*sources} - {own}), own]}
        known = {"the target in profiles.yml": self._credentials.location or None, **found}
        places = [(name, location) for name, location in known.items() if location]
        for name, location in places[1:]:
            first_name, first = places[0]
            if location.upper() != first.upper():
                raise UsageError(
                    f"One query cannot read two locations: {first_name} is in {first}, but {name} is in {location}.",
                    "Set TRUEUP_LOCATION (location in profiles.yml) to that of the sources, and use a dataset there.",
                )
        self._found_location = places[0][1] if places else None


def embedded_connection(endpoint: Endpoint, dataset: str = "trueup", project: str = PROJECT) -> Connection:
    """A connection to an embedded warehouse without a profile."""
    credentials = BigQueryCredentials(
        method=BigQueryConnectionMethod.OAUTH_SECRETS,
        token=endpoint.token,
        database=project,
        execution_project=project,
        schema=dataset,
        location="US",
        api_endpoint=endpoint.url,
    )
    return Connection(credentials)


def _location_of(client: BoundedClient, dataset: str) -> str | None:
    """The location of a dataset; None if it does not exist."""
    with explained(f"cannot look up the dataset {dataset}"):
        try:
            return str(client.get_dataset(dataset).location)
        except NotFound:
            return None
