"""What BigQuery itself says that statements would read: dry runs, which cost nothing and change nothing.

Nothing in this repository's tests reaches BigQuery: they run this on a double of the client.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from sqlcheck.costs.billing import Bill, Budgets, billed
from sqlcheck.costs.reads import StatementReads
from trueup.errors import UsageError
from trueup.runs.wiring import open_workplace
from trueup.settings import Settings
from trueup.window import make_window, now

# A value for each parameter: all are texts, and the rows to write are JSON.
_ANY_VALUE = "[]"


class DryRunError(Exception):
    """BigQuery refused a statement."""


class _Silent:
    """Receives progress, and shows nothing."""

    def start(self, what: str) -> None:
        pass

    def node(self, name: str, index: int, total: int) -> None:
        pass

    def finish(self) -> None:
        pass


@contextmanager
def client_of(project: Path, target: str) -> Iterator[Any]:
    """The bigquery.Client that trueup uses for a target. Raises UsageError for the embedded warehouse."""
    settings = Settings(project, project / ".trueup", target, make_window(None, None, None, None, now()))
    with open_workplace(settings, _Silent()) as work:
        if work.settings.is_embedded:
            raise UsageError(
                f"The target {target} is the embedded warehouse, whose dry runs say 0 bytes.",
                "Leave --target out to compute the bytes.",
            )
        yield cast(Any, work.tables).client


def dry_runs(client: Any, statements: Iterable[StatementReads], budgets: Budgets) -> Iterator[Bill | DryRunError]:
    """The bill of each statement by a dry run, or why BigQuery refused it. ``client``: a bigquery.Client.

    A dry run does not say how the bytes are divided between the tables, so ``billed`` may be too low by up to 10 MB for
    each small table beside a large one.
    """
    for one in statements:
        if not one.sql or not one.reads:  # a part of a statement, or one that reads nothing
            continue
        config = bigquery.QueryJobConfig(
            dry_run=True,
            use_query_cache=False,
            query_parameters=[bigquery.ScalarQueryParameter(name, "STRING", _ANY_VALUE) for name in one.parameters],
        )
        try:
            job = client.query(one.sql, job_config=config)
        except GoogleAPICallError as error:
            yield DryRunError(f"{one.kind} {one.name}: {error.message}")
            continue
        read = job.total_bytes_processed or 0
        tables = len(job.referenced_tables or ())
        yield Bill(
            name=one.name,
            kind=one.kind,
            processed=read,
            billed=max(billed([read]), billed([0] * tables)) if tables else 0,
            times=budgets.times(one.kind, one.name),
            most=", ".join(f"{table.dataset_id}.{table.table_id}" for table in job.referenced_tables or ()),
        )
