"""``trueup pulse`` on the embedded warehouse: what it sends, what it reads again, and what it says when it cannot see.

That it says what the check says, of every golden night, is in scenarios/test_golden.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from helpers.command_line import call, copy_project
from helpers.nights import scenario_of
from helpers.receivers import receiver
from helpers.replaying import Silent, sent_by
from helpers.support import PROJECT
from trueup.cli.main import main
from trueup.gateways.embedded import ENDPOINT_VARIABLE, TOKEN_VARIABLE, Endpoint
from trueup.gateways.embedded import PROJECT as CLOUD
from trueup.gateways.warehouse import Warehouse
from trueup.results.report import Report
from trueup.runs.pulse.program import open_program
from trueup.runs.pulse.pulse import run_pulse
from trueup.runs.pulse.turn import turn
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace
from trueup.window import Window, window_vars

pytestmark = pytest.mark.slow

PLAYERS = "nba_analytics.player_game_summary"
DAYS = (date(2026, 2, 3), date(2026, 2, 4))
AS_OF = datetime(2026, 2, 4, 21, tzinfo=UTC)
# The most that a pulse may read on BigQuery, where each table of a statement is billed as 10 MB at least.
MOST_READS = 20


@dataclass
class Night:
    """The incident in the warehouse, and the folder of the pulse."""

    work: Workplace
    folder: Path

    @property
    def warehouse(self) -> Warehouse:
        assert isinstance(self.work.tables, Warehouse)
        return self.work.tables

    def pulse(self, as_of: datetime = AS_OF) -> Report:
        return self.pulse_of(Window(*DAYS, as_of))

    def pulse_of(self, window: Window) -> Report:
        """A pulse that trusts the times of change: the embedded warehouse has none for an update."""
        settings = replace(self.work.settings, window=window)
        return run_pulse(replace(self.work, settings=settings), self.folder, knows_changes=True)

    def statements(self) -> list[str]:
        return [sql for sql, _ in sent_by(self.warehouse, self.pulse)]


@pytest.fixture(scope="module")
def loaded_night(endpoint: Endpoint, state_dir: Path) -> Iterator[Workplace]:
    assert endpoint.url
    with loaded(scenario_of("incident-2026-02-03"), PROJECT, state_dir, Silent()) as work:
        yield work


@pytest.fixture(scope="module")
def program(loaded_night: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled once; a pulse takes it if it fits."""
    file = tmp_path_factory.mktemp("compiled") / "program.json"
    settings = replace(loaded_night.settings, window=Window(*DAYS, AS_OF))
    open_program(replace(loaded_night, settings=settings), file)
    return file


@pytest.fixture
def night(loaded_night: Workplace, program: Path, tmp_path: Path) -> Night:
    shutil.copy(program, tmp_path)
    return Night(loaded_night, tmp_path)


@pytest.mark.parametrize(
    "window",
    [
        Window(date(2026, 3, 7), date(2026, 3, 8), datetime(2026, 3, 8, 12, 0, 0, 1, UTC)),  # the clocks go forward
        Window(date(2024, 2, 28), date(2024, 2, 29), datetime(2024, 3, 1, 4, 59, 59, tzinfo=UTC)),
        Window(date(2025, 12, 31), date(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_the_sql_of_a_pulse_is_what_dbt_compiles_for_its_days(window: Window, night: Night) -> None:
    settings = replace(night.work.settings, window=window)
    work = replace(night.work, settings=settings)
    program = open_program(work, night.folder / "program.json")
    names = ["findings", "rule_outcomes", "completion_evidence", "phase4_evidence"]
    compiled = work.dbt.with_vars({**window_vars(window, {}), "run_id": None}).compiled(names)
    assert compiled.keys() == program.models.keys()
    for name, model in compiled.items():
        text = "\n".join(line for line in model.sql.split("\n") if not line.lstrip().startswith("--"))
        assert program.sql(name, window) == text, name


def test_a_second_pulse_takes_the_program_and_the_counts_of_the_first(night: Night) -> None:
    first, second = night.statements(), night.statements()
    assert any("pulse_row_fingerprints" in sql for sql in first)
    assert not any("pulse_row_fingerprints" in sql for sql in second)
    assert reads(first) <= MOST_READS
    assert reads(second) <= 8, [tables_of(sql) for sql in second]
    assert not [sql for sql in first + second if re.match(r"\s*(create|insert|merge|update|delete|drop)\b", sql, re.I)]


def reads(statements: list[str]) -> int:
    return sum(len(tables_of(sql)) for sql in statements)


def tables_of(sql: str) -> set[str]:
    """The tables that a statement reads. Their names also stand in texts, as in the query of a finding."""
    without_texts = re.sub(r"'(?:[^'\\]|\\.)*'", "''", sql)
    return set(re.findall(rf"`{CLOUD}`?\.`?([\w.`]+)`", without_texts))


def test_only_the_table_that_changed_is_counted_again(night: Night) -> None:
    night.pulse()
    doubled = f"`{CLOUD}.nba_analytics.team_offense_game_summary`"
    day = "where game_date = date '2026-02-03'"
    night.warehouse.query(f"insert into {doubled} select * from {doubled} {day} limit 1")
    try:
        sent: list[str] = []
        reports: list[Report] = []
        sent = [sql for sql, _ in sent_by(night.warehouse, lambda: reports.append(night.pulse()))]
        found = {one.subject: one.observed for one in reports[0].findings if one.rule == "DUP001"}
        assert found == {"player_game_summary": 72, "team_offense_game_summary": 1}
        (counting,) = [sql for sql in sent if sql.endswith("select * from pulse_written_games")]
        assert {table for table in tables_of(counting) if "nba_analytics" in table} == {
            "nba_analytics`.`team_offense_game_summary"
        }
    finally:
        night.warehouse.query(f"create or replace table {doubled} as select distinct * from {doubled}")


def test_a_new_day_is_counted_anew(night: Night) -> None:
    night.pulse()
    report = night.pulse_of(Window(date(2026, 2, 2), date(2026, 2, 3), AS_OF))
    assert [one.observed for one in report.findings if one.rule == "DUP001"] == [72]


def test_a_source_that_disappears_is_told_and_not_an_error_of_the_program(night: Night) -> None:
    night.pulse()
    runs = f"`{CLOUD}.nba_orchestration.scraper_run_history`"
    night.warehouse.query(f"create table `{CLOUD}.nba_orchestration.kept` as select * from {runs}")
    night.warehouse.query(f"drop table {runs}")
    try:
        report = night.pulse()
        lost = [one for one in report.outcomes if one.rule == "LATE002" and one.game_date == DAYS[0]]
        assert [(one.outcome, one.is_blocking) for one in lost] == [("not_run", True)]
        assert "scraper_run_history is missing" in lost[0].reason
    finally:
        night.warehouse.query(f"create table {runs} as select * from `{CLOUD}.nba_orchestration.kept`")
        night.warehouse.query(f"drop table `{CLOUD}.nba_orchestration.kept`")
    assert "LATE001" in {one.rule for one in night.pulse().findings}


def test_an_optional_source_that_may_not_be_seen_leaves_the_other_rules(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BigQuery may refuse to describe a table, too."""
    before = night.pulse()
    look, name = night.warehouse.look, "nba_orchestration.orchestrator_log"
    assert night.work.schemas[name].is_optional
    refused = (None, "Access Denied: bigquery.tables.get")
    monkeypatch.setattr(night.warehouse, "look", lambda one: refused if one.endswith(name) else look(one))
    report = night.pulse()
    assert {one.fingerprint for one in report.findings} == {one.fingerprint for one in before.findings}
    assert report.problems == before.problems


def test_days_with_the_same_games_are_counted_apart(night: Night) -> None:
    """A table without partitions has the same state on all days, and days without games have the same games."""
    defense = f"`{CLOUD}.nba_analytics.team_defense_game_summary`"
    night.warehouse.query(f"create table `{CLOUD}.nba_analytics.kept` as select * from {defense}")
    doubled = (
        "select * replace (date '2026-07-03' as game_date, 'x' as game_id) from "
        f"(select * from {defense} limit 1) cross join unnest([1, 2]) as copies"
    )
    night.warehouse.query(f"create or replace table {defense} as select * except (copies) from ({doubled})")
    try:
        july = [date(2026, 7, day) for day in range(1, 6)]
        found = [
            [one.game_date for one in night.pulse_of(Window(first, last, AS_OF + timedelta(days=150))).findings]
            for first, last in pairwise(july)
        ]
        assert [july[2] in days for days in found] == [False, True, True, False]
    finally:
        night.warehouse.query(f"create or replace table {defense} as select * from `{CLOUD}.nba_analytics.kept`")
        night.warehouse.query(f"drop table `{CLOUD}.nba_analytics.kept`")


def test_on_the_embedded_warehouse_every_table_is_counted_each_time(night: Night) -> None:
    """An update there changes neither the number of rows nor the time of change."""
    settings = replace(night.work.settings, window=Window(*DAYS, AS_OF))
    for _ in range(2):
        sent = sent_by(night.warehouse, lambda: run_pulse(replace(night.work, settings=settings), night.folder))
        assert any("pulse_row_fingerprints" in sql for sql, _ in sent)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"inputs": "x"}', "null"])
@pytest.mark.parametrize("name", ["program.json", "memory.json"])
def test_a_damaged_file_is_made_again(text: str, name: str, night: Night) -> None:
    before = night.pulse()
    (night.folder / name).write_text(text)
    assert night.pulse().findings == before.findings


def test_a_memory_without_its_values_is_made_again(night: Night) -> None:
    before = night.pulse()
    file = night.folder / "memory.json"
    memory = json.loads(file.read_text())
    for one in memory["counted"].values():
        one["values"] = {}
    file.write_text(json.dumps(memory))
    assert night.pulse().findings == before.findings


def test_a_changed_project_is_compiled_again(night: Night) -> None:
    night.pulse()
    other = replace(night.work.settings, variables={"reports_due_time": "09:00"})
    before = json.loads((night.folder / "program.json").read_text())["inputs"]
    open_program(replace(night.work, settings=other), night.folder / "program.json")
    assert json.loads((night.folder / "program.json").read_text())["inputs"] != before


def test_before_reports_are_due_nothing_that_cannot_be_judged_yet_is_a_problem(night: Night) -> None:
    """The schedule of a day without games is known only when it was loaded after the day."""
    dawn = night.pulse(datetime(2026, 2, 4, 12, 59, tzinfo=UTC))
    assert dawn.open_dates == DAYS
    assert not dawn.blocked
    assert dawn.status != "could_not_check"
    assert night.pulse().open_dates == DAYS[1:]


def test_two_at_once_are_one(tmp_path: Path) -> None:
    """The second waits until the first has ended."""
    began, may_end, order = threading.Event(), threading.Event(), []

    def first() -> bool:
        with turn(tmp_path) as is_alone:
            began.set()
            may_end.wait(10)
            order.append("first")
            return is_alone

    def second() -> bool:
        with turn(tmp_path) as is_alone:
            order.append("second")
            return is_alone

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        began.wait(10)
        other = pool.submit(second)
        time.sleep(1)
        may_end.set()
        assert (one.result(10), other.result(10)) == (True, False)
    assert order == ["first", "second"]


def test_the_command_says_the_same_as_json_and_keeps_it(night: Night, tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    endpoint = {name: os.environ[name] for name in (ENDPOINT_VARIABLE, TOKEN_VARIABLE)}
    ran = call(
        project, "pulse", "--format", "json", "--as-of", AS_OF.isoformat(),
        **endpoint, TRUEUP_COMPLETIONS=str(night.work.settings.completions),
    )  # fmt: skip
    said = json.loads(ran.stdout)
    assert ran.returncode == 1, ran.stderr
    assert (said["kind"], said["first_date"], said["last_date"]) == ("pulse", "2026-02-03", "2026-02-04")
    assert {one["rule"] for one in said["findings"]} == {"DUP001", "LATE001", "LATE004", "DONE001", "TRIG001"}
    assert json.loads((project / ".trueup" / "pulse" / "report.json").read_text()) == said


def test_a_dead_warehouse_is_told(tmp_path: Path) -> None:
    ran = call(copy_project(tmp_path), "pulse", TRUEUP_BIGQUERY_ENDPOINT="http://127.0.0.1:9")
    assert ran.returncode == 3
    assert "BigQuery does not answer" in ran.stdout


def _zone(project: Path) -> None:
    file = project / "dbt_project.yml"
    file.write_text(file.read_text().replace("platform_time_zone: America", "platform_time_zone: Amerika"))


def _no_yaml(project: Path) -> None:
    (project / "dbt_project.yml").write_text("name: trueup\nvars: {")


def _number(project: Path) -> None:
    file = project / "dbt_project.yml"
    file.write_text(file.read_text().replace("racing_writers_minutes: 10", "racing_writers_minutes: abc"))


def _no_folder(project: Path) -> None:
    (project / ".trueup").mkdir(exist_ok=True)
    (project / ".trueup" / "pulse").write_text("a file")


def _no_lock(project: Path) -> None:
    (project / ".trueup" / "pulse" / "lock").mkdir(parents=True)


def _no_seed(project: Path) -> None:
    (project / "seeds" / "teams.csv").write_bytes(b"")


def _no_project(project: Path) -> None:
    (project / "dbt_project.yml").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (_zone, 2, "platform_time_zone"),
        (_no_seed, 2, "teams.csv is empty"),
        (_no_project, 2, "dbt_project.yml is empty"),
        (_no_yaml, 2, "dbt_project.yml"),
        (_number, 2, "racing_writers_minutes"),
        (_no_folder, 3, "pulse"),
        (_no_lock, 3, "lock"),
    ],
)
def test_a_pulse_that_could_not_begin_is_told(
    spoil: Callable[[Path], None], code: int, said: str, tmp_path: Path
) -> None:
    """A scheduler's messages are read by nobody."""
    project = copy_project(tmp_path / "project")
    spoil(project)
    state = tmp_path / "alerts.db"
    with receiver() as hook:
        ran = call(project, "pulse", TRUEUP_WEBHOOK=hook.url, TRUEUP_ALERT_STATE=str(state))
        (sent,) = hook.received
    assert ran.returncode == code, ran.stderr
    assert said in json.dumps(sent.body)
    assert sent.body["status"] == "could_not_check"


def test_a_defect_of_a_pulse_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = copy_project(tmp_path / "project")
    monkeypatch.setattr("trueup.cli.pulse.settings_of", _broken)
    monkeypatch.setenv("TRUEUP_ALERT_STATE", str(tmp_path / "alerts.db"))
    monkeypatch.chdir(tmp_path)
    with receiver() as hook:
        monkeypatch.setenv("TRUEUP_WEBHOOK", hook.url)
        codes = [main(["pulse", "--project-dir", str(project)]) for _ in range(2)]
        (sent,) = hook.received
    assert codes == [3, 3]
    assert "a bug in trueup: ZeroDivisionError: planted" in json.dumps(sent.body)


def _broken(*_: object) -> None:
    raise ZeroDivisionError("planted")


@pytest.mark.parametrize("command", ["pulse", "check"])
def test_an_alert_that_cannot_be_sent_since_its_state_is_not_known_is_told_and_the_answer_is_printed(
    command: str, tmp_path: Path
) -> None:
    """The state is in Firestore, beside a target that cannot be used: here, without a login."""
    project = copy_project(tmp_path / "project")
    no_login = {"GOOGLE_APPLICATION_CREDENTIALS": "", "NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(tmp_path)}
    asked = (command, "--target", "prod", "--format", "json")
    with receiver() as hook:
        ran = call(project, *asked, TRUEUP_WEBHOOK=hook.url, TRUEUP_PROJECT="p", TRUEUP_ALERT_STATE="", **no_login)
        assert hook.received == []
    assert ran.returncode == 3, ran.stderr
    assert json.loads(ran.stdout)["status"] == "could_not_check"
    assert "alert webhook not sent: The alert state cannot be read" in ran.stderr


def test_a_file_of_the_alert_state_that_cannot_be_made_hides_no_error(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    _number(project)
    state = project / "dbt_project.yml" / "alerts.db"
    ran = call(project, "pulse", TRUEUP_WEBHOOK="http://127.0.0.1:9/x", TRUEUP_ALERT_STATE=str(state))
    assert ran.returncode == 2, ran.stderr
    assert "alert webhook not sent: The alert state cannot be read or written" in ran.stderr
    assert "racing_writers_minutes" in ran.stderr


def test_a_pulse_in_a_deleted_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TRUEUP_WEBHOOK", "http://127.0.0.1:9/x")
    folder.rmdir()
    assert main(["pulse"]) == 2


def test_an_answer_that_cannot_be_kept_is_printed(night: Night, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    (project / ".trueup" / "pulse" / "report.json").mkdir(parents=True)
    ran = call(project, "pulse", "--as-of", "2026-02-04T12:00:00Z", "--format", "json")
    assert "The answer was not kept" in " ".join(json.loads(ran.stdout)["notes"])


@pytest.mark.parametrize("days", ["0", "8", "-1"])
def test_more_than_a_week_is_not_a_pulse(days: str, tmp_path: Path) -> None:
    ran = call(copy_project(tmp_path), "pulse", "--days", days)
    assert (ran.returncode, "is not between 1 and 7" in ran.stderr) == (2, True)
