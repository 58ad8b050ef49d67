"""Connections to BigQuery without a profile file."""

from __future__ import annotations

from typing import Any

from dbt.adapters.bigquery.credentials import BigQueryConnectionMethod, BigQueryCredentials

from trueup.gateways.connection import Connection
from trueup.gateways.limits import labels_of

RUN = "run-1"


def connection(**profile: Any) -> Connection:
    """A connection with these settings of a profile. Default: BigQuery, with a token as the identity."""
    given: dict[str, Any] = {"database": "company", "schema": "trueup", "token": "t", **profile}
    given["method"] = BigQueryConnectionMethod(given.get("method", "oauth-secrets"))
    given.setdefault("execution_project", given["database"])
    return Connection(BigQueryCredentials(**given), labels_of(RUN))
