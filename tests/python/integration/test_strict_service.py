"""The commands behind a strict stand-in for BigQuery: with exactly the permissions of README.md they pass, without one
of them they name it, and a lost network ends them.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import copy_project
from helpers.connections import connection
from helpers.job_rounds import READ_AT_ONCE, rounds
from helpers.receivers import receiver
from helpers.replaying import Silent
from helpers.strict_rules import LARGEST_REQUEST
from helpers.strict_service import Call, Fault, StrictService
from helpers.support import PROJECT, SCENARIOS
from trueup.cli.main import main
from trueup.errors import CannotCheckError, DbtError, WarehouseError
from trueup.expectations.examine import SUITES_AT_ONCE
from trueup.expectations.suites import read_suites
from trueup.gateways.connection import embedded_connection
from trueup.gateways.embedded import PROJECT as CLOUD
from trueup.gateways.embedded import Endpoint
from trueup.gateways.lease import LEASE
from trueup.gateways.warehouse import Warehouse
from trueup.parsing import read_yaml
from trueup.runs.build import building
from trueup.runs.loading import fill
from trueup.runs.notes import coverage_notes
from trueup.runs.verdicts import COMPLETION_VERDICTS
from trueup.runs.wiring import open_workplace
from trueup.runs.workplace import Workplace
from trueup.scenario.scenario import load_scenario
from trueup.schemas import read_table_schemas
from trueup.settings import COMPLETIONS_VARIABLE, Settings
from trueup.window import Window

pytestmark = pytest.mark.slow

DAY = date(2026, 2, 3)
SCHEMAS = read_table_schemas(PROJECT / "models")
SOURCES = sorted({f"{CLOUD}.{one.dataset}" for one in SCHEMAS.values()} - {f"{CLOUD}.trueup"})
OWN = f"{CLOUD}.trueup"
# A view on a source, and a seed.
STAGED, SEED = "stg_nba_raw__nbac_schedule", "teams"
# Seconds for one answer, in the profile of the copy.
ANSWER = "TEST_ANSWER_SECONDS"
Grants = set[tuple[str, str]]


# ---- the permissions of README.md


def permissions(command: str) -> Grants:
    """The permissions on BigQuery that README.md lists for a command, each with a project or a dataset."""
    places = {"the project of the jobs": [CLOUD], "the datasets of the sources": SOURCES, "trueup's dataset": [OWN]}
    found: Grants = set()
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    for commands, names, place, _ in re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE):
        if f"`{command}`" in commands and place in places:
            found |= {(name, where) for name in re.findall(r"`(bigquery\.[\w.]+)`", names) for where in places[place]}
    return found


READ = permissions("check")


@dataclass
class Stage:
    """A night in the warehouse, a copy of the project, and the stand-in between."""

    service: StrictService
    project: Path
    address: Endpoint
    as_of: str
    contracted: set[str] = field(default_factory=set)

    def run(self, *command: str) -> int:
        """The exit code of a command on the night."""
        when = [] if "--fix" in command else ["--as-of", self.as_of]
        days = ["--first-date", str(DAY), "--last-date", str(DAY)]
        form = [] if command == ("backfill",) else ["--format", "json"]
        return main([*command, *when, *days, *form, "--project-dir", str(self.project)])

    @contextmanager
    def work(self) -> Iterator[Workplace]:
        """The workplace of a run on the night."""
        scenario = load_scenario(SCENARIOS / "incident-2026-02-03", SCHEMAS)
        settings = Settings(self.project, self.project / ".trueup", "local", Window(DAY, DAY, scenario.as_of))
        with open_workplace(settings, Silent()) as work:
            yield work


def enforce_contracts(project: Path) -> dict[str, dict[str, str]]:
    """Enforce the contracts in a copy of the project, as on BigQuery. Returns the columns of each, with their types."""
    found: dict[str, dict[str, str]] = {}
    for path in (project / "models").rglob("*.yml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\"{{ target.project != 'trueup-local' }}\"", "true"), encoding="utf-8")
        for model in read_yaml(path).get("models", ()):
            if model.get("config", {}).get("contract"):
                found[model["name"]] = {one["name"]: one["data_type"].lower() for one in model["columns"]}
    return found


@pytest.fixture(scope="module")
def night(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("strict")
    project = copy_project(folder / "project")
    profiles = project / "profiles.example.yml"
    text = profiles.read_text(encoding="utf-8")
    assert "\n      location: US\n" in text
    limits = f"      job_creation_timeout_seconds: \"{{{{ env_var('{ANSWER}', '300') | as_number }}}}\"\n"
    profiles.write_text(text.replace("\n      location: US\n", f"\n{limits}"), encoding="utf-8")
    scenario = load_scenario(SCENARIOS / "incident-2026-02-03", SCHEMAS)
    fill(scenario, PROJECT, endpoint, folder / "completions.db")
    with Warehouse(embedded_connection(endpoint)) as warehouse:
        warehouse.client.create_dataset("trueup", exists_ok=True)
    service = StrictService(endpoint, enforce_contracts(project))
    with service.serving() as address, pytest.MonkeyPatch.context() as patched:
        for name, value in address.environment.items():
            patched.setenv(name, value)
        patched.setenv(COMPLETIONS_VARIABLE, str(folder / "completions.db"))
        patched.delenv("DBT_PROFILES_DIR", raising=False)
        patched.setenv("HOME", str(folder))
        yield Stage(service, project, address, scenario.as_of.isoformat())


@pytest.fixture
def stage(night: Stage, endpoint: Endpoint) -> Iterator[Stage]:
    """The night, with an empty log, everything allowed, and no lease: a run without a network leaves it."""
    night.service.fresh()
    yield night
    night.service.fresh()
    with Warehouse(embedded_connection(endpoint)) as warehouse:
        if any(table.table_id == LEASE for table in warehouse.client.list_tables(OWN)):
            warehouse.query(f"update `{OWN}.{LEASE}` set expires_at = timestamp '2020-01-01' where true")


# ---- with these permissions, and in a location that only the sources tell


@pytest.mark.parametrize(
    ("command", "code"),
    [(["expectations"], 0), (["check"], 1), (["reconcile", "--fix"], 1), (["backfill"], 0)],
    ids=lambda one: str(one),
)
def test_a_command_passes_with_exactly_the_permissions_of_the_readme(
    stage: Stage, command: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A check sends at most 150 jobs, and at most 30 are in sequence: if each job took a second and all else nothing,
    it would take 30 seconds. That is the length of a schedule of the logged jobs with the threads of the target prod,
    in which each model waits for the models that it reads and for their tests, each test and suite for what it reads,
    and each job of Python for the job before it (see job_rounds).
    """
    granted = permissions(command[0])
    stage.service.grants = set(granted)
    stage.service.locations = {name.split(".")[1]: "EU" for name in [*SOURCES, OWN]}
    stage.service.calls = []
    stage.service.faults = [Fault("delay", is_read_at_once, seconds=0.5)]
    assert stage.run(*command) == code, capsys.readouterr()
    refused = [(call.method, call.path, call.refusal, call.sql[:300]) for call in stage.service.calls if call.refusal]
    assert refused == []
    said = capsys.readouterr().out
    assert command == ["backfill"] or json.loads(said)["problems"] == []
    unused = granted - stage.service.used
    if command == ["backfill"]:  # it reads some of the sources
        unused = {(name, place) for name, place in unused if place not in SOURCES}
    assert unused == set(), "README.md lists permissions that the command does not need"
    jobs = [call for call in stage.service.calls if call.is_job]
    stage.contracted |= {act.target.rpartition(".")[2] for call in jobs if call.columns for act in call.acts}
    assert {call.labels["app"] for call in jobs} == {"trueup"}
    assert len({call.labels["run_id"] for call in jobs}) == 1
    assert not {call.labels["step"] for call in jobs} & {"", "none"}
    # Each row of a source is read once: those of the days, and apart from them those without a partition.
    for is_undated in (False, True):
        reads = [one for call in jobs if (call.labels["step"] == "stg_undated_rows") == is_undated for one in call.acts]
        # A new table is first created empty, by a query without rows.
        counts = Counter(
            table for one in reads for table in one.reads if is_source(table) and one.kind != "create table"
        )
        assert set(counts.values()) <= {1}, counts
        assert counts or (is_undated and command != ["check"])
    if command == ["check"]:  # dbt's models and tests, Python's tables and the suites of Great Expectations
        assert stage.contracted == set(stage.service.contracts)
        assert {"games", LEASE, "completion_verdicts", "player_game_summary_latest"} <= {
            call.labels["step"] for call in jobs
        }
        # A first run also creates tables.
        daily = [call for call in jobs if not any(act.kind == "create table" for act in call.acts)]
        assert len(daily) <= 150
        threads = read_yaml(PROJECT / "profiles.example.yml")["trueup"]["outputs"]["prod"]["threads"]
        suites = {path.stem for path in (PROJECT / "expectations").glob("*.json")}
        assert rounds(daily, suites, threads=threads, suites_at_once=SUITES_AT_ONCE) <= 30
        at_once = [call for call in jobs if is_read_at_once(call)]
        assert {call.labels["step"] for call in at_once} == READ_AT_ONCE
        assert max(call.began for call in at_once) < min(call.ended for call in at_once)


def is_read_at_once(call: Call) -> bool:
    """A job of Python, not the one with which dbt makes the view."""
    return call.labels.get("step") in READ_AT_ONCE and call.sql.startswith("select")


def is_source(table: str) -> bool:
    return table.rpartition(".")[0] in SOURCES


# ---- without one of them


def dbt(*arguments: str) -> Any:
    return lambda work: work.dbt.run(list(arguments))


MODEL = dbt("run", "--select", STAGED)
WITHOUT: dict[tuple[str, str], Any] = {
    ("bigquery.jobs.create", "project"): lambda work: work.tables.query("select 1"),
    ("bigquery.datasets.get", "sources"): lambda work: work.tables.settle_location(SOURCES),
    ("bigquery.tables.get", "sources"): MODEL,
    ("bigquery.tables.getData", "sources"): MODEL,
    ("bigquery.datasets.get", "own"): lambda work: work.tables.leased("1", "ann").__enter__(),
    ("bigquery.tables.create", "own"): lambda work: work.tables.leased("1", "ann").__enter__(),
    ("bigquery.tables.list", "own"): MODEL,
    ("bigquery.tables.update", "own"): dbt("run", "--select", "active_waivers"),
    ("bigquery.tables.get", "own"): lambda work: work.tables.create_table(SCHEMAS[COMPLETION_VERDICTS], "trueup"),
    ("bigquery.tables.getData", "own"): lambda work: work.tables.rows_between("active_waivers", ["rule"], DAY, DAY),
    ("bigquery.tables.updateData", "own"): lambda work: work.tables.replace_days(
        SCHEMAS[COMPLETION_VERDICTS], [], date(2020, 1, 1), date(2020, 1, 1)
    ),
}
PLACES = {"project": [CLOUD], "sources": SOURCES, "own": [OWN]}


def test_each_permission_of_the_readme_is_taken_out_below() -> None:
    taken = {(name, one) for name, place in WITHOUT for one in PLACES[place]}
    for command in ("check", "expectations", "reconcile", "backfill"):
        assert permissions(command) == taken


@pytest.mark.parametrize(("permission", "place"), WITHOUT)
def test_a_missing_permission_is_named_with_the_next_step(stage: Stage, permission: str, place: str) -> None:
    with stage.work() as work:
        if permission == "bigquery.tables.create":
            stage.service.is_strict = False
            work.tables.query(f"drop table if exists `{OWN}.{LEASE}`")
        stage.service.grants = READ - {(permission, one) for one in PLACES[place]}
        with pytest.raises(CannotCheckError) as raised:
            WITHOUT[permission, place](work)
    assert permission in raised.value.text
    assert "Grant the account" in raised.value.hint
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("names", [("bigquery.tables.getData",), ("bigquery.datasets.get", "bigquery.tables.get")])
def test_an_optional_source_that_may_not_be_read_counts_as_missing_and_says_so(
    stage: Stage, names: tuple[str, ...]
) -> None:
    optional = f"{CLOUD}.nba_reference"
    stage.service.grants = READ - {(name, optional) for name in names}
    with stage.work() as work, building(work) as built:
        built.dbt.run(["run", "--select", "stg_nba_reference__processor_run_history", "source_coverage"])
        (note,) = [one for one in coverage_notes(built) if optional in one]
    assert "may not be read" in note
    assert "permission" in note.lower()


def test_a_source_of_which_rows_may_be_hidden_stops_the_run(stage: Stage) -> None:
    """BigQuery refuses to list rows to an account for which row-level policies hide some, and answers its queries."""
    stage.service.policies = {f"{CLOUD}.nba_analytics.player_game_summary"}
    with stage.work() as work, pytest.raises(CannotCheckError) as raised, building(work):
        pass
    assert "nba_analytics.player_game_summary may not be read in full" in raised.value.message
    assert "FILTER USING (TRUE)" in raised.value.hint
    assert not [call for call in stage.service.calls if call.is_job]


def test_a_dataset_that_must_be_created_first_is_named(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """The report says it, too."""
    stage.service.grants = set(READ)
    stage.service.grants |= {(name, f"{CLOUD}.fresh") for name, where in READ if where == OWN}
    profiles = stage.project / "profiles.example.yml"
    text = profiles.read_text(encoding="utf-8")
    try:
        profiles.write_text(text.replace("dataset: trueup\n", "dataset: fresh\n", 1), encoding="utf-8")
        assert stage.run("check") == 3
    finally:
        profiles.write_text(text, encoding="utf-8")
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert "bigquery.datasets.create" in problem
    assert "Grant the account" in problem
    assert "bigquery.datasets.create" in (stage.project / ".trueup" / "report.html").read_text(encoding="utf-8")


def test_a_contradicting_location_is_an_error_before_anything_is_created(stage: Stage) -> None:
    stage.service.locations = {"nba_raw": "EU", "nba_analytics": "US"}
    assert stage.run("reconcile") == 2
    assert [call for call in stage.service.calls if call.is_job or call.method != "GET"] == []


def test_a_wrong_location_is_not_found_and_has_a_next_step(stage: Stage) -> None:
    stage.service.locations = {"trueup": "EU"}
    stage.service.is_strict = False
    with Warehouse(embedded_connection(stage.address)) as warehouse, pytest.raises(WarehouseError) as raised:
        warehouse.query(f"select 1 from `{OWN}.{SEED}`")
    assert "was not found in location US" in raised.value.message
    assert "location" in raised.value.hint


# ---- the stand-in itself


def test_a_job_without_limits_or_labels_is_refused(stage: Stage) -> None:
    with Warehouse(embedded_connection(stage.address)) as warehouse, pytest.raises(WarehouseError, match="House rule"):
        warehouse.query("select 1")


def test_a_table_with_the_columns_of_another_contract_is_refused(stage: Stage) -> None:
    stage.service.is_strict = False
    columns = ", ".join(f"{name} {kind}" for name, kind in stage.service.contracts["scraper_lateness"].items())
    with Warehouse(embedded_connection(stage.address)) as warehouse, pytest.raises(WarehouseError, match="contract"):
        warehouse.query(f"create or replace table `{OWN}.findings` ({columns}) as (select 1)")


def test_a_request_over_ten_megabytes_is_refused(stage: Stage) -> None:
    stage.service.is_strict = False
    with Warehouse(embedded_connection(stage.address)) as warehouse, pytest.raises(WarehouseError, match="Too Large"):
        warehouse.query("select @text as text", {"text": "x" * LARGEST_REQUEST})


def test_a_view_needs_what_it_reads(stage: Stage) -> None:
    """Whoever may read a view, but not its table, is refused."""
    stage.service.is_strict = False
    stage.service.views[f"{OWN}.seen"] = frozenset({f"{CLOUD}.nba_raw.nbac_schedule"})
    stage.service.grants = READ - {("bigquery.tables.getData", f"{CLOUD}.nba_raw")}
    with (
        Warehouse(embedded_connection(stage.address)) as warehouse,
        pytest.raises(WarehouseError, match=r"query table .*nbac_schedule"),
    ):
        warehouse.query(f"select * from `{OWN}.seen`")


# ---- what dbt refuses, here with the contracts of BigQuery


def test_columns_that_differ_from_the_contract_are_refused_before_the_table_is_made(stage: Stage) -> None:
    path = stage.project / "models" / "quality" / "lateness" / "scraper_lateness.yml"
    text = path.read_text(encoding="utf-8")
    changed = text.replace("- name: run_count\n", "- name: runs\n", 1)
    changed = changed.replace("data_type: bool\n", "data_type: string\n", 1)
    with stage.work() as work:
        dbt("seed")(work)
        dbt("run", "--select", "+scraper_lateness")(work)
    try:
        path.write_text(changed, encoding="utf-8")
        with stage.work() as work:
            stage.service.calls = []
            with pytest.raises(DbtError) as raised:
                dbt("run", "--select", "scraper_lateness")(work)
    finally:
        path.write_text(text, encoding="utf-8")
    assert "enforced contract that failed" in raised.value.text
    assert not [call for call in stage.service.calls if call.is_job and call.labels["step"] == "scraper_lateness"]


def test_an_incremental_table_gets_the_columns_that_are_declared(stage: Stage) -> None:
    with stage.work() as work:
        stage.service.is_strict = False
        MODEL(work)
        work.tables.query(
            f"create or replace table `{OWN}.{STAGED}` partition by game_date as "
            f"select * except (game_status), cast(null as string) as undeclared from `{OWN}.{STAGED}`"
        )
        MODEL(work)
        rows = work.tables.query(f"select game_status, undeclared from `{OWN}.{STAGED}`")
    assert {row["game_status"] for row in rows} == {1, 3}
    assert {row["undeclared"] for row in rows} == {None}


def test_a_failed_test_names_the_table_the_columns_the_rule_and_the_value(stage: Stage) -> None:
    names = ("teams", "scraper_roster", "known_exceptions", "rules")
    wrong = {
        "teams": "(team_abbr, team_name) values ('BOS', 'again'), (null, 'nobody'), (null, 'nobody')",
        "scraper_roster": "(scraper_name, due_time, alert_time, time_zone, day_offset, requires_games) "
        "values ('a', '', '', '', 9, true)",
        "known_exceptions": "(rule, subject, game_date, reason, until) "
        "values ('NONE001', 'x', date '2020-01-01', 'no rule', date '2020-01-01')",
    }
    found: set[tuple[str, ...]] = set()
    with stage.work() as work:
        stage.service.is_strict = False
        work.dbt.run(["seed", "--select", *names])
        work.tables.query(
            f"create table if not exists `{OWN}.rule_outcomes` as select 'x' as rule"
        )  # for refuse_unbuilt
        for name, row in wrong.items():
            work.tables.query(f"insert into `{OWN}.{name}` {row}")
            (result,) = work.dbt.run(["test", "--store-failures", "--select", f"well_formed_{name}"])
            assert result.status == "fail"
            found |= {
                tuple(str(cell) for cell in row.values())
                for row in work.tables.query(f"select * from `{OWN}_dbt_test__audit.well_formed_{name}`")
            }
        work.dbt.run(["seed", "--select", *names])
        (result,) = work.dbt.run(["test", "--select", "well_formed_teams"])
        assert result.status == "pass"
    assert found == {
        ("teams", "team_abbr", "unique", "BOS", "2"),
        ("teams", "team_abbr", "unique", "NULL", "2"),
        ("teams", "team_abbr", "not_null", "NULL", "2"),
        ("scraper_roster", "day_offset", "accepted_values", "9", "1"),
        ("known_exceptions", "rule", "relationships", "NONE001", "1"),
    }


# ---- a bad network


def real(stage: Stage, **limits: int) -> Warehouse:
    """The warehouse as if it were BigQuery: with retries. This address is on the loopback, but does not look so."""
    url = stage.address.url.replace("127.0.0.1", "127.1")
    return Warehouse(
        connection(database=CLOUD, api_endpoint=url, token=stage.address.token, maximum_bytes_billed=10**9, **limits)
    )


def first_job(verb: str) -> Any:
    return lambda call: any(act.kind == verb for act in call.acts)


def test_a_dropped_answer_is_asked_for_again_and_changes_nothing_twice(stage: Stage) -> None:
    schema = SCHEMAS[COMPLETION_VERDICTS]
    day = date(2020, 1, 1)
    row = {"game_date": str(day), "rule": "DONE001", "run_id": "x"}
    with real(stage) as warehouse:
        stage.service.faults = [Fault("drop", first_job("create table"), times=1)]
        with warehouse.leased("mine", "ann"):
            assert warehouse.has_lease("mine")
        stage.service.faults = [Fault("drop", first_job("merge"), times=1)]
        warehouse.replace_days(schema, [row], day, day)
        stage.service.faults = [Fault("repeat", first_job("merge"), times=1)]
        warehouse.replace_days(schema, [row], day, day)
        assert len(warehouse.rows_between(schema.table, ["rule"], day, day)) == 1
        warehouse.replace_days(schema, [], day, day)


@pytest.mark.parametrize("limits", [{}, {"job_retry_deadline_seconds": 1}])
def test_an_answer_that_is_late_is_no_failure(stage: Stage, limits: dict[str, int]) -> None:
    stage.service.faults = [Fault("delay", lambda _: True, seconds=0.3)]
    with real(stage, job_creation_timeout_seconds=5, **limits) as warehouse:
        assert warehouse.query("select 1 as one") == [{"one": 1}]


def test_a_lost_network_ends_a_run_once_and_not_at_each_request(stage: Stage) -> None:
    stage.service.faults = [Fault("swallow", lambda _: True)]
    with real(stage, job_creation_timeout_seconds=1, job_retry_deadline_seconds=1) as warehouse:
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(WarehouseError, match="does not answer") as raised:
                warehouse.query("select 1")
            assert "network" in raised.value.hint
        with pytest.raises(WarehouseError, match="does not answer"):
            warehouse.load("trueup", SEED, [{"team_abbr": "BOS"}])
        assert time.monotonic() - began < 6


def after(jobs: int) -> Any:
    """Whether a call comes after so many jobs."""
    seen: list[Call] = []

    def hits(call: Call) -> bool:
        if call.is_job:
            seen.append(call)
        return len(seen) > jobs

    return hits


@pytest.mark.parametrize(
    ("command", "jobs"), [("check", 0), ("check", 20), ("expectations", 30), ("reconcile --fix", 15)]
)
def test_a_stalled_network_ends_a_command_with_a_message_and_a_report(
    stage: Stage,
    command: str,
    jobs: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(ANSWER, "5")
    stage.service.faults = [Fault("swallow", after(jobs))]
    began = time.monotonic()
    with receiver() as heard:
        monkeypatch.setenv("TRUEUP_WEBHOOK", heard.url)
        monkeypatch.setenv("TRUEUP_ALERT_STATE", str(tmp_path / "alerts.db"))
        assert stage.run(*command.split()) == 3
    assert time.monotonic() - began < 40
    out, err = capsys.readouterr()
    assert ["could_not_check" in json.dumps(one.body) for one in heard.received] == [True] * (command == "check")
    told = json.loads(out)["problems"][0] if command == "check" else err
    assert "does not answer" in " ".join(told.split())
    assert "Check the network" in " ".join(told.split())
    if command == "check":
        assert "does not answer" in (stage.project / ".trueup" / "report.html").read_text(encoding="utf-8")


def test_a_stalled_network_ends_the_suites(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Great Expectations makes a failed suite of a lost network, and would wait again for each of the next ones."""
    monkeypatch.setenv(ANSWER, "2")
    first, second = read_suites(stage.project / "expectations")[:2]
    with stage.work() as work:
        validator = work.validator()
        stage.service.faults = [Fault("swallow", lambda call: call.labels.get("step") == first.name)]
        for suite in (first, second):
            began = time.monotonic()
            with pytest.raises(WarehouseError, match="does not answer"):
                validator.validate(suite, f"select * from `{SOURCES[0]}.player_game_summary`", 1, {}, ())
            assert time.monotonic() - began < (10 if suite is first else 2)
