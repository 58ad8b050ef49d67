"""What a run works with: the ports to dbt, the warehouse and the documents, and the clock of its steps."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from time import monotonic
from typing import Any, Protocol

from trueup.completion.start import Phase4Topic
from trueup.completion.store import CompletionStore
from trueup.expectations.verdicts import Validator
from trueup.results.bytes import Bytes
from trueup.results.compiled import CompiledModel
from trueup.results.outcome import NodeResult
from trueup.results.reference import Reference
from trueup.schemas import TableFacts, TableSchema
from trueup.settings import Settings


class Dbt(Protocol):
    """The dbt project, bound to its target and vars."""

    def run(
        self, arguments: Sequence[str], on_node: Callable[[str, int, int], None] | None = None
    ) -> Sequence[NodeResult]:
        """Run one command, with a call of ``on_node(name, index, total)`` for each node that starts.

        Raises DbtError if dbt cannot compile or build a model.
        """

    def compiled(self, models: Sequence[str]) -> Mapping[str, CompiledModel]:
        """These models and all that they read from, compiled with the vars and the tables as they are, by name."""

    @property
    def contents(self) -> str:
        """A hash of all files of the project that dbt parses."""

    def with_vars(self, variables: Mapping[str, Any]) -> "Dbt":
        """The same project and run, with other vars. They must be vars that dbt does not need to parse."""

    @property
    def checks(self) -> Mapping[str, str]:
        """All models and data tests of the project, name to kind, also those that are switched off."""

    @property
    def replaced_tables(self) -> Collection[str]:
        """The models that each build replaces as whole tables. Views, and tables that keep days, are not among them."""

    @property
    def source_readers(self) -> Collection[str]:
        """The models that read source tables."""

    @property
    def sources(self) -> Mapping[str, str]:
        """``project.dataset.table`` of each declared source, by ``source.table``, with trueup's own."""

    @property
    def ignored_variables(self) -> tuple[str, ...]:
        """Environment variables with dbt options, which are not passed to dbt."""


class Tables(Protocol):
    """The operations of the warehouse that a run needs outside dbt."""

    @property
    def bytes_of_thread(self) -> Bytes:
        """The bytes of the queries of this thread so far."""

    @property
    def bytes_in_all(self) -> Bytes:
        """The bytes of the queries of all threads so far."""

    def probe(self) -> None:
        """Raise WarehouseError unless the warehouse answers."""

    def look(self, table: str) -> tuple[TableFacts | None, str]:
        """What ``project.dataset.table`` is, as far as that may be seen, and why it may not be read, or not all of its
        rows; None and "" if it does not exist.
        """

    def facts_of(self, table: str) -> TableFacts | None:
        """What ``project.dataset.table`` is; None if it does not exist."""

    def has_dataset(self) -> bool:
        """Whether the dataset of trueup's models exists."""

    def settle_location(self, sources: Collection[str]) -> None:
        """Find the location of all jobs from the profile, else from the datasets of the sources. Creates nothing.

        Raises UsageError if they contradict.
        """

    def rows_of(self, model: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """The named columns of a model that the run has built. Those of a table are read without a job."""

    def rows_between(
        self, model: str, columns: Sequence[str], first_date: date, last_date: date, run_id: str | None = None
    ) -> list[dict[str, Any]]:
        """The named columns of a model on the given days; with ``run_id``, only the rows of that run, as rows_of."""

    def leased(self, run_id: str, holder: str) -> AbstractContextManager[None]:
        """Hold the lease of the dataset's tables, and renew it meanwhile. Raises CannotCheckError if another run does.

        A lease that is not renewed, because its run was killed, ends after minutes by the warehouse's clock.
        """

    def has_lease(self, run_id: str) -> bool:
        """Whether no other run has taken the lease since this run took it."""

    def built_by_others(self, models: Iterable[str], run_id: str) -> list[str]:
        """Those of ``models``, each a replaced table, that another process has built since this run did, sorted."""

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """The rows of one statement; ``parameters`` are STRING query parameters by name."""

    def create_table(self, schema: TableSchema, dataset: str) -> None:
        """Create a table unless it exists."""

    def replace_days(
        self, schema: TableSchema, rows: Sequence[Mapping[str, Any]], first_date: date, last_date: date
    ) -> None:
        """Replace all rows of the given days."""

    def load(self, dataset: str, table: str, rows: Sequence[Mapping[str, Any]], is_replacing: bool = False) -> None:
        """Append rows to a table that exists, or replace all of its rows by them. Without rows nothing happens."""

    def replace_seed(self, name: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Replace all rows of a seed."""


class Listener(Protocol):
    """Receives progress."""

    def start(self, what: str) -> None:
        """A step begins."""

    def node(self, name: str, index: int, total: int) -> None:
        """A dbt node begins."""

    def finish(self) -> None:
        """The step ends."""


class Clock:
    """Reports each step to the listener and measures it. ``seconds`` by name of the step."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._name = ""
        self._began = 0.0
        self.seconds: dict[str, float] = {}

    def start(self, name: str) -> None:
        """End the previous step and begin this one."""
        self.finish()
        self._name, self._began = name, monotonic()
        self._listener.start(name)

    def finish(self) -> None:
        """End the step, if one is running."""
        self._listener.finish()
        if self._name:
            self.seconds[self._name] = round(monotonic() - self._began, 2)
        self._name = ""


@dataclass(frozen=True)
class RepairStores:
    """The stores that a repair writes to."""

    documents: CompletionStore
    claims: CompletionStore
    topic: Phase4Topic


@dataclass(frozen=True)
class Workplace:
    """Everything that a run needs. ``completions`` opens a collection of documents. ``unreadable``: why an optional
    source may not be read, by its full name.
    """

    settings: Settings
    project: str
    dataset: str
    dbt: Dbt
    tables: Tables
    schemas: Mapping[str, TableSchema]
    reference: Reference
    completions: Callable[[str], AbstractContextManager[CompletionStore]]
    repair_stores: Callable[[], AbstractContextManager[RepairStores]]
    validator: Callable[[], Validator]
    listener: Listener
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def relation(self) -> str:
        """``project.dataset`` of trueup's models."""
        return f"{self.project}.{self.dataset}"
