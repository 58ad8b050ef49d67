"""Seeds are replaced at once: readers never meet a missing, an empty or a doubled table, and grants stay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import copy_project
from helpers.strict_service import StrictService
from helpers.support import PROJECT, csv_rows
from trueup.gateways.connection import embedded_connection
from trueup.gateways.dbt import DbtProject
from trueup.gateways.embedded import Endpoint
from trueup.gateways.warehouse import Warehouse
from trueup.runs.verdicts import COMPLETION_VERDICTS
from trueup.schemas import read_table_schemas

WAIVERS, TEAMS = "known_exceptions", "teams"


@dataclass
class Place:
    """A copy of the project whose requests go through the stand-in for BigQuery, and a warehouse beside it."""

    project: Path
    service: StrictService
    warehouse: Warehouse

    def seed(self, name: str) -> None:
        """``dbt seed`` of one seed, and of nothing else."""
        DbtProject(self.project, self.project / ".trueup", "local", {"run_id": "seeding"}).run(
            ["seed", "--select", name]
        )

    def build(self, model: str) -> None:
        DbtProject(self.project, self.project / ".trueup", "local", {"run_id": "seeding"}).run(
            ["run", "--select", model]
        )

    def rows(self, name: str) -> list[dict[str, Any]]:
        return self.warehouse.query(f"select * from `{self.warehouse.dataset}.{name}`")

    def file(self, name: str) -> Path:
        return self.project / "seeds" / f"{name}.csv"


@pytest.fixture(scope="module")
def opened(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    project = copy_project(tmp_path_factory.mktemp("seeds") / "project")
    service = StrictService(endpoint)
    service.is_strict = False
    with service.serving() as address, pytest.MonkeyPatch.context() as patched:
        for name, value in address.environment.items():
            patched.setenv(name, value)
        patched.delenv("DBT_PROFILES_DIR", raising=False)
        patched.setenv("HOME", str(project))
        with Warehouse(embedded_connection(endpoint)) as warehouse:
            warehouse.drop_dataset(warehouse.dataset)
            yield Place(project, service, warehouse)


@pytest.fixture
def place(opened: Place) -> Place:
    """With the rows of the project, and an empty log."""
    for name in (WAIVERS, TEAMS):
        opened.seed(name)
    opened.service.calls = []
    return opened


def test_a_second_run_neither_drops_nor_creates_the_table(place: Place) -> None:
    # Found 2026-11: each command dropped and loaded the seeds, and the grants on them were lost.
    place.seed(TEAMS)
    done = [(call.method, call.path, call.sql) for call in place.service.calls if call.method != "GET"]
    acts = {act.kind for call in place.service.calls for act in call.acts if act.target}
    assert acts == set()
    assert [method for method, *_ in done if method == "DELETE"] == []
    assert sum(path.startswith("/upload/") and method == "POST" for method, path, _ in done) == 1
    assert len(place.rows(TEAMS)) == len(csv_rows(place.file(TEAMS)))


def test_a_reader_never_meets_a_missing_an_empty_or_a_doubled_table(place: Place) -> None:
    seen: list[object] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            try:
                seen.append(len(place.rows(TEAMS)))
            except Exception as error:
                seen.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(3):
            place.seed(TEAMS)
    finally:
        ended.set()
        reader.join()
    assert len(seen) > 10
    assert set(seen) == {len(csv_rows(place.file(TEAMS)))}


def test_a_seed_with_only_a_header_is_an_empty_table(place: Place) -> None:
    # Found 2026-11: without waivers there was no table, and every check failed.
    file = place.file(WAIVERS)
    whole = file.read_text(encoding="utf-8")
    header = whole.splitlines(keepends=True)[0]
    try:
        file.write_text(header, encoding="utf-8")
        place.seed(WAIVERS)
        assert place.rows(WAIVERS) == []
        place.warehouse.query(f"drop table `{place.warehouse.dataset}.{WAIVERS}`")
        place.seed(WAIVERS)
        assert place.rows(WAIVERS) == []
        place.build("active_waivers")
        assert place.rows("active_waivers") == []
    finally:
        file.write_text(whole, encoding="utf-8")
    place.seed(WAIVERS)
    assert len(place.rows(WAIVERS)) == len(csv_rows(file))


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        ("team_abbr string, team_name string, city string", "one more"),
        ("team_name string, team_abbr string", "another order"),
        ("team_abbr string, team_name int64", "another type"),
    ],
    ids=lambda one: str(one).replace(" ", "-"),
)
def test_a_table_with_other_columns_is_made_again(place: Place, columns: str, first: str) -> None:
    table = f"`{place.warehouse.dataset}.{TEAMS}`"
    place.warehouse.query(f"drop table {table}")
    place.warehouse.query(f"create table {table} ({columns})")
    place.seed(TEAMS)
    assert place.rows(TEAMS) == csv_rows(place.file(TEAMS)), first


def test_a_table_of_verdicts_of_an_earlier_version_gets_its_new_columns_and_keeps_its_rows(place: Place) -> None:
    schema = read_table_schemas(PROJECT / "models")[COMPLETION_VERDICTS]
    older = {name: kind for name, kind in schema.columns.items() if name not in ("reason", "is_blocking")}
    place.warehouse.create_table(replace(schema, columns=older), place.warehouse.dataset)
    row = {"game_date": "2026-02-03", "rule": "DONE001", "subject": "2026-02-03", "outcome": "passed"}
    place.warehouse.load(place.warehouse.dataset, schema.table, [row])
    place.warehouse.create_table(schema, place.warehouse.dataset)
    (found,) = place.rows(schema.table)
    assert set(found) == set(schema.columns)
    assert (found["rule"], found["reason"], found["is_blocking"]) == ("DONE001", None, None)
    place.warehouse.query(f"drop table `{place.warehouse.dataset}.{schema.table}`")
