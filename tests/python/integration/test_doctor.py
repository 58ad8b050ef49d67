"""``trueup doctor`` names the cause in each broken setup, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import copy_project
from helpers.strict_service import StrictService
from helpers.support import PROJECT, SCENARIOS
from trueup.cli.main import main
from trueup.completion.store import DOCUMENTS
from trueup.gateways.connection import embedded_connection
from trueup.gateways.embedded import PROJECT as CLOUD
from trueup.gateways.embedded import Endpoint
from trueup.gateways.sqlite_completions import SqliteCompletions
from trueup.gateways.warehouse import Warehouse
from trueup.reporting.alerts.state import ALERTS, State, fields_of
from trueup.runs import doctor
from trueup.runs.loading import fill
from trueup.scenario.scenario import load_scenario
from trueup.schemas import read_table_schemas
from trueup.settings import COMPLETIONS_VARIABLE
from trueup.window import now

SCHEMAS = read_table_schemas(PROJECT / "models")
PLAYERS, RUNS = "nba_analytics.player_game_summary", "nba_reference.processor_run_history"
Said = dict[str, dict[str, str]]


@dataclass
class Setup:
    """A night behind the stand-in for BigQuery, and a copy of the project."""

    project: Path
    service: StrictService
    warehouse: Warehouse
    patch: pytest.MonkeyPatch
    said: pytest.CaptureFixture[str]

    def examine(self, *arguments: str) -> tuple[int, Said]:
        """The exit code, and what is said, by what it is about."""
        days = ["--first-date", "2026-02-03", "--last-date", "2026-02-03"]
        self.said.readouterr()
        code = main(["doctor", "--format", "json", *days, "--project-dir", str(self.project), *arguments])
        return code, {one["about"]: one for one in json.loads(self.said.readouterr().out)}

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        path = self.project / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        try:
            yield
        finally:
            path.write_text(text)


@pytest.fixture(scope="module")
def opened(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, StrictService]]:
    folder = tmp_path_factory.mktemp("doctor")
    project = copy_project(folder / "project")
    profiles = project / "profiles.example.yml"
    profiles.write_text(profiles.read_text().replace("\n      location: US\n", "\n"))
    fill(load_scenario(SCENARIOS / "incident-2026-02-03", SCHEMAS), PROJECT, endpoint, folder / "completions.db")
    with Warehouse(embedded_connection(endpoint)) as warehouse:
        warehouse.client.create_dataset("trueup", exists_ok=True)
    service = StrictService(endpoint)
    with service.serving() as address, pytest.MonkeyPatch.context() as patched:
        for name, value in address.environment.items():
            patched.setenv(name, value)
        patched.setenv(COMPLETIONS_VARIABLE, str(folder / "completions.db"))
        patched.delenv("DBT_PROFILES_DIR", raising=False)
        patched.setenv("HOME", str(folder))
        yield project, service


@pytest.fixture
def setup(
    opened: tuple[Path, StrictService],
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Setup]:
    project, service = opened
    service.fresh()
    with Warehouse(embedded_connection(endpoint)) as warehouse:
        yield Setup(project, service, warehouse, monkeypatch, capsys)
    service.fresh()


def test_where_nothing_is_missing_it_says_so_and_has_changed_nothing(setup: Setup) -> None:
    setup.service.calls = []
    code, said = setup.examine()
    assert code == 0
    assert said.pop("alerts")["state"] == "not asked"
    assert {one["state"] for one in said.values()} == {"ok"}
    assert {"settings", "BigQuery", "location", "jobs", "documents", "topic", PLAYERS} <= said.keys()
    assert [call.sql for call in setup.service.calls if call.is_job] == ["select current_timestamp() as there"]
    assert {call.method for call in setup.service.calls if not call.is_job} == {"GET"}


def without(permission: str, place: str) -> Callable[[Setup], None]:
    return lambda setup: _without(setup, permission, place)


def _without(setup: Setup, permission: str, place: str) -> None:
    setup.examine()  # what it uses
    used = setup.service.used
    assert (permission, place) in used, used
    setup.service.grants = {(name, where) for name, where in used if (name, where) != (permission, place)}


def hidden_rows(setup: Setup) -> None:
    setup.service.policies = {f"{CLOUD}.{PLAYERS}"}


def elsewhere(setup: Setup) -> None:
    setup.service.locations = {"nba_analytics": "EU", "nba_raw": "us-east1"}


def no_answer(setup: Setup) -> None:
    setup.patch.setenv("TRUEUP_BIGQUERY_ENDPOINT", "http://127.0.0.1:9")


def odd_documents(setup: Setup) -> None:
    path = setup.project.parent / "odd.db"
    path.write_bytes(b"no database, but long enough to be taken for a header" * 50)
    setup.patch.setenv(COMPLETIONS_VARIABLE, str(path))


def no_documents(setup: Setup) -> None:
    path = setup.project.parent / "empty.db"
    with closing(SqliteCompletions(path, DOCUMENTS)):
        setup.patch.setenv(COMPLETIONS_VARIABLE, str(path))


def no_file(setup: Setup) -> None:
    setup.patch.setenv(COMPLETIONS_VARIABLE, str(setup.project.parent / "nowhere" / "none.db"))


def no_firestore(setup: Setup) -> None:
    setup.patch.setenv(COMPLETIONS_VARIABLE, "firestore")
    setup.patch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)


def fast_clock(setup: Setup) -> None:
    setup.patch.setattr(doctor, "now", lambda: now() + timedelta(hours=1))


@pytest.mark.parametrize(
    ("spoil", "about", "state", "said"),
    [
        (without("bigquery.jobs.create", CLOUD), "jobs", "missing", "bigquery.jobs.create"),
        (without("bigquery.tables.getData", f"{CLOUD}.nba_analytics"), PLAYERS, "missing", "roles/bigquery.dataViewer"),
        (without("bigquery.tables.get", f"{CLOUD}.nba_reference"), RUNS, "note", "bigquery.tables.get"),
        (without("bigquery.datasets.get", f"{CLOUD}.nba_raw"), "location", "missing", "bigquery.datasets.get"),
        (hidden_rows, PLAYERS, "missing", "FILTER USING (TRUE)"),
        (elsewhere, "location", "missing", "TRUEUP_LOCATION"),
        (no_answer, "BigQuery", "missing", "TRUEUP_BIGQUERY_ENDPOINT"),
        (odd_documents, "documents", "missing", "a writable SQLite file"),
        (no_documents, "documents", "note", "has no document from 2026-02-03"),
        (no_file, "documents", "missing", "none.db does not exist"),
        (no_firestore, "settings", "missing", "FIRESTORE_EMULATOR_HOST"),
        (fast_clock, "clock", "missing", "3600 s fast"),
    ],
)
def test_what_is_broken_around_it_is_named(
    setup: Setup, spoil: Callable[[Setup], None], about: str, state: str, said: str
) -> None:
    spoil(setup)
    code, found = setup.examine()
    assert (found[about]["state"], code) == (state, 2 if state == "missing" else 0)
    assert said in f"{found[about]['message']} {found[about]['step']}"
    assert not (setup.project.parent / "nowhere").exists()  # it changes nothing


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("dbt_project.yml", "platform_time_zone: America/New_York", "platform_time_zone: New York", "not a time zone"),
        ("dbt_project.yml", 'reports_due_time: "08:00"', 'reports_due_time: "25:99"', "The var reports_due_time"),
        (
            "dbt_project.yml",
            "racing_writers_minutes: 10",
            "racing_writers_minutes: abc",
            "The var racing_writers_minutes",
        ),
        ("seeds/processor_roster.csv", "is_critical", "critical", "lacks the column is_critical"),
        (
            "seeds/processor_roster.csv",
            "summary,player_game_summary",
            "summary,player_game_sumary",
            "no source declares",
        ),
        ("models/staging/nba_raw/_sources.yml", "sources:", "sauces:", "lacks a part of a source"),
        ("models/reporting/findings.sql", "select", "{{ select", "dbt parse stopped"),
        ("dbt_project.yml", "counted_game_ids: [", 'counted_game_ids: "002" #', "dbt parse stopped"),
        ("dbt_project.yml", "vars:", "vars: 3", "dbt_project.yml cannot be read"),
        ("seeds/rules.csv", "TRIG001,", "TRIG01,", "rules.csv has no rule TRIG001"),
        ("seeds/scraper_roster.csv", "America/New_York", "Europe/Berlin", "which roster_time_zones lacks"),
        ("seeds/service_level_targets.csv", "at_least", "at least", "direction is 'at least'"),
    ],
)
def test_a_broken_file_of_the_project_is_named(setup: Setup, file: str, old: str, new: str, said: str) -> None:
    with setup.edited(file, old, new):
        code, found = setup.examine()
    wrong = [one for one in found.values() if one["state"] == "missing"]
    assert (code, said in wrong[0]["message"]) == (2, True), wrong
    assert all(one["step"] for one in wrong)


def test_an_empty_project_file_and_a_missing_seed_are_named(setup: Setup) -> None:
    with setup.edited("seeds/teams.csv", "team_abbr", "team_abbr"):
        (setup.project / "seeds" / "teams.csv").unlink()
        code, found = setup.examine()
    assert (code, found["settings"]["step"]) == (2, "Restore it: see the file in the repository.")
    with setup.edited("dbt_project.yml", "name", "name"):
        (setup.project / "dbt_project.yml").write_bytes(b"")
        code, found = setup.examine()
    assert (code, "is empty" in found["settings"]["message"]) == (2, True)


def test_an_unknown_target_and_one_without_a_project_are_named(setup: Setup) -> None:
    for target, said in (("prode", "prode"), ("prod", "TRUEUP_PROJECT")):
        setup.patch.delenv("TRUEUP_PROJECT", raising=False)
        code, found = setup.examine("--target", target)
        assert code == 2
        assert said in f"{found['settings']['message']} {found['settings']['step']}"
    setup.patch.setenv("TRUEUP_PROJECT", "")
    _, found = setup.examine("--target", "prod")
    assert "has no project" in found["settings"]["message"]
    setup.patch.setenv("TRUEUP_PROJECT", "p")
    setup.patch.setenv("TRUEUP_MAXIMUM_BYTES_BILLED", "0")
    _, found = setup.examine("--target", "prod")
    assert "which would be no limit" in found["settings"]["message"]


TABLES: list[tuple[str, str, str, str]] = [
    ("drop table `{0}`", PLAYERS, "missing", "does not exist"),
    ("drop table `{0}`", RUNS, "note", "does not exist"),
    ("create or replace table `{0}` as select * except (points) from `{0}`", PLAYERS, "missing", "column: points"),
    (
        "create or replace table `{0}` as select * replace (cast(points as string) as points) from `{0}`",
        PLAYERS,
        "missing",
        "points is string, declared as int64",
    ),
]


@pytest.mark.parametrize(("spoil", "table", "state", "said"), TABLES)
def test_a_table_that_is_not_as_declared_is_named(setup: Setup, spoil: str, table: str, state: str, said: str) -> None:
    name = f"{CLOUD}.{table}"
    kept = f"{CLOUD}.trueup.kept"
    setup.warehouse.query(f"create or replace table `{kept}` as select * from `{name}`")
    setup.warehouse.query(spoil.format(name))
    try:
        code, found = setup.examine()
    finally:
        setup.warehouse.query(f"create or replace table `{name}` as select * from `{kept}`")
        setup.warehouse.query(f"drop table `{kept}`")
    assert (found[table]["state"], code) == (state, 2 if state == "missing" else 0)
    assert said in found[table]["message"]


def test_a_dataset_that_the_first_run_will_make_is_a_note(setup: Setup) -> None:
    setup.warehouse.drop_dataset("trueup")
    try:
        code, found = setup.examine()
    finally:
        setup.warehouse.client.create_dataset("trueup")
    assert (code, found["trueup's dataset"]["state"]) == (0, "note")
    assert "bigquery.datasets.create" in found["trueup's dataset"]["step"]


def test_text_has_a_mark_and_a_next_step(setup: Setup) -> None:
    fast_clock(setup)
    assert main(["doctor", "--project-dir", str(setup.project)]) == 2
    out = setup.said.readouterr().out
    assert "✔ settings:" in out
    assert "✘ clock: This machine's clock is 3600 s fast." in out
    assert "    → Set it (NTP)" in out


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, ("ok", "Nothing was sent yet")),
        ({}, ("missing", "cannot be read")),
        (fields_of(State("slack", "local")), ("ok", "The state of 1 channel can be read")),
    ],
    ids=["none", "damaged", "kept"],
)
def test_the_state_of_the_alerts_is_looked_at(
    state: dict[str, Any] | None, said: tuple[str, str], setup: Setup, tmp_path: Path
) -> None:
    file = tmp_path / "alerts.db"
    setup.patch.setenv("TRUEUP_SLACK_WEBHOOK", "http://127.0.0.1:9/secret")
    setup.patch.setenv("TRUEUP_ALERT_STATE", str(file))
    if state is not None:
        with closing(SqliteCompletions(file, ALERTS)) as store:
            store.replace("slack-local", state)
    _, found = setup.examine()
    assert (found["alerts"]["state"], said[1] in found["alerts"]["message"]) == (said[0], True)
    assert "secret" not in json.dumps(found)
    assert file.exists() == (state is not None)


@pytest.mark.parametrize(
    ("url", "content", "said"),
    [
        ("nota.url", "", "TRUEUP_SLACK_WEBHOOK"),
        ("http://127.0.0.1:9/", "no database" * 500, "set TRUEUP_ALERT_STATE to"),
    ],
)
def test_alerts_that_could_not_be_sent_are_told_before(
    url: str, content: str, said: str, setup: Setup, tmp_path: Path
) -> None:
    file = tmp_path / "alerts.db"
    if content:
        file.write_text(content)
    setup.patch.setenv("TRUEUP_SLACK_WEBHOOK", url)
    setup.patch.setenv("TRUEUP_ALERT_STATE", str(file))
    code, found = setup.examine()
    assert (code, found["alerts"]["state"]) == (2, "missing")
    assert said in f"{found['alerts']['message']} {found['alerts']['step']}"
