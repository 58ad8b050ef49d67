"""What a run works with: the ports to dbt, the warehouse and the documents, and where they stand together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from trueup.completion.start import Phase4Topic
from trueup.completion.store import CompletionStore
from trueup.expectations.validator import Validator
from trueup.results.reference import Reference
from trueup.schemas import TableSchema
from trueup.settings import Settings


class NodeResult(Protocol):
    """What became of one dbt node."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def bytes_processed(self) -> int: ...


class Dbt(Protocol):
    """The dbt project, bound to its target and vars."""

    def run(
        self, arguments: Sequence[str], on_node: Callable[[str, int, int], None] | None = None
    ) -> Sequence[NodeResult]:
        """Run one command; raises DbtError when a model cannot be built."""

    @property
    def checks(self) -> Mapping[str, str]:
        """All models and data tests of the project, name to kind, also those that are switched off."""

    @property
    def ignored_variables(self) -> tuple[str, ...]:
        """Environment variables that would have changed what dbt does, and were not handed to it."""


class Tables(Protocol):
    """What the daily run asks of the warehouse outside dbt."""

    @property
    def bytes_processed(self) -> int:
        """What BigQuery has read for all queries of this thread so far."""

    def probe(self) -> None:
        """Raise WarehouseError unless it answers."""

    def rows_between(
        self, model: str, columns: Sequence[str], first_date: date, last_date: date, run_id: str | None = None
    ) -> list[dict[str, Any]]:
        """The named columns of a model on the given days; with ``run_id`` only the rows that this run built."""

    def claim_build(self, run_id: str, holder: str) -> None:
        """Take the right to build the tables of the dataset. Raises CannotCheckError where another run has it."""

    def holds_build(self, run_id: str) -> bool:
        """Whether the run still has it."""

    def release_build(self, run_id: str) -> None:
        """Give it back; nothing happens where the run does not have it."""

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of one statement."""

    def create_table(self, schema: TableSchema, dataset: str) -> None:
        """Create a table where it is not there yet."""

    def replace_days(
        self,
        schema: TableSchema,
        rows: Sequence[Mapping[str, Any]],
        first_date: date,
        last_date: date,
    ) -> None:
        """Replace all rows of the given days."""

    def load(self, dataset: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows to a table that exists."""

    def replace_seed(self, name: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Replace all rows of a seed."""


class Listener(Protocol):
    """Hears what is being done."""

    def start(self, what: str) -> None:
        """A step begins."""

    def node(self, name: str, index: int, total: int) -> None:
        """A dbt node begins."""

    def finish(self) -> None:
        """The step is done."""


@dataclass(frozen=True)
class RepairStores:
    """What a repair writes to."""

    documents: CompletionStore
    claims: CompletionStore
    topic: Phase4Topic


@dataclass(frozen=True)
class Workplace:
    """Everything that a run needs, made by whoever starts it."""

    settings: Settings
    project: str
    dataset: str
    dbt: Dbt
    tables: Tables
    schemas: Mapping[str, TableSchema]
    reference: Reference
    completions: Callable[[], AbstractContextManager[CompletionStore]]
    repair_stores: Callable[[], AbstractContextManager[RepairStores]]
    validator: Callable[[], Validator]
    listener: Listener

    @property
    def relation(self) -> str:
        """Where our models stand, as ``project.dataset``."""
        return f"{self.project}.{self.dataset}"
