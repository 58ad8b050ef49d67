"""A scenario on the embedded warehouse: the inputs, the SQL and the rows of every model."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlcheck.dbt_project import full_name
from sqlcheck.differential_rows import Table
from sqlcheck.values import Json
from trueup.gateways.warehouse import Warehouse
from trueup.results.compiled import CompiledModel
from trueup.results.outcome import NodeResult
from trueup.runs.check import run_check
from trueup.runs.replay import loaded
from trueup.runs.workplace import Dbt, Listener
from trueup.scenario.scenario import Scenario

# Types that have another name in the REST API than in SQL.
_SQL_TYPES = {"INTEGER": "int64", "BOOLEAN": "bool", "FLOAT": "float64", "RECORD": "struct"}


class ScenarioFailedError(Exception):
    """The scenario could not be run on the embedded warehouse."""


@dataclass(frozen=True)
class BuiltModel:
    """A built model. ``sql``: the text that ran; ``relation`` and ``inputs``: project.dataset.table."""

    name: str
    sql: str
    relation: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class BuiltScenario:
    """A scenario's models in build order, and the tables of the running warehouse.

    ``unbuilt``: models that the run left out; ``read``: returns a whole table, or None if it does not exist.
    """

    name: str
    models: tuple[BuiltModel, ...]
    unbuilt: tuple[str, ...]
    read: Callable[[str], Table | None]


@contextmanager
def built(scenario: Scenario, project_dir: Path, listener: Listener) -> Iterator[BuiltScenario]:
    """Load a scenario into the running embedded warehouse and build it as ``trueup check`` does.

    Every table is new, so an incremental model has all rows of its select. Raises ScenarioFailedError if the run has
    problems.
    """
    with TemporaryDirectory(prefix="trueup-") as state, loaded(scenario, project_dir, Path(state), listener) as work:
        recorder = RecordingDbt(work.dbt, Path(state) / "dbt")
        report = run_check(replace(work, dbt=recorder), with_tests=False, with_expectations=scenario.expectations)
        if report.problems:
            raise ScenarioFailedError(f"{scenario.name}: {' '.join(report.problems)}")
        warehouse = work.tables
        assert isinstance(warehouse, Warehouse)
        models = tuple(recorder.models.values())
        yield BuiltScenario(scenario.name, models, recorder.unbuilt, TableReader(warehouse))


class RecordingDbt:
    """dbt, but compiled models are recorded. ``models``: by unique id, in build order."""

    def __init__(self, dbt: Dbt, target_path: Path) -> None:
        self._dbt = dbt
        self._target_path = target_path
        self.models: dict[str, BuiltModel] = {}
        self._names: dict[str, str] = {}

    def run(
        self, arguments: Sequence[str], on_node: Callable[[str, int, int], None] | None = None
    ) -> Sequence[NodeResult]:
        """Run one command."""
        results = self._dbt.run([*arguments, "--write-json"], on_node)
        manifest = self._artifact("manifest.json")
        relations = {
            unique_id: full_name(node)
            for unique_id, node in {**manifest["nodes"], **manifest["sources"]}.items()
            if node.get("relation_name")
        }
        self._names = {
            unique_id: node["name"] for unique_id, node in manifest["nodes"].items() if node["resource_type"] == "model"
        }
        for result in self._artifact("run_results.json")["results"]:
            unique_id = result["unique_id"]
            if unique_id not in self._names:
                continue
            node = manifest["nodes"][unique_id]
            self.models[unique_id] = BuiltModel(
                name=node["name"],
                sql=result["compiled_code"],
                relation=relations[unique_id],
                inputs=tuple(relations[one] for one in node["depends_on"]["nodes"] if one in relations),
            )
        return results

    def with_vars(self, variables: Mapping[str, Any]) -> Dbt:
        """Not recorded."""
        return self._dbt.with_vars(variables)

    def compiled(self, models: Sequence[str]) -> Mapping[str, CompiledModel]:
        """Not recorded."""
        return self._dbt.compiled(models)

    @property
    def contents(self) -> str:
        """A hash of the project."""
        return self._dbt.contents

    @property
    def replaced_tables(self) -> Collection[str]:
        """The models that are replaced as whole tables."""
        return self._dbt.replaced_tables

    @property
    def source_readers(self) -> Collection[str]:
        """The models that read sources."""
        return self._dbt.source_readers

    @property
    def checks(self) -> Mapping[str, str]:
        """All models and tests."""
        return self._dbt.checks

    @property
    def sources(self) -> Mapping[str, str]:
        """The names of the sources."""
        return self._dbt.sources

    @property
    def ignored_variables(self) -> tuple[str, ...]:
        """The environment variables that dbt does not get."""
        return self._dbt.ignored_variables

    @property
    def unbuilt(self) -> tuple[str, ...]:
        """The models that no command built."""
        return tuple(sorted(name for unique_id, name in self._names.items() if unique_id not in self.models))

    def _artifact(self, name: str) -> Any:
        return json.loads((self._target_path / name).read_text(encoding="utf-8"))


class TableReader:
    """Reads whole tables and views, each once."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._known: dict[str, Table | None] = {}
        client = warehouse.client
        self._existing = {
            f"{table.project}.{table.dataset_id}.{table.table_id}"
            for dataset in client.list_datasets()
            for table in client.list_tables(dataset.dataset_id)
        }

    def __call__(self, relation: str) -> Table | None:
        """The table, or None if it does not exist."""
        if relation not in self._known:
            self._known[relation] = self._read(relation) if relation in self._existing else None
        return self._known[relation]

    def _read(self, relation: str) -> Table:
        found = self._warehouse.client.query_and_wait(f"select * from `{relation}`")
        columns = {field.name.lower(): _type_text(field) for field in found.schema}
        rows = [dict(zip(columns, row.values(), strict=True)) for row in found]
        for row, name in ((row, name) for row in rows for name, kind in columns.items() if kind == "json"):
            # The client has already parsed it.
            row[name] = None if row[name] is None else Json.of(row[name])
        return Table(columns, rows)


def _type_text(field: Any) -> str:
    """The SQL type of a field of the REST API, in lower case."""
    name = _SQL_TYPES.get(field.field_type, field.field_type.lower())
    if name == "struct":
        name = f"struct<{', '.join(f'{part.name} {_type_text(part)}' for part in field.fields)}>"
    return f"array<{name}>" if field.mode == "REPEATED" else name
