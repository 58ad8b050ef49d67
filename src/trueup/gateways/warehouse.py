"""BigQuery, real or embedded, with Google's client."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, NotFound
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from google.oauth2.credentials import Credentials

from trueup.errors import WarehouseError
from trueup.gateways.embedded import ENDPOINT_VARIABLE, TOKEN_VARIABLE, Endpoint
from trueup.gateways.meter import Meter
from trueup.gateways.refusals import REFUSALS, explained, first_line, next_step
from trueup.results.bytes import NO_BYTES, Bytes
from trueup.schemas import TableSchema

Row = dict[str, Any]
_PROBE_SECONDS = 10.0
# For one answer, and for all attempts of one request.
_ANSWER_SECONDS = 300.0
_RETRY_SECONDS = 60.0
# The lock: the run that can create this table may build the others.
LOCK = "run_lock"
LOCK_COLUMNS = {"run_id": "string", "holder": "string", "since": "timestamp"}
# Longer than any check takes: a run that holds the lock for longer was killed.
_BUILD_MINUTES = 60
_ONCE = Retry(predicate=if_exception_type())
# REST API type names that differ from SQL.
_SQL_TYPES = {"INTEGER": "int64", "BOOLEAN": "bool", "FLOAT": "float64"}


class _Client(bigquery.Client):
    """Google's client, counting the bytes of its queries. Great Expectations uses it too.

    By default, the client waits for an answer without a limit, and retries for ten minutes.
    """

    _retries: Mapping[str, Retry | None] = {
        "retry": DEFAULT_RETRY.with_timeout(_RETRY_SECONDS),
        "job_retry": DEFAULT_JOB_RETRY.with_timeout(_RETRY_SECONDS),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.meter = Meter()

    def _call_api(self, retry: Any, *arguments: Any, timeout: float | None = None, **options: Any) -> Any:
        bounded = retry.with_timeout(_RETRY_SECONDS) if retry and self._retries["retry"] else None
        return super()._call_api(bounded, *arguments, timeout=timeout or _ANSWER_SECONDS, **options)

    def query_and_wait(self, *arguments: Any, **options: Any) -> Any:
        rows = super().query_and_wait(*arguments, **{**self._retries, **options})
        self.meter.add(Bytes(rows.total_bytes_processed or 0, self._billed(rows.job_id)))
        return rows

    def _billed(self, job_id: str | None) -> int:
        # The client's rows do not have it; the statistics of their job do.
        return getattr(self.get_job(job_id), "total_bytes_billed", None) or 0 if job_id else 0


class _EmbeddedClient(_Client):
    """The client for the embedded warehouse, which returns no rows and no error for a failed statement. A request that
    failed on the loopback address fails again.
    """

    _retries: Mapping[str, Retry | None] = {"retry": None, "job_retry": None}

    def query_and_wait(self, *arguments: Any, **options: Any) -> Any:
        rows = super().query_and_wait(*arguments, **options)
        if not rows.schema and (error := self.get_job(rows.job_id).error_result):
            raise BadRequest(error["message"])  # type: ignore[no-untyped-call]
        return rows

    def _billed(self, job_id: str | None) -> int:  # noqa: ARG002
        return 0  # it bills nothing


class Warehouse:
    """The BigQuery operations that trueup needs outside dbt."""

    def __init__(self, project: str, dataset: str, location: str, endpoint: Endpoint | None) -> None:
        self.project = project
        self.dataset = dataset
        self._location = location
        self._endpoint = endpoint
        self._opened: _Client | None = None

    @property
    def client(self) -> bigquery.Client:
        """Google's client. Raises WarehouseError if there are no credentials."""
        if self._opened is None:
            try:
                if self._endpoint and self._endpoint.is_loopback:
                    self._opened = _EmbeddedClient(
                        project=self.project,
                        credentials=Credentials(self._endpoint.token),  # type: ignore[no-untyped-call]
                        client_options=ClientOptions(api_endpoint=self._endpoint.url),
                        location=self._location,
                    )
                else:
                    options = ClientOptions(api_endpoint=self._endpoint.url) if self._endpoint else None
                    self._opened = _Client(project=self.project, location=self._location, client_options=options)
            except (GoogleAuthError, OSError) as error:
                raise WarehouseError(
                    f"BigQuery: no usable credentials: {first_line(error)}",
                    "Run: gcloud auth application-default login",
                ) from error
        return self._opened

    @property
    def bytes_of_thread(self) -> Bytes:
        """See Tables."""
        return self._opened.meter.of_thread if self._opened is not None else NO_BYTES

    @property
    def bytes_in_all(self) -> Bytes:
        """See Tables."""
        return self._opened.meter.total if self._opened is not None else NO_BYTES

    def probe(self) -> None:
        """Raise WarehouseError unless the warehouse answers within seconds."""
        try:
            # Only one attempt, because the client's default retries would wait ten minutes for a dead endpoint.
            list(self.client.list_datasets(max_results=1, retry=_ONCE, timeout=_PROBE_SECONDS))
        except REFUSALS as error:
            where, check = self.project, next_step(error)
            if self._endpoint:
                where = self._endpoint.url
                check = f"Check {ENDPOINT_VARIABLE} and {TOKEN_VARIABLE} (token: in profiles.yml), then run it again."
            raise WarehouseError(f"BigQuery does not answer at {where}: {first_line(error)}", check) from error

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> list[Row]:
        """Rows of one statement; ``parameters`` are STRING query parameters by name."""
        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter(name, "STRING", value) for name, value in (parameters or {}).items()
            ]
        )
        with explained("refused a statement", f"The statement begins: {' '.join(sql.split())[:120]}"):
            return [dict(row.items()) for row in self.client.query_and_wait(sql, job_config=config)]

    def rows_between(
        self, model: str, columns: Sequence[str], first_date: date, last_date: date, run_id: str | None = None
    ) -> list[Row]:
        """The named columns of a model on the given days; with ``run_id``, only the rows of that run."""
        of_run = f" and run_id = '{run_id}'" if run_id is not None else ""
        return self.query(
            f"select {', '.join(columns)} from `{self.project}.{self.dataset}.{model}` "
            f"where game_date between date '{first_date}' and date '{last_date}'{of_run}"
        )

    def claim_build(self, run_id: str, holder: str) -> None:
        """See Tables. The lock is a table; that of a killed run can be taken over after _BUILD_MINUTES."""
        self._create_dataset(self.dataset)
        mine = {"run_id": run_id, "holder": holder}
        try:
            self.query(
                f"create table {self._lock} as "
                "select @run_id as run_id, @holder as holder, current_timestamp() as since",
                mine,
            )
        except WarehouseError as error:
            if "already exists" not in error.message.lower():
                raise
            # If several runs take the lock over at once, only one of them changes the row.
            self.query(
                f"update {self._lock} set run_id = @run_id, holder = @holder, since = current_timestamp() "
                f"where since < timestamp_sub(current_timestamp(), interval {_BUILD_MINUTES} minute)",
                mine,
            )
        if not self.holds_build(run_id):
            raise WarehouseError(
                f"{self._holder()} is building the tables of {self.dataset}.",
                f"Run it again when that run has ended. If that run was killed, wait {_BUILD_MINUTES} minutes "
                f"or drop the table {self._lock}.",
            )

    def holds_build(self, run_id: str) -> bool:
        """Whether the run holds the lock."""
        return any(row["run_id"] == run_id for row in self._lock_rows())

    def release_build(self, run_id: str) -> None:
        """Release the lock. Does nothing if the run does not hold it."""
        if self.holds_build(run_id):
            self.query(f"drop table if exists {self._lock}")

    @property
    def _lock(self) -> str:
        return f"`{self.project}.{self.dataset}.{LOCK}`"

    def _lock_rows(self) -> list[Row]:
        try:
            return self.query(f"select run_id, holder, since from {self._lock}")
        except WarehouseError as error:
            if any(text in error.message.lower() for text in ("not found", "does not exist")):
                return []
            raise

    def _holder(self) -> str:
        rows = self._lock_rows()
        return f"The run of {rows[0]['holder']} since {rows[0]['since']:%Y-%m-%d %H:%M} UTC" if rows else "Another run"

    def create_table(self, schema: TableSchema, dataset: str) -> None:
        """Create the dataset and the table unless they exist."""
        columns = ", ".join(f"`{name}` {kind}" for name, kind in schema.columns.items())
        by = schema.partition_column
        partition = f"date({by})" if schema.columns[by] == "timestamp" else by
        option = "options (require_partition_filter = true)" if schema.require_partition_filter else ""
        name = f"{self.project}.{dataset}.{schema.table}"
        self._create_dataset(dataset)
        self.query(f"create table if not exists `{name}` ({columns}) partition by {partition} {option}")
        if dataset == self.dataset:  # a table of an earlier version may lack new columns
            for column in schema.columns.keys() - {field.name for field in self._fields(name)}:
                self.query(f"alter table `{name}` add column if not exists `{column}` {schema.columns[column]}")

    def load(self, dataset: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows to an existing table with one load job."""
        if not rows:
            return
        name = f"{self.project}.{dataset}.{table}"
        body = "\n".join(json.dumps(row) for row in rows).encode()
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON, schema=self._fields(name)
        )
        with explained(f"cannot load {dataset}.{table}"):
            # Without a size the client uploads in resumable chunks, which the embedded warehouse needs.
            self.client.load_table_from_file(io.BytesIO(body), name, job_config=config).result()

    def drop_dataset(self, dataset: str) -> None:
        """Delete a dataset and its tables, if it exists."""
        with explained(f"cannot delete the dataset {dataset}"), suppress(NotFound):
            self.client.delete_dataset(f"{self.project}.{dataset}", delete_contents=True, not_found_ok=True)

    def _create_dataset(self, dataset: str) -> None:
        with explained(f"cannot create the dataset {dataset}"):
            self.client.create_dataset(f"{self.project}.{dataset}", exists_ok=True)

    def _fields(self, table: str) -> list[Any]:
        with explained(f"cannot describe {table}"):
            return list(self.client.get_table(table).schema)

    def replace_days(
        self, schema: TableSchema, rows: Sequence[Mapping[str, Any]], first_date: date, last_date: date
    ) -> None:
        """Replace all rows of the given days by ``rows``, in one atomic statement."""
        days = f"kept.{schema.partition_column} between date '{first_date}' and date '{last_date}'"
        self._replace(schema.table, schema.columns, rows, days)

    def replace_seed(self, name: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Replace all rows of a seed by ``rows`` (CSV cells; an empty cell is NULL)."""
        found = self._fields(f"{self.project}.{self.dataset}.{name}")
        columns = {field.name: _SQL_TYPES.get(field.field_type, field.field_type) for field in found}
        cells = [{key: value or None for key, value in row.items()} for row in rows]
        self._replace(name, columns, cells, "true")

    def _replace(
        self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], replaced: str
    ) -> None:
        fields = ", ".join(
            f"cast(json_value(row_text, '$.{name}') as {kind}) as {name}" for name, kind in columns.items()
        )
        names = ", ".join(columns)
        self.query(
            f"merge into `{self.project}.{self.dataset}.{table}` as kept "
            f"using (select {fields} from unnest(json_query_array(@rows)) as row_text) as given "
            "on false "
            f"when not matched by source and {replaced} then delete "
            f"when not matched by target then insert ({names}) values ({names})",
            {"rows": json.dumps(list(rows))},
        )

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the client's connections."""
        if self._opened is not None:
            self._opened.close()  # type: ignore[no-untyped-call]
