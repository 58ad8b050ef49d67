"""Replaces one day of a BigQuery table in one transaction, behind a fence of tokens."""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.api_core.exceptions import BadRequest, GoogleAPIError, NotFound
from google.cloud import bigquery

from trueup.errors import ConcurrentUpdateError, FencedError, UsageError, WarehouseError
from trueup.gateways.refusals import CONCURRENT, REFUSALS, explained
from trueup.gateways.sql_types import sql_type
from trueup.gateways.transient import is_transient

_NAME = re.compile(r"[\w-]+(\.[\w$-]+){1,2}")
FENCE_COLUMNS = {"resource": "string", "token": "int64", "changed_at": "timestamp"}
# No name in BigQuery has these brackets: a message that only names a table is never taken for one of ours.
_FENCED = "<trueup-fenced>"
UNFENCED = "<trueup-no-fence>"
# Somebody deletes the fence between two statements: once is bad luck.
_MOST_FENCES = 2
_CORRECT = "Correct the rows; repeating does not help."
_ANSWER_SECONDS = 60.0
# A copy that a killed writer leaves behind is dropped by BigQuery.
_BESIDE_FOR = timedelta(hours=6)


class DayTable:
    """A table of which days are replaced. ``table``: ``dataset.table``, or with the project before it. ``fence``: the
    table of tokens, default ``<table>_fence``: conflicts are of whole tables, so each table has a fence of its own.
    """

    def __init__(self, client: bigquery.Client, table: str, fence: str | None = None) -> None:
        self._client = client
        self.name = self._full(table)
        self._fence = self._full(fence) if fence else f"{self.name}_fence"

    def columns(self) -> dict[str, str]:
        """The columns and their types, in lower case as in SQL; ``array<…>`` for repeated ones."""
        with explained(f"cannot describe {self.name}"):
            fields = self._client.get_table(self.name, timeout=_ANSWER_SECONDS).schema
        return {field.name: sql_type(field) for field in fields}

    def load(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Load rows (values for JSON) into a new table beside this one: its name. If that fails, the table is dropped.

        Only a killed process leaves it, and then it ends by itself.
        """
        body = "\n".join(json.dumps(row) for row in rows).encode()
        with explained(f"cannot load rows for {self.name}"):
            schema = self._client.get_table(self.name, timeout=_ANSWER_SECONDS).schema
            beside = bigquery.Table(f"{self.name}_day_{uuid.uuid4().hex}", schema=schema)
            beside.expires = datetime.now(UTC) + _BESIDE_FOR
        name = f"{beside.project}.{beside.dataset_id}.{beside.table_id}"
        try:
            with explained(f"cannot load rows for {self.name}"):
                self._client.create_table(beside, timeout=_ANSWER_SECONDS)
            if rows:
                self._fill(name, schema, body, len(rows))
        except BaseException:
            # Also if it is unknown whether the table was made, and for Ctrl+C.
            self.drop(name)
            raise
        return name

    def _fill(self, name: str, schema: Any, body: bytes, count: int) -> None:
        with self._refused_rows(), explained(f"cannot load rows for {self.name}"):
            config = bigquery.LoadJobConfig(
                source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                schema=schema,
                write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            )
            # Without a size the client uploads in resumable chunks, which the embedded warehouse needs.
            loaded: Any = self._client.load_table_from_file(io.BytesIO(body), name, job_config=config).result()
        if loaded.output_rows != count:
            raise WarehouseError(f"BigQuery loaded {loaded.output_rows} of {count} rows for {self.name}.", "Try again.")

    @contextmanager
    def _refused_rows(self) -> Iterator[None]:
        try:
            yield
        except WarehouseError as error:
            cause = error.__cause__
            if isinstance(cause, BadRequest) and not is_transient(cause):
                raise WarehouseError(error.message, _CORRECT) from cause
            raise

    def drop(self, beside: str) -> None:
        """Drop a table that ``load`` made. If that fails, it ends by itself."""
        with suppress(*REFUSALS):
            self._client.delete_table(beside, not_found_ok=True, timeout=_ANSWER_SECONDS)

    def replace(self, beside: str, column: str, day: date, token: int, columns: Sequence[str]) -> None:
        """Replace the rows of a day by those of ``beside``, if no greater token has written it. In one transaction.

        Raises FencedError, ConcurrentUpdateError and WarehouseError; then nothing is written, unless BigQuery did not
        answer: then it is unknown, and it may be repeated.
        """
        resource = f"{self.name.partition('.')[2]}/{day.isoformat()}"
        fences = 0
        while True:
            try:
                if fences:
                    self._make_fence(resource)
                return self._replace(resource, beside, column, day, token, columns)
            except _UnfencedError as error:
                # The first time there is none yet.
                if fences == _MOST_FENCES:
                    raise WarehouseError(
                        f"The fence {self._fence} was made and is gone again; nothing was written to {self.name}.",
                        "Find out who deletes it, then repeat.",
                    ) from error
                fences += 1

    def _replace(self, resource: str, beside: str, column: str, day: date, token: int, columns: Sequence[str]) -> None:
        """Run the transaction. An error in it ends it, and BigQuery then takes back all that it wrote.

        It always changes the fence's row, so that of two transactions on one day BigQuery cancels one, even if the day
        has no rows yet.
        """
        listed = ", ".join(f"`{name}`" for name in columns)
        self._run(f"""begin transaction;
update `{self._fence}`
set token = if(token > {token}, error('{_FENCED} {resource}'), {token}), changed_at = current_timestamp()
where resource = '{resource}';
select if(count(*) = 0, error('{UNFENCED} {resource}'), count(*)) as fence_rows
from `{self._fence}`
where resource = '{resource}';
delete from `{self.name}` where `{column}` between date '{day.isoformat()}' and date '{day.isoformat()}';
insert into `{self.name}` ({listed}) select {listed} from `{beside}`;
commit transaction;
""")

    def _make_fence(self, resource: str) -> None:
        """Make the fence of a resource. Two rows of it do no harm: all are updated and compared."""
        columns = ", ".join(f"{name} {kind}" for name, kind in FENCE_COLUMNS.items())
        self._run(f"create table if not exists `{self._fence}` ({columns})")
        self._run(
            f"insert into `{self._fence}` (resource, token, changed_at) select '{resource}', 0, current_timestamp() "
            f"from (select 1) where not exists (select 1 from `{self._fence}` where resource = '{resource}')"
        )

    def _run(self, sql: str) -> None:
        with self._told():
            # The statements may be repeated; the caller does so, with a deadline.
            self._client.query(sql, job_retry=None, timeout=_ANSWER_SECONDS).result(job_retry=None)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with explained(f"cannot replace rows of {self.name}"):
                yield
        except WarehouseError as error:
            cause = error.__cause__
            # Only BigQuery's words: ours begin with the name of the table, which may be any.
            text = str(getattr(cause, "message", cause)).lower()
            if _FENCED in text:
                raise FencedError(
                    f"A later holder of the lock has written {self.name}; nothing was written now.",
                    "Stop: its rows are newer. To write, take the lock again, and read the input again.",
                ) from error
            if UNFENCED in text or (isinstance(cause, NotFound) and self._names_the_fence(text)):
                raise _UnfencedError from error
            if isinstance(cause, GoogleAPIError) and any(words in text for words in CONCURRENT):
                raise ConcurrentUpdateError(error.message, "Repeat it: nothing was written.") from cause
            raise

    def _names_the_fence(self, text: str) -> bool:
        name = re.escape(self._fence.partition(".")[2].lower())
        return re.search(rf"(?<![\w$-]){name}(?![\w$-])", text) is not None

    def _full(self, table: str) -> str:
        if not isinstance(table, str) or not _NAME.fullmatch(table):
            what = repr(table[:300]) if isinstance(table, str) else f"a {type(table).__name__}"
            raise UsageError(f"The table is {what}.", "Pass dataset.table, or project.dataset.table.")
        return table if table.count(".") == 2 else f"{self._client.project}.{table}"


class _UnfencedError(Exception):
    """The fence has no row of the resource."""
