"""The limits of a target, and the labels of a run's jobs."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from dbt.adapters.bigquery.credentials import BigQueryCredentials, Priority

APP = "trueup"
# Seconds for one answer of the REST API, without job_creation_timeout_seconds in the profile. The embedded warehouse
# answers only when the whole statement has ended.
_ANSWER_SECONDS = 120.0
_EMBEDDED_ANSWER_SECONDS = 600.0
# For all attempts of one request, without job_retry_deadline_seconds.
_RETRY_SECONDS = 60.0
# For one job, without job_execution_timeout_seconds.
_JOB_SECONDS = 1800
# https://cloud.google.com/bigquery/docs/labels-intro#requirements: lower-case letters, digits, _ and -, 63 characters.
_NOT_IN_LABELS = re.compile(r"[^a-z0-9_-]")
_LONGEST_LABEL = 63
_STEP = ContextVar("step", default="query")


@dataclass(frozen=True)
class Limits:
    """What one request and one job may take. ``maximum_bytes_billed``: None if the profile sets none.
    ``is_synchronous``: a statement is answered when it has ended, so no request may be given less time.
    """

    answer_seconds: float = _ANSWER_SECONDS
    retry_seconds: float = _RETRY_SECONDS
    job_seconds: int = _JOB_SECONDS
    maximum_bytes_billed: int | None = None
    is_batch: bool = False
    has_retries: bool = True
    is_synchronous: bool = False


def limits_of(credentials: BigQueryCredentials, is_embedded: bool) -> Limits:
    """The limits that a profile sets, or the defaults."""
    answer = _EMBEDDED_ANSWER_SECONDS if is_embedded else _ANSWER_SECONDS
    return Limits(
        answer_seconds=float(credentials.job_creation_timeout_seconds or answer),
        retry_seconds=float(credentials.job_retry_deadline_seconds or _RETRY_SECONDS),
        job_seconds=int(credentials.job_execution_timeout_seconds or _JOB_SECONDS),
        maximum_bytes_billed=credentials.maximum_bytes_billed or None,
        is_batch=credentials.priority == Priority.Batch,
        # A request that failed on the loopback address fails again.
        has_retries=not is_embedded and credentials.job_retries != 0,
        is_synchronous=is_embedded,
    )


def labels_of(run_id: str) -> dict[str, str]:
    """The labels of every job of a run."""
    return {"app": APP, "run_id": label(run_id)}


def label(text: str) -> str:
    """A text as the value of a label: other characters become _."""
    return _NOT_IN_LABELS.sub("_", text.lower())[:_LONGEST_LABEL]


@contextmanager
def step(name: str) -> Iterator[None]:
    """Jobs that are sent in this context have the label ``step``."""
    token = _STEP.set(name)
    try:
        yield
    finally:
        _STEP.reset(token)


def with_step(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of one job: those of its run, and its step."""
    return {"step": label(_STEP.get()), **labels}
