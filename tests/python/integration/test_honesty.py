"""What must never pass for an answer: another run's, another day's, a part, or silence."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from helpers.doubles import Act, around, nth
from helpers.nights import scenario_of
from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.errors import DbtError, WarehouseError
from trueup.gateways.dbt import DbtProject
from trueup.gateways.lease import LEASE, LEASE_COLUMNS, Lease
from trueup.gateways.sqlite_completions import SqliteCompletions
from trueup.gateways.warehouse import Warehouse
from trueup.results.outcome import NodeResult
from trueup.results.report import Report
from trueup.runs.answers import FINDING_TESTS, RULE_TEST, read_answers
from trueup.runs.check import run_check
from trueup.runs.reconcile import read_evidence
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace
from trueup.scenario.scenario import Scenario
from trueup.schemas import read_table_schemas

pytestmark = pytest.mark.usefixtures("endpoint")
SCHEMAS = read_table_schemas(PROJECT / "models")
DAY = date(2026, 2, 3)


def night(name: str = "rewritten-later") -> Scenario:
    """A small night on which nothing is wrong."""
    return scenario_of(name)


@contextmanager
def opened(scenario: Scenario, state_dir: Path, **variables: Any) -> Iterator[Workplace]:
    scenario = replace(scenario, vars={**scenario.vars, **variables})
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        yield work


def checked(work: Workplace) -> Report:
    return run_check(work, with_tests=False, with_expectations=False)


def other_dbt(work: Workplace, state_dir: Path, **variables: Any) -> DbtProject:
    """dbt as somebody else runs it on the same tables: with other vars, and no run of trueup."""
    window = work.settings.window
    days = {"first_date": str(window.first_date), "last_date": str(window.last_date)}
    return DbtProject(PROJECT, state_dir / "other", "local", {**days, **variables})


def before(step: str, first: Callable[[], object]) -> Act:
    """What somebody else does before the rows of one model are read, once."""
    reads = nth(1, first)

    def heard(called: str, *arguments: object) -> None:
        if called == "rows_between" and arguments[0] == step:
            reads(called)

    return heard


# --- a part that fails late -------------------------------------------------------------------------------------------


def test_what_was_found_is_told_although_something_fails_afterwards(state_dir: Path) -> None:
    def failing(act: str) -> Act:
        def fail(called: str, *arguments: object) -> None:
            if act == called or (called in ("query", "rows_of", "rows_between") and act in str(arguments[0])):
                raise WarehouseError("BigQuery refused.")

        return fail

    with opened(night("scraper-silent"), state_dir) as work:
        wanted = checked(work)
        assert wanted.findings
        for act in ("source_coverage", "has_lease"):
            report = checked(replace(work, tables=around(work.tables, failing(act))))
            assert report.findings == wanted.findings
            assert report.problems == ("BigQuery refused.",)


# --- two at once ------------------------------------------------------------------------------------------------------


def test_what_another_build_left_is_no_answer_of_this_run(state_dir: Path) -> None:
    # Found 2026-11: B rebuilt the findings between A's build and A's read; A said healthy with nothing passed.
    with opened(night(), state_dir) as work:
        # The same day, looked at before anything was due: nothing is wrong there, for nothing was examined.
        elsewhere = other_dbt(work, state_dir, as_of="2026-02-04T05:30:00Z", run_id="as if it had the lease")
        broken = replace(work, tables=around(work.tables, before("rule_outcomes", lambda: elsewhere.run(["run"]))))
        report = checked(broken)
    assert report.status == "could_not_check"
    assert "Another run built" in report.problems[0]


def test_a_table_between_that_dbt_alone_replaced_is_no_answer(state_dir: Path) -> None:
    # Found 2026-11: only the last tables say whose they are. dbt alone takes no lease, and a dup001_duplicate_rows of
    # other days made a doubled night pass.
    replaced = "dup001_duplicate_rows"
    with opened(night("tied-newest"), state_dir) as work:
        table = f"`{work.dataset}.{replaced}`"

        def replace_table(called: str, *_: object) -> None:
            if called == "rows_between":
                work.tables.query(f"create or replace table {table} as select * from {table} where false")

        report = checked(replace(work, tables=around(work.tables, replace_table)))
    assert (report.findings, report.outcomes) == ((), ())
    assert report.status == "could_not_check"
    assert replaced in report.problems[0]


def test_a_second_check_says_who_is_building_and_the_first_one_is_right(state_dir: Path) -> None:
    with opened(night(), state_dir) as work:
        second: list[Report] = []
        other = replace(work, settings=replace(work.settings, run_id="another", holder="bob@laptop"))
        first = replace(
            work,
            settings=replace(work.settings, holder="ann@laptop"),
            tables=around(work.tables, before("findings", lambda: second.append(checked(other)))),
        )
        assert checked(first).status == "healthy"
        assert second[0].status == "could_not_check"
        assert "The run of ann@laptop since" in second[0].problems[0]
        with work.tables.leased("next", "carl@laptop"):  # it was given back
            pass


def test_dbt_alone_does_not_build_while_a_run_does(state_dir: Path) -> None:
    with opened(night(), state_dir) as work, work.tables.leased("mine", "ann@laptop"):
        for command in (["run", "--select", "+games"], ["seed", "--select", "teams"], ["build", "--select", "teams"]):
            with pytest.raises(DbtError, match="The run of ann@laptop is building the tables"):
                other_dbt(work, state_dir).run(command)
    with opened(night(), state_dir) as work:
        other_dbt(work, state_dir).run(["seed", "--select", "teams"])


@pytest.mark.parametrize(
    "damage",
    [
        "delete from {} where true",
        "update {} set since = null where true",
        "create or replace table {} as select 1 as other",
    ],
)
def test_a_damaged_lease_says_how_to_remove_it(state_dir: Path, damage: str) -> None:
    with opened(night(), state_dir) as work:
        tables = work.tables
        assert isinstance(tables, Warehouse)
        with tables.leased("mine", "ann@laptop"):
            tables.query(damage.format(f"`{work.dataset}.{LEASE}`"))
            with pytest.raises(WarehouseError, match="cannot be used") as raised, tables.leased("next", "ann@laptop"):
                pass
        assert "drop table" in raised.value.hint


def test_dbt_prints_the_holder_of_a_lease_as_one_harmless_word(state_dir: Path) -> None:
    with (
        opened(night(), state_dir) as work,
        work.tables.leased("mine", "eve\n::error::x"),
        pytest.raises(DbtError, match=r"The run of eve\?{3}error\?{2}x is building"),
    ):
        other_dbt(work, state_dir).run(["seed", "--select", "teams"])


def test_a_long_run_renews_its_lease(state_dir: Path) -> None:
    with opened(night(), state_dir) as work:
        tables = work.tables
        assert isinstance(tables, Warehouse)
        rows = partial(tables.rows_of, LEASE, list(LEASE_COLUMNS))
        lease = Lease(tables.query, rows, f"`{work.dataset}.{LEASE}`", renew_seconds=0.05)

        def expiry() -> datetime:
            (row,) = tables.query(f"select expires_at from `{work.dataset}.{LEASE}`")
            return cast(datetime, row["expires_at"])

        with tables.leased("earlier", "ann@laptop"):
            pass
        with lease.held("long", "ann@laptop"):
            first = expiry()
            until = time.monotonic() + 20
            while expiry() == first:
                assert time.monotonic() < until
                time.sleep(0.05)
        assert expiry() < first


def test_a_killed_run_is_taken_over_when_its_time_is_up(state_dir: Path) -> None:
    with opened(night(), state_dir) as work:
        tables = work.tables
        assert isinstance(tables, Warehouse)
        with tables.leased("killed", "carl@laptop"):
            assert "The run of carl@laptop since" in checked(work).problems[0]
            tables.query(
                f"update `{work.dataset}.run_lease` set expires_at = timestamp_sub(expires_at, interval 5 minute) "
                "where true"
            )
            with tables.leased("next", "ann@laptop"):
                assert not tables.has_lease("killed")
                assert tables.has_lease("next")


def test_an_answer_that_is_missing_or_there_twice_is_reported(state_dir: Path) -> None:
    with opened(night("scraper-silent"), state_dir) as work:
        tables = work.tables
        assert isinstance(tables, Warehouse)
        assert checked(work).problems == ()
        run_id, window = work.settings.run_id, work.settings.window
        assert len(read_evidence(tables, window, run_id)) == 1
        for run, days in (("another", window), (run_id, replace(window, last_date=date(2026, 2, 4)))):
            with pytest.raises(Exception, match="one per day"):
                read_evidence(tables, days, run)
        for table, spoil, said in SPOILED_ANSWERS:
            name = f"{work.dataset}.{table}"
            tables.query(f"create or replace table `{name}_kept` as select * from `{name}`")
            tables.query(spoil.format(name))
            assert any(said in problem for problem in read_answers(work).problems), spoil
            tables.query(f"create or replace table `{name}` as select * from `{name}_kept`")
        assert read_answers(work).problems == ()


SPOILED_ANSWERS = [
    ("rule_outcomes", "delete from `{0}` where rule = 'DUP001'", "DUP001 of 2026-02-03 (0 rows)"),
    ("rule_outcomes", "insert into `{0}` select * from `{0}` where rule = 'TRIG001'", "(2 rows)"),
    ("findings", "delete from `{0}` where true", "LATE002 of 2026-02-03 failed for 1 subject and has 0 findings"),
    ("error_budgets", "delete from `{0}` where rule = 'SLO003'", "error budgets of this run are missing"),
    ("service_levels", "delete from `{0}` where rule = 'SLO003'", "service levels of this run are missing"),
]


# --- dbt alone --------------------------------------------------------------------------------------------------------


# The tests of one rule of each kind: all share their SQL.
SOME_RULES = ["test", "--select", *(f"{RULE_TEST}{code}" for code in ("DUP001", "DONE001", "SCHED002", "EXP001"))]


def rule_tests(results: Sequence[NodeResult]) -> Mapping[str, str]:
    return {one.name.removeprefix(RULE_TEST): one.status for one in results if one.name.startswith(RULE_TEST)}


def test_dbt_test_alone_passes_only_on_an_outcome_of_these_days_and_of_now(state_dir: Path) -> None:
    with opened(night(), state_dir) as work:
        assert checked(work).status == "healthy"
        as_of = work.settings.window.as_of.isoformat()
        now = rule_tests(other_dbt(work, state_dir, as_of=as_of).run(SOME_RULES))
        assert set(now.values()) == {"pass"}
        later = (work.settings.window.as_of + timedelta(days=1)).isoformat()
        others: list[dict[str, str]] = [{"as_of": later}, {}, {"as_of": as_of, "last_date": "2026-02-04"}]
        for variables in others:
            assert set(rule_tests(other_dbt(work, state_dir, **variables).run(SOME_RULES)).values()) == {"fail"}, (
                variables
            )


def test_dbt_build_alone_fails_for_documents_that_no_run_judged_unless_they_are_switched_off(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []

    def listen(_: object) -> Callable[[Any], None]:
        return lambda event: logged.append(event.info.msg) if event.info.name == "JinjaLogInfo" else None

    monkeypatch.setattr("trueup.gateways.dbt._listener", listen)
    with opened(night("scraper-silent"), state_dir) as work:
        as_of = work.settings.window.as_of.isoformat()
        alone = other_dbt(work, state_dir, as_of=as_of)
        alone.run(["seed"])
        alone.run(["run"])
        found = rule_tests(alone.run(["test", "--select", "rule_outcomes"], lambda *_: None))
        failed = {rule for rule, status in found.items() if status != "pass"}
        judged = {rule for rule in found if rule[:4] in ("DONE", "TRIG", "LOCK") or rule.startswith("EXP")}
        assert failed == judged | {"SCHED002", "LATE002"}
        # The log says why: findings with their queries, and one line for the rules with the same reason.
        said = "\n".join(logged)
        assert re.search(r"^LATE002 2026-02-03 \w+: .*\n    select \* from", said, re.M)
        assert re.search(r"^DONE001, DONE002, .*TRIG004 2026-02-03: could not check: no current verdict", said, re.M)
        off = other_dbt(work, state_dir, as_of=as_of, families_off=["completion", "trigger", "expectations"])
        off.run(["run"])
        assert set(rule_tests(off.run(SOME_RULES)).values()) == {"pass"}
        with pytest.raises(DbtError, match=r"families_off.*documents"):
            other_dbt(work, state_dir, as_of=as_of, families_off=["documents"]).run(
                ["compile", "--select", "rule_outcomes"]
            )


def test_a_team_without_documents_is_healthy_and_the_report_says_what_was_not_checked(state_dir: Path) -> None:
    scenario = replace(night(), documents={})
    with opened(scenario, state_dir, families_off=["completion", "trigger"]) as work:
        report = checked(work)
    assert report.status == "healthy"
    assert sum("switched off" in note for note in report.notes) == 2
    off = {one.rule: one for one in report.outcomes if one.rule.startswith(("DONE", "TRIG"))}
    assert {(one.outcome, one.is_blocking) for one in off.values()} == {("not_run", False)}


# --- parts ------------------------------------------------------------------------------------------------------------


def test_no_environment_variable_leaves_out_a_part_of_the_run(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Found 2026-11: DBT_RESOURCE_TYPES=model dropped all 75 dbt tests without a word.
    hostile = {"DBT_RESOURCE_TYPES": "model", "DBT_EMPTY": "1", "DBT_ENGINE_EXCLUDE_RESOURCE_TYPES": "test"}
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    with opened(night("scraper-silent"), state_dir) as work:
        report = run_check(work, with_tests=True, with_expectations=False)
    assert [one.rule for one in report.findings if one.severity == "error"] == ["LATE002"]
    assert report.problems == ()
    assert all(any(name in note for note in report.notes) for name in hostile)
    with_result = {one.name for one in report.costs if one.kind == "test"}
    assert with_result == {
        name for name, kind in work.dbt.checks.items() if kind == "test" and not name.startswith(FINDING_TESTS)
    }
    assert {name: os.environ[name] for name in hostile} == hostile


# --- whole tables and columns, and all documents ---------------------------------------------------------------------

# What is gone, and what the report says of it: the reason of DUP001, or a problem.
GONE = [
    ("nba_analytics.team_defense_game_summary", "", "team_defense_game_summary"),
    ("nba_analytics.player_game_summary", "player_lookup", "has no column player_lookup"),
    ("nba_raw.nbac_schedule", "", ""),
    ("nba_raw.nbac_gamebook_player_stats", "", ""),
    ("nba_orchestration.scraper_run_history", "", ""),
    ("nba_precompute.player_daily_cache", "", ""),
    ("nba_raw.nbac_schedule", "game_status", ""),
    ("nba_raw.nbac_schedule", "game_id", ""),
    ("nba_orchestration.scraper_run_history", "completed_at", ""),
]


def test_a_table_or_a_column_that_is_not_there_is_never_healthy(state_dir: Path) -> None:
    """The first and another one each time; TRUEUP_SPOILINGS from 1000 on means all."""
    everything = int(os.environ.get("TRUEUP_SPOILINGS", "0")) >= 1000
    chosen = GONE if everything else [GONE[0], random.choice(GONE[1:])]
    with opened(night(), state_dir) as work:
        tables = work.tables
        assert isinstance(tables, Warehouse)
        for table, column, said in chosen:
            kept = f"`{table}_kept`"
            tables.query(f"create or replace table {kept} as select * from `{table}`")
            tables.query(f"drop table `{table}`")
            if column:
                tables.query(f"create table `{table}` as select * except ({column}) from {kept}")
            report = checked(work)
            assert report.status != "healthy", (table, column)
            reasons = {one.rule: one.reason for one in report.outcomes}
            assert said in " ".join((*report.problems, reasons.get("DUP001", ""))), report.problems
            if (table, column) == GONE[0][:2]:  # what can be checked is checked
                assert {one.outcome for one in report.outcomes if one.rule == "LATE001"} == {"passed"}
            tables.query(f"create or replace table `{table}` as select * from {kept}")
            tables.query(f"drop table {kept}")


def test_documents_that_cannot_be_read_leave_the_other_checks(state_dir: Path, tmp_path: Path) -> None:
    broken = tmp_path / "completions.db"
    broken.write_bytes(b"no database, but long enough to be taken for a header" * 50)
    with opened(night(), state_dir) as work:
        report = checked(replace(work, completions=lambda name: closing(SqliteCompletions(broken, name))))
    assert report.status == "could_not_check"
    assert "completions.db" in report.problems[0]
    outcomes = {one.rule: one.outcome for one in report.outcomes}
    assert (outcomes["DUP001"], outcomes["DONE001"], outcomes["TRIG001"]) == ("passed", "not_run", "not_run")
    assert broken.read_bytes() == b"no database, but long enough to be taken for a header" * 50
