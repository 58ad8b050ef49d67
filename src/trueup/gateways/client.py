"""Google's BigQuery client within the limits of a target. dbt, Python and Great Expectations use the same.

By default, Google's client waits for an answer without a limit and retries for ten minutes, and dbt and SQLAlchemy do
not limit it either: a lost network would stop a run for good.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any, Protocol

from google.api_core.exceptions import BadRequest, Forbidden, GoogleAPIError, NotFound, RetryError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import RequestException, Timeout

from trueup.gateways.limits import Limits, with_step
from trueup.gateways.meter import Meter
from trueup.results.bytes import Bytes

_UPLOAD_RETRIES = 1
# In a query whose columns are wanted, and not its rows: see the macro bigquery__get_assert_columns_equivalent.
_COLUMNS_ONLY = "/* columns only */"


class LineLostError(GoogleAPIError):
    """BigQuery did not answer. All later requests of the run fail at once, so that the run ends."""


class TablesHiddenError(GoogleAPIError):
    """The tables of a dataset may not be listed. dbt ignores a Forbidden there and takes them for missing ones."""


class Line(Protocol):
    """What the clients of one run share."""

    @property
    def limits(self) -> Limits:
        """The limits of the target."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of all jobs."""

    @property
    def location(self) -> str | None:
        """The location of all jobs; None if it is not known."""

    lost: str


# More threads than its pool has connections only means new connections: that is no warning for users.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


class BoundedClient(bigquery.Client):
    """A client that ends every call, labels every job, and counts the bytes of its queries."""

    def __init__(self, line: Line, **options: Any) -> None:
        super().__init__(**options)
        self._line = line
        self.meter = Meter()

    @property
    def location(self) -> str | None:
        """The location of the line, which may be known only after the client was opened."""
        return self._line.location

    def query(self, query: str, job_config: Any = None, *arguments: Any, **options: Any) -> Any:
        config = self._limited(job_config, bigquery.QueryJobConfig)
        config.dry_run = config.dry_run or _COLUMNS_ONLY in query
        return super().query(query, config, *arguments, **options)

    def query_and_wait(self, query: str, *, job_config: Any = None, **options: Any) -> Any:
        limits = self._line.limits
        retries = {
            "retry": DEFAULT_RETRY.with_timeout(limits.retry_seconds) if limits.has_retries else None,
            "job_retry": DEFAULT_JOB_RETRY.with_timeout(limits.retry_seconds) if limits.has_retries else None,
            "wait_timeout": limits.job_seconds,
        }
        config = self._limited(job_config, bigquery.QueryJobConfig)
        try:
            rows = super().query_and_wait(query, job_config=config, **{**retries, **options})
        except RetryError as error:  # this method retries outside _call_api
            raise self._lose(error) from error
        self.meter.add(Bytes(rows.total_bytes_processed or 0, self._billed(rows.job_id)))
        return rows

    def _billed(self, job_id: str | None) -> int:
        # The client's rows do not have it; the statistics of their job do.
        return getattr(self.get_job(job_id), "total_bytes_billed", None) or 0 if job_id else 0

    def load_table_from_file(self, *arguments: Any, **options: Any) -> Any:
        limited = {
            "job_config": self._limited(options.get("job_config"), bigquery.LoadJobConfig),
            "timeout": self._line.limits.answer_seconds,
            "num_retries": _UPLOAD_RETRIES,
        }
        self._refuse_if_lost()
        try:
            return super().load_table_from_file(*arguments, **{**options, **limited})
        except RequestException as error:
            raise self._lose(error) from error

    def rows_of_table(self, table: Any) -> Any:
        """All rows of a table, without a job: nothing is billed."""
        return self.list_rows(table)

    def create_dataset(self, dataset: Any, exists_ok: bool = False, *arguments: Any, **options: Any) -> Any:
        """Look for the dataset first: to create it needs a permission on the project, even where it exists."""
        if exists_ok:
            reference = dataset if isinstance(dataset, str) else getattr(dataset, "reference", dataset)
            try:
                return self.get_dataset(reference)
            except NotFound:
                pass
        return super().create_dataset(dataset, exists_ok, *arguments, **options)

    def cancel_job(self, *arguments: Any, **options: Any) -> Any:
        """Nothing for a job that has not begun. After Ctrl-C dbt cancels all, and would report this one's error."""
        with suppress(NotFound):
            return super().cancel_job(*arguments, **options)

    def _ensure_bqstorage_client(self, *_: Any, **__: Any) -> None:
        """No client of the Storage API: it needs bigquery.readsessions.create, and has no deadline."""

    def _call_api(self, retry: Any, *arguments: Any, timeout: float | None = None, **options: Any) -> Any:
        limits = self._line.limits
        self._refuse_if_lost()
        bounded = retry.with_timeout(limits.retry_seconds) if retry and limits.has_retries else None
        # dbt gives a request 60 seconds, and would send a longer statement again and again.
        wanted = None if limits.is_synchronous else timeout
        seconds = min(wanted or limits.answer_seconds, limits.answer_seconds)
        try:
            return super()._call_api(bounded, *arguments, timeout=seconds, **options)
        except RetryError as error:
            raise self._lose(error) from error
        except (NoConnectionError, Timeout) as error:
            if retry or not limits.has_retries:
                raise self._lose(error) from error
            raise  # the caller retries: see query_and_wait
        except Forbidden as error:
            if options.get("method") == "GET" and str(options.get("path", "")).endswith("/tables"):
                raise TablesHiddenError(error.message) from error
            raise

    def _limited(self, config: Any, kind: type[Any]) -> Any:
        """A copy of a job's configuration with the limits and labels of the line."""
        limits = self._line.limits
        limited = deepcopy(config) if config is not None else kind()
        limited.labels = with_step({**limited.labels, **self._line.labels})
        longest = limits.job_seconds * 1000
        limited.job_timeout_ms = min(int(limited.job_timeout_ms or longest), longest)
        if isinstance(limited, bigquery.QueryJobConfig):
            if limits.maximum_bytes_billed and not limited.maximum_bytes_billed:
                limited.maximum_bytes_billed = limits.maximum_bytes_billed
            # Interactive is the default. With a priority, a query takes two requests instead of one.
            if limits.is_batch and not limited.priority:
                limited.priority = bigquery.QueryPriority.BATCH
        return limited

    def _refuse_if_lost(self) -> None:
        if self._line.lost:
            raise LineLostError(self._line.lost)

    def _lose(self, error: BaseException) -> GoogleAPIError:
        """The error of a request that failed for good."""
        while isinstance(error, RetryError) and error.cause:  # one of a request, one of a job
            error = error.cause
        if not isinstance(error, NoConnectionError | Timeout):
            return error if isinstance(error, GoogleAPIError) else GoogleAPIError(str(error))
        self._line.lost = self._line.lost or f"BigQuery does not answer: {error}"
        return LineLostError(self._line.lost)


class EmbeddedClient(BoundedClient):
    """The client for the embedded warehouse, which returns no rows and no error for a failed statement."""

    def query_and_wait(self, query: str, **options: Any) -> Any:
        rows = super().query_and_wait(query, **options)
        if not rows.schema and (error := self.get_job(rows.job_id).error_result):
            raise BadRequest(error["message"])  # type: ignore[no-untyped-call]
        return rows

    def rows_of_table(self, table: Any) -> Any:
        """It stores the sum of INT64 as NUMERIC, calls it INT64 only in the results of queries, and lists all columns
        whichever are asked for.
        """
        fields = [
            bigquery.SchemaField(one.name, "INTEGER" if one.field_type == "NUMERIC" else one.field_type, one.mode)
            for one in table.schema
        ]
        return self.list_rows(table, selected_fields=fields)

    def _billed(self, job_id: str | None) -> int:  # noqa: ARG002
        return 0  # it bills nothing
