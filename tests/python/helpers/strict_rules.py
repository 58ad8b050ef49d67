"""What BigQuery refuses and the embedded warehouse accepts. Pure functions; each rule names the page that says so."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from helpers.strict_sql import Act

_REST = "/(?:upload/)?bigquery/v2/projects/(?P<project>[^/]+)"
_DATASET = f"{_REST}/datasets/(?P<dataset>[^/]+)"
_TABLE = f"{_DATASET}/tables/(?P<table>[^/]+)"
# Method, path, permission, and what it is checked on. Each page of the REST reference has a section IAM Permissions,
# such as https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/insert#iam-permissions.
# datasets.list needs nothing: it lists what the account may see.
# jobs.get, jobs.getQueryResults and jobs.cancel need nothing for one's own jobs:
# https://cloud.google.com/bigquery/docs/access-control#bq-permissions (bigquery.jobs.get).
_METHODS = tuple(
    (method, re.compile(f"{path}/?$"), permission, level)
    for method, path, permission, level in (
        ("POST", f"{_REST}/datasets", "bigquery.datasets.create", "project"),
        ("GET", _DATASET, "bigquery.datasets.get", "dataset"),
        ("PATCH", _DATASET, "bigquery.datasets.update", "dataset"),
        ("PUT", _DATASET, "bigquery.datasets.update", "dataset"),
        ("DELETE", _DATASET, "bigquery.datasets.delete", "dataset"),
        ("GET", f"{_DATASET}/tables", "bigquery.tables.list", "dataset"),
        ("POST", f"{_DATASET}/tables", "bigquery.tables.create", "dataset"),
        ("GET", _TABLE, "bigquery.tables.get", "table"),
        ("PATCH", _TABLE, "bigquery.tables.update", "table"),
        ("PUT", _TABLE, "bigquery.tables.update", "table"),
        ("DELETE", _TABLE, "bigquery.tables.delete", "table"),
        ("GET", f"{_TABLE}/data", "bigquery.tables.getData", "table"),
        ("POST", f"{_TABLE}/insertAll", "bigquery.tables.updateData", "table"),
        ("POST", f"{_REST}/queries", "bigquery.jobs.create", "project"),
        ("POST", f"{_REST}/jobs", "bigquery.jobs.create", "project"),
        ("GET", f"{_REST}/jobs", "bigquery.jobs.list", "project"),
    )
)
# Permissions on the target of a statement. Reads need bigquery.tables.getData on every table and view.
# DDL: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language, under each statement.
# DML: https://cloud.google.com/bigquery/docs/access-control#bq-permissions (bigquery.tables.updateData).
_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "create table": ("create",),
    "replace table": ("create", "update", "updateData"),
    "create view": ("create",),
    "replace view": ("create", "update"),
    "drop": ("delete", "get"),
    "alter": ("get", "update"),
    "insert": ("updateData",),
    "update": ("updateData",),
    "delete": ("updateData",),
    "merge": ("updateData",),
    "truncatetable": ("updateData",),
}
# https://cloud.google.com/bigquery/docs/loading-data-local#required_permissions
_LOAD = ("create", "update", "updateData")
# https://cloud.google.com/bigquery/docs/labels-intro#requirements
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MOST_LABELS = 64
# https://cloud.google.com/bigquery/quotas#api_request_quotas: the size of a request, without uploads.
LARGEST_REQUEST = 10 * 1024 * 1024


@dataclass(frozen=True)
class Need:
    """A permission, and the resource it is checked on: ``p``, ``p.dataset`` or ``p.dataset.table``."""

    permission: str
    resource: str

    def is_granted(self, grants: Collection[tuple[str, str]]) -> bool:
        """Whether it is granted on the resource or on one above it."""
        parts = self.resource.split(".")
        # The results of a query are in a hidden dataset, whose tables the account of the job may read.
        if len(parts) > 1 and parts[1].startswith("_"):
            return True
        return any((self.permission, ".".join(parts[:length])) in grants for length in (1, 2, 3))


@dataclass(frozen=True)
class Refusal:
    """An answer of the service: https://cloud.google.com/bigquery/docs/error-messages."""

    status: int
    reason: str
    message: str

    @property
    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        one = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.status, "message": self.message, "errors": [one]}}


def method_needs(method: str, path: str) -> Iterator[Need]:
    """What a REST method needs, without what its statement does."""
    for known, pattern, permission, level in _METHODS:
        found = pattern.match(path)
        if known == method and found:
            names = {"project": 1, "dataset": 2, "table": 3}
            yield Need(permission, ".".join(found.groups()[: names[level]]))


def statement_needs(act: Act, views: Mapping[str, Collection[str]]) -> Iterator[Need]:
    """What a statement needs. ``views``: what each view reads; whoever reads a view must be able to read that, too
    (https://cloud.google.com/bigquery/docs/views#view_permissions).
    """
    for name in _STATEMENTS.get(act.kind, ()):
        # A table is created in its dataset.
        resource = act.target.rpartition(".")[0] if name == "create" else act.target
        yield Need(f"bigquery.tables.{name}", resource)
    for name in sorted(all_reads(act, views)):
        yield Need("bigquery.tables.getData", name)


def load_needs(table: str) -> Iterator[Need]:
    """What a load job into a table needs."""
    for name in _LOAD:
        yield Need(f"bigquery.tables.{name}", table.rpartition(".")[0] if name == "create" else table)


def all_reads(act: Act, views: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The tables and views that a statement reads, with those that its views read."""
    found: set[str] = set()
    waiting = list(act.reads)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += views.get(name, ())
    return frozenset(found)


def denied(need: Need, location: str | None = None) -> Refusal:
    """How the service refuses a permission. It does not tell whether the resource exists, and a query that may not read
    a table is not told the name of the permission.
    """
    parts = need.resource.split(".")
    if need.permission == "bigquery.tables.getData":
        table = f"{parts[0]}:{'.'.join(parts[1:])}"
        return Refusal(
            403,
            "accessDenied",
            f"Access Denied: Table {table}: User does not have permission to query table {table}, or perhaps it does "
            f"not exist in location {location or 'US'}.",
        )
    if len(parts) == 1:
        return Refusal(
            403,
            "accessDenied",
            f"Access Denied: Project {need.resource}: User does not have {need.permission} permission in project "
            f"{need.resource}.",
        )
    kind = "Table" if len(parts) > 2 else "Dataset"
    name = f"{parts[0]}:{'.'.join(parts[1:])}"
    return Refusal(
        403,
        "accessDenied",
        f"Access Denied: {kind} {name}: Permission {need.permission} denied on {kind.lower()} {name} "
        "(or it may not exist).",
    )


def job_refusals(configuration: Mapping[str, Any], is_query: bool) -> Iterator[Refusal]:
    """What is wrong with the settings of a job. BigQuery refuses wrong labels; trueup's own rule is that every job has
    labels, a deadline and, where it reads, a maximum of bytes.
    """
    labels = configuration.get("labels") or {}
    if len(labels) > _MOST_LABELS:
        yield Refusal(400, "invalid", f"Invalid labels: more than {_MOST_LABELS}.")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            yield Refusal(400, "invalid", f"Invalid label: {key}={value}.")
    missing = [name for name in ("app", "run_id", "step") if name not in labels]
    if missing:
        yield Refusal(400, "invalid", f"House rule: the job has no label {', '.join(missing)}.")
    if not configuration.get("jobTimeoutMs"):
        yield Refusal(400, "invalid", "House rule: the job has no jobTimeoutMs.")
    query = configuration.get("query")
    limits = query if isinstance(query, dict) else configuration
    if is_query and not limits.get("maximumBytesBilled"):
        yield Refusal(400, "invalid", "House rule: the job has no maximumBytesBilled.")


def other_columns(table: str, columns: Mapping[str, str], contract: Mapping[str, str]) -> Iterator[Refusal]:
    """A statement that declares columns must declare those of the contract of its table, in order: readers rely on it.
    BigQuery itself refuses a column list that its query does not fill
    (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_table_statement).
    """
    if list(columns.items()) != list(contract.items()):
        odd = sorted(set(columns.items()) ^ set(contract.items()))
        yield Refusal(
            400, "invalidQuery", f"House rule: {table} is created with columns of another contract: {odd[:3]}"
        )


def elsewhere(tables: Collection[str], location: str | None, locations: Mapping[str, str]) -> Iterator[Refusal]:
    """A job sees only the datasets of its location (https://cloud.google.com/bigquery/docs/locations#specify_locations).
    ``locations``: by dataset.
    """
    for table in sorted(tables):
        project, dataset = table.split(".")[:2]
        there = locations.get(dataset)
        if location and there and there.upper() != location.upper():
            yield Refusal(
                404, "notFound", f"Not found: Dataset {project}:{dataset} was not found in location {location}"
            )
