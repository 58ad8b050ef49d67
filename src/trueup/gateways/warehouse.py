"""BigQuery, real or embedded, with Google's client."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any, cast

from google.api_core.exceptions import Forbidden, NotFound
from google.api_core.retry import Retry, if_exception_type
from google.cloud import bigquery

from trueup.errors import WarehouseError
from trueup.gateways.client import BoundedClient
from trueup.gateways.connection import Connection
from trueup.gateways.embedded import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from trueup.gateways.lease import LEASE, LEASE_COLUMNS, Lease
from trueup.gateways.limits import step
from trueup.gateways.parts import parts_of_days
from trueup.gateways.refusals import REFUSALS, explained, first_line, next_step, step_for
from trueup.gateways.sql_types import sql_type
from trueup.results.bytes import NO_BYTES, Bytes
from trueup.schemas import TableFacts, TableSchema

Row = dict[str, Any]
_PROBE_SECONDS = 10.0
_ONCE = Retry(predicate=if_exception_type())


class Warehouse:
    """The BigQuery operations that trueup needs outside dbt."""

    def __init__(self, connection: Connection) -> None:
        self.project = connection.project
        self.dataset = connection.dataset
        self._connection = connection
        self._opened: BoundedClient | None = None

    @property
    def client(self) -> BoundedClient:
        """The client of the connection. Raises WarehouseError if there are no credentials."""
        if self._opened is None:
            self._opened = self._connection.open()
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
            if endpoint := self._connection.endpoint:
                where = endpoint.url
                check = f"Check {ENDPOINT_VARIABLE} and {TOKEN_VARIABLE} (token: in profiles.yml), then run it again."
            raise WarehouseError(f"BigQuery does not answer at {where}: {first_line(error)}", check) from error

    def look(self, table: str) -> tuple[TableFacts | None, str]:
        """See Tables. Asks for the table, and for one of its rows: that is refused where row-level policies hide some.
        Neither is a job, which would need the location.
        """
        facts = None
        try:
            found = self.client.get_table(table)
            facts = _facts(found)
            if facts.is_table:  # the rows of a view can only be queried
                next(iter(self.client.list_rows(found, max_results=1).pages))
        except Forbidden as error:
            return facts, first_line(error)
        except NotFound:
            return None, ""
        except REFUSALS as error:
            raise WarehouseError(f"BigQuery cannot look up {table}: {first_line(error)}", next_step(error)) from error
        return facts, ""

    def facts_of(self, table: str) -> TableFacts | None:
        """See Tables."""
        with explained(f"cannot describe {table}"), suppress(NotFound):
            return _facts(self.client.get_table(table))
        return None

    def has_dataset(self) -> bool:
        """See Tables."""
        with explained(f"cannot look up the dataset {self.dataset}"), suppress(NotFound):
            self.client.get_dataset(f"{self.project}.{self.dataset}")
            return True
        return False

    def settle_location(self, sources: Collection[str]) -> None:
        """See Tables."""
        self._connection.settle_location(self.client, sources)

    def refuse_if_lost(self) -> None:
        """Raise WarehouseError if BigQuery has stopped to answer in this run."""
        if self._connection.lost:
            raise WarehouseError(self._connection.lost, step_for(self._connection.lost))

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> list[Row]:
        """Rows of one statement; ``parameters`` are STRING query parameters by name."""
        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter(name, "STRING", value) for name, value in (parameters or {}).items()
            ]
        )
        with explained("refused a statement", f"The statement begins: {' '.join(sql.split())[:120]}"):
            return [dict(row.items()) for row in self.client.query_and_wait(sql, job_config=config)]

    def rows_of(self, model: str, columns: Sequence[str]) -> list[Row]:
        """See Tables."""
        name = f"{self.project}.{self.dataset}.{model}"
        with step(model):
            table = self._table(name)
            if table.table_type == "TABLE":
                return [{column: row[column] for column in columns} for row in self._listed(table, columns)]
            return self.query(f"select {', '.join(columns)} from `{name}`")

    def rows_between(
        self, model: str, columns: Sequence[str], first_date: date, last_date: date, run_id: str | None = None
    ) -> list[Row]:
        """See Tables."""
        if run_id is None:
            with step(model):
                return self.query(
                    f"select {', '.join(columns)} from `{self.project}.{self.dataset}.{model}` "
                    f"where game_date between date '{first_date}' and date '{last_date}'"
                )
        return [
            {column: row[column] for column in columns}
            for row in self.rows_of(model, list(dict.fromkeys([*columns, "game_date", "run_id"])))
            if row["run_id"] == run_id and first_date <= row["game_date"] <= last_date
        ]

    def _listed(self, table: Any, columns: Collection[str]) -> list[Row]:
        """All rows of a table, without a job. The table of a run has no other rows."""
        if missing := sorted(set(columns) - {field.name for field in table.schema}):
            raise WarehouseError(f"{table.table_id} has no column {missing[0]}.", "Run trueup check to build it again.")
        with explained(f"cannot read {table.table_id}"):
            return [dict(row.items()) for row in self.client.rows_of_table(table)]

    @contextmanager
    def leased(self, run_id: str, holder: str) -> Iterator[None]:
        """See Tables."""
        self._create_dataset(self.dataset)
        with self._lease.held(run_id, holder):
            yield

    def has_lease(self, run_id: str) -> bool:
        """See Tables."""
        return self._lease.is_held_by(run_id)

    def built_by_others(self, models: Iterable[str], run_id: str) -> list[str]:
        """See Tables. The macro bigquery_table_options writes the descriptions."""
        return [name for name in sorted(models) if self._description(name) != f"Built by the run {run_id}."]

    def _description(self, model: str) -> str | None:
        name = f"{self.project}.{self.dataset}.{model}"
        with explained(f"cannot describe {name}"), suppress(NotFound):
            return cast(str | None, self.client.get_table(name).description)
        return None

    @property
    def _lease(self) -> Lease:
        relation = f"`{self.project}.{self.dataset}.{LEASE}`"
        return Lease(self.query, lambda: self.rows_of(LEASE, list(LEASE_COLUMNS)), relation)

    def create_table(self, schema: TableSchema, dataset: str) -> None:
        """Create the dataset and the table unless they exist."""
        columns = ", ".join(f"`{name}` {kind}" for name, kind in schema.columns.items())
        by = schema.partition_column
        partition = f"date({by})" if schema.columns[by] == "timestamp" else by
        option = "options (require_partition_filter = true)" if schema.require_partition_filter else ""
        name = f"{self.project}.{dataset}.{schema.table}"
        self._create_dataset(dataset)
        with step(schema.table):
            facts = self.facts_of(name)
            if facts is None:
                self.query(f"create table if not exists `{name}` ({columns}) partition by {partition} {option}")
            elif dataset == self.dataset:  # a table of an earlier version may lack new columns
                for column in schema.columns.keys() - facts.columns.keys():
                    self.query(f"alter table `{name}` add column if not exists `{column}` {schema.columns[column]}")

    def load(self, dataset: str, table: str, rows: Sequence[Mapping[str, Any]], is_replacing: bool = False) -> None:
        """See Tables. One load job."""
        if not rows:
            return
        name = f"{self.project}.{dataset}.{table}"
        body = "\n".join(json.dumps(row) for row in rows).encode()
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            schema=self._fields(name),
            write_disposition="WRITE_TRUNCATE" if is_replacing else "WRITE_APPEND",
        )
        with explained(f"cannot load {dataset}.{table}"), step(table):
            # Without a size the client uploads in resumable chunks, which the embedded warehouse needs.
            job = self.client.load_table_from_file(io.BytesIO(body), name, job_config=config)
            job.result(timeout=self._connection.limits.job_seconds)

    def drop_dataset(self, dataset: str) -> None:
        """Delete a dataset and its tables, if it exists."""
        with explained(f"cannot delete the dataset {dataset}"), suppress(NotFound):
            self.client.delete_dataset(f"{self.project}.{dataset}", delete_contents=True, not_found_ok=True)

    def _create_dataset(self, dataset: str) -> None:
        with explained(f"cannot create the dataset {dataset}"):
            self.client.create_dataset(f"{self.project}.{dataset}", exists_ok=True)

    def _fields(self, table: str) -> list[Any]:
        return list(self._table(table).schema)

    def _table(self, name: str) -> Any:
        with explained(f"cannot describe {name}"):
            return self.client.get_table(name)

    def replace_days(
        self, schema: TableSchema, rows: Sequence[Mapping[str, Any]], first_date: date, last_date: date
    ) -> None:
        """Replace all rows of the given days by ``rows``; each day in one atomic statement, together with as many other
        days as one request can hold.
        """
        column = schema.partition_column
        for first, last, part in parts_of_days(rows, column, first_date, last_date):
            days = f"kept.{column} between date '{first}' and date '{last}'"
            self._replace(schema.table, schema.columns, part, days)

    def replace_seed(self, name: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Replace all rows of a seed by ``rows`` (CSV cells; an empty cell is NULL)."""
        found = self._fields(f"{self.project}.{self.dataset}.{name}")
        columns = {field.name: sql_type(field) for field in found}
        cells = [{key: value or None for key, value in row.items()} for row in rows]
        self._replace(name, columns, cells, "true")

    def _replace(
        self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], replaced: str
    ) -> None:
        fields = ", ".join(
            f"cast(json_value(row_text, '$.{name}') as {kind}) as {name}" for name, kind in columns.items()
        )
        names = ", ".join(columns)
        with step(table):
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


def _facts(table: bigquery.Table) -> TableFacts:
    partition = table.time_partitioning.field if table.time_partitioning else None
    kinds = {field.name.lower(): sql_type(field) for field in table.schema}
    return TableFacts(kinds, partition, table.table_type == "TABLE")
