"""Records every SQL statement that trueup's Python sends, and proves that none is missing.

The real code runs with a warehouse that records statements instead of sending them. A scan of the source then finds
every place that could send one; a place that was not reached is an error.
"""

import ast
import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from sqlcheck.dbt_project import VARIABLES
from sqlcheck.statements import Statement
from sqlcheck.types import parse_type
from trueup.errors import CannotCheckError, WarehouseError
from trueup.expectations import queries
from trueup.expectations.suites import Suite, read_suites
from trueup.gateways.connection import embedded_connection
from trueup.gateways.embedded import Endpoint
from trueup.gateways.lease import LEASE, Lease
from trueup.gateways.replaced_day import UNFENCED, DayTable
from trueup.gateways.warehouse import Warehouse
from trueup.repair.documents.audit import RepairAudit
from trueup.repair.documents.steps import AUDIT, Actor
from trueup.results.compiled import CompiledModel
from trueup.results.reference import Reference
from trueup.runs import reconcile
from trueup.runs.answers import read_answers, read_judged
from trueup.runs.doctor import examine_jobs
from trueup.runs.notes import coverage_notes
from trueup.runs.pulse.counting import DUPLICATES
from trueup.runs.pulse.program import ANSWERS, Program
from trueup.runs.pulse.pulse import evaluate_evidence
from trueup.runs.verdicts import COMPLETION_VERDICTS, EXPECTATION_VERDICTS
from trueup.schemas import TableSchema, read_table_schemas
from trueup.settings import Settings
from trueup.temporary import temporary_folder
from trueup.window import Window

_SQL = re.compile(r"\s*(select|with|merge|insert|update|delete|create|alter|drop|truncate|declare|begin)\s", re.I)
_PULSE = re.compile(r"select \* from pulse_(\w+)\Z")
# The last date is before the first: the window has no dates, so readers find none missing.
_FIRST, _LAST = date(2026, 2, 3), date(2026, 2, 2)
_RUN = "0123456789ab"
_WINDOW = Window(_FIRST, _LAST, datetime(2026, 2, 4, 21, tzinfo=UTC))
# Of the suites, which are only built.
_DAYS = Window(date.fromisoformat(VARIABLES["first_date"]), date.fromisoformat(VARIABLES["last_date"]), _WINDOW.as_of)

_PARAMETERS = {"team_codes": ["BOS", "LAL"]}


@dataclass(frozen=True)
class Sent:
    """One recorded statement: text, parameters, call stack (file, first line of the function, line), and suite."""

    sql: str
    parameters: Mapping[str, str]
    path: tuple[tuple[Path, int, int], ...]
    suite: str = ""


class RecordingWarehouse(Warehouse):
    """trueup's warehouse, but statements are recorded instead of sent."""

    def __init__(self, project: str, dataset: str, seeds: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(embedded_connection(Endpoint("http://127.0.0.1:1"), dataset, project))
        self.sent: list[Sent] = []
        self.fails = self.holds = self.is_empty = False

        def get_table(name: str) -> bigquery.Table:
            if self.is_empty:
                raise NotFound(name)  # type: ignore[no-untyped-call]
            columns = seeds.get(name.rsplit(".", 1)[-1], {})
            table = bigquery.Table(name, [bigquery.SchemaField(key, kind.upper()) for key, kind in columns.items()])
            # The rows of a table are listed without a statement; those of a view are asked for, with the same columns.
            return bigquery.Table.from_api_repr({**table.to_api_repr(), "type": "VIEW"})

        self._opened = cast(Any, SimpleNamespace(create_dataset=lambda *_, **__: None, get_table=get_table))

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Record the statement and its call stack; return no rows."""
        path = tuple((Path(one.filename), one.frame.f_code.co_firstlineno, one.lineno) for one in inspect.stack(0)[1:])
        self.sent.append(Sent(sql, dict(parameters or {}), path))
        if self.fails:
            raise WarehouseError("Already Exists" if sql.startswith("create table") else "Not found")
        return []

    def lease_rows(self) -> list[dict[str, Any]]:
        """The rows of the lease."""
        return [{"run_id": _RUN}] if self.holds else []

    def exercise_lease(self) -> None:
        """Record all statements of the lease."""
        lease = Lease(self.query, self.lease_rows, f"`{self.project}.{self.dataset}.{LEASE}`", renew_seconds=0.001)
        for fails, holds in ((True, False), (False, False), (False, True)):
            self.fails, self.holds = fails, holds
            with suppress(CannotCheckError), lease.held(_RUN, "ann@laptop"):
                time.sleep(0.1)
        self.fails = self.holds = False

    def exercise_days(self, schema: TableSchema) -> None:
        """Record all statements of the guarded write, also those of its first time."""
        answers = iter([BadRequest(f"{UNFENCED} x")])  # type: ignore[no-untyped-call]

        def send(sql: str, **_: Any) -> SimpleNamespace:
            self.query(sql)
            if (error := next(answers, None)) is not None:
                raise error
            return SimpleNamespace(result=lambda **_: [])

        client = cast(Any, SimpleNamespace(project=self.project, query=send))
        columns = list(schema.columns)
        DayTable(client, schema.name).replace(
            f"{self.project}.{schema.name}_day", schema.partition_column, _FIRST, 1, columns
        )

    def built(self, suite: str, builder: Callable[..., str], *arguments: Any) -> None:
        """Record the result of a function that builds a statement of a suite."""
        code = builder.__code__
        place = (Path(code.co_filename), code.co_firstlineno, code.co_firstlineno)
        self.sent.append(Sent(builder(*arguments), {}, (place,), f"{suite} {builder.__name__}"))

    def load(self, dataset: str, table: str, rows: Any, is_replacing: bool = False) -> None:
        """Ignore load jobs: they are not statements."""


@dataclass
class Recording:
    """The recorded statements, and the places that could send one and were not reached."""

    statements: list[Statement] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)


def record(
    project: Path,
    target_project: str,
    dataset: str,
    seeds: Mapping[str, Mapping[str, str]],
    models: Mapping[str, CompiledModel],
) -> Recording:
    """Run every part of trueup that sends SQL. ``seeds``: the columns of each seed; ``models``: of dbt."""
    schemas = read_table_schemas(project / "models")
    found = Recording()
    warehouse = RecordingWarehouse(target_project, dataset, seeds)
    _exercise(warehouse, project, schemas, seeds)
    _exercise_pulse(warehouse, project, schemas, models)
    suites = read_suites(project / "expectations")
    for suite in suites:
        _exercise_suite(warehouse, suite)
    # Once for all suites.
    warehouse.built("all", queries.coverage_query, suites, f"{target_project}.{dataset}", _DAYS, _PARAMETERS)
    warehouse.built("all", queries.uncounted_query, f"{target_project}.{dataset}", _DAYS)
    sent = warehouse.sent
    package = project / "src" / "trueup"
    for one in sent:
        file, _, line = next(place for place in one.path if place[0].is_relative_to(package))
        source = file.relative_to(project)
        parameters = {key: parse_type("string") for key in one.parameters}
        name, kind = (one.suite, "suite") if one.suite else (f"{source}:{line}", "python")
        if evaluated := _PULSE.search(one.sql):  # its models are checked by themselves, too
            name = f"pulse {evaluated[1]}"
        statement = Statement(name, kind, one.sql, source, parameters=parameters, source_line=line)
        found.statements.append(statement)
    reached = {place[:2] for one in sent for place in one.path}
    found.unreached = [
        f"{path.relative_to(project)}:{line}: {what}"
        for path in sorted(package.rglob("*.py"))
        for line, function_line, what in _places(path)
        if (path, function_line) not in reached
    ]
    return found


def guarded(schemas: Mapping[str, TableSchema]) -> TableSchema:
    """The table for the statements of the guarded write: one that needs a filter on its partitions."""
    return next(schema for schema in schemas.values() if schema.require_partition_filter)


def _exercise(
    warehouse: RecordingWarehouse, project: Path, schemas: Mapping[str, TableSchema], seeds: Iterable[str]
) -> None:
    """Record all statements of trueup's commands."""
    settings = Settings(project, Path(), "prod", _WINDOW, run_id=_RUN)
    reference = Reference({})
    given = {"settings": settings, "dataset": warehouse.dataset, "tables": warehouse, "schemas": schemas}
    work = cast(Any, SimpleNamespace(**given, reference=reference))
    reconcile.read_evidence(warehouse, _WINDOW, _RUN)
    read_answers(work)
    read_judged(work, [])
    coverage_notes(work)
    with suppress(ValueError):  # the query has no row here
        examine_jobs(work)
    warehouse.exercise_lease()
    warehouse.exercise_days(guarded(schemas))
    actor = Actor("ann@laptop", "1")
    RepairAudit(warehouse, schemas[AUDIT], warehouse.dataset, actor, lambda: _WINDOW.as_of).history(_FIRST, _LAST)
    for verdicts in (COMPLETION_VERDICTS, EXPECTATION_VERDICTS):
        warehouse.replace_days(schemas[verdicts], [], _LAST, _FIRST)
    for warehouse.is_empty in (True, False):
        for schema in schemas.values():
            warehouse.create_table(schema, schema.dataset)
    for name in seeds:
        warehouse.replace_seed(name, [])


def _exercise_pulse(
    warehouse: RecordingWarehouse,
    project: Path,
    schemas: Mapping[str, TableSchema],
    models: Mapping[str, CompiledModel],
) -> None:
    """Record the statements of a pulse that has to count every table again."""
    settings = Settings(project, Path(), "prod", _DAYS, run_id=_RUN)
    place = {"project": warehouse.project, "dataset": warehouse.dataset}
    work = cast(Any, SimpleNamespace(settings=settings, tables=warehouse, schemas=schemas, **place))
    sources = {name: f"{warehouse.project}.{name}" for name, schema in schemas.items() if not schema.is_own}
    with temporary_folder() as folder:
        program = Program("", len(_DAYS.dates), sources, dict.fromkeys(sources), {}, models)
        evaluation = evaluate_evidence(work, program, folder / "memory.json")
    evaluation.take_back(DUPLICATES)
    evaluation.evaluate(DUPLICATES, *ANSWERS)


def _exercise_suite(warehouse: RecordingWarehouse, suite: Suite) -> None:
    """Record the queries of a suite, including those shown in findings."""
    relation = f"{warehouse.project}.{warehouse.dataset}"
    places = tuple(range(len(suite.expectations)))
    parameters = _PARAMETERS
    warehouse.built(suite.name, queries.batch_query, suite, relation, _DAYS)
    warehouse.built(suite.name, queries.coverage_query, [suite], relation, _DAYS, parameters)
    warehouse.built(suite.name, queries.examples_query, suite, relation, _DAYS, places, parameters)
    warehouse.built(suite.name, queries.rows_query, suite, relation, _FIRST, places, parameters)
    if suite.needs_rows_where:
        warehouse.built(suite.name, queries.needed_dates_query, suite, relation, _DAYS)


def _places(path: Path) -> Iterator[tuple[int, int, str]]:
    """The places where a module sends SQL or has SQL text: line, first line of the enclosing function, description.

    Modules on SQLite are skipped: BigQuery never gets their SQL.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if any(isinstance(one, ast.Import) and any(name.name == "sqlite3" for name in one.names) for one in ast.walk(tree)):
        return
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
        for node in _own_nodes(function):
            text = _text(node)
            if text and _SQL.match(text) and " " in text.strip():
                yield node.lineno, first, f"SQL text that was not seen to be sent: {text.strip()[:60]!r}"


def _own_nodes(function: ast.AST) -> Iterator[Any]:
    """The nodes of a function without nested functions and its docstring."""
    body = list(ast.iter_child_nodes(function))
    is_documented = isinstance(function, ast.FunctionDef) and ast.get_docstring(function) is not None
    docstring = function.body[0] if is_documented else None  # type: ignore[attr-defined]
    for node in body:
        if node is docstring or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        yield from _own_nodes(node)


def _text(node: ast.AST) -> str:
    """The start of a string or an f-string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        return _text(node.values[0])
    return ""
