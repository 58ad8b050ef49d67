"""Statements on this project's tables that BigQuery refuses, and similar ones that it accepts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.declared import declared_tables
from sqlcheck.checker import Checker
from sqlcheck.engine import Engine

CASES: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("statements.yml").read_text(encoding="utf-8"))
TABLES = {
    "@players": "nba_analytics.player_game_summary",
    "@runs": "nba_orchestration.scraper_run_history",
    "@lateness": "trueup.scraper_lateness",
}


@pytest.fixture(scope="module")
def knowing(engine: Engine) -> Checker:
    """A checker that knows the project's tables."""
    return Checker(engine, declared_tables())


def on_the_projects_tables(sql: str) -> str:
    for name, table in TABLES.items():
        sql = sql.replace(name, table)
    return sql


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["sql"][:60])
def test_a_wrong_statement_is_refused_for_its_reason(knowing: Checker, case: Mapping[str, str]) -> None:
    errors = knowing.check(on_the_projects_tables(case["sql"])).errors
    assert errors, "it was accepted"
    assert any(case["says"].lower() in error.message.lower() for error in errors), errors


@pytest.mark.parametrize("sql", CASES["accepted"], ids=lambda sql: sql[:60])
def test_a_right_statement_is_accepted(knowing: Checker, sql: str) -> None:
    assert knowing.check(on_the_projects_tables(sql)).errors == []


def test_there_are_enough_statements() -> None:
    assert len(CASES["refused"]) >= 30


def test_a_created_table_is_not_kept_after_the_check(knowing: Checker) -> None:
    assert knowing.check("create table trueup.made as select 1 as a; select a from trueup.made").errors == []
    assert knowing.check("select a from trueup.made").errors


def test_a_statement_nested_too_deeply_is_refused(knowing: Checker) -> None:
    (error,) = knowing.check(f"select {' + '.join(['1'] * 200)} as total").errors
    assert "nested too deeply" in error.message


def test_a_comment_alone_is_not_a_statement(knowing: Checker) -> None:
    assert knowing.check("-- nothing").errors


def test_positions_are_those_of_the_original_text(knowing: Checker) -> None:
    table = "`my-project.nba_analytics.player_game_summary`"
    sql = f"select\n    1,\n\t{table}.nothing\nfrom {table}"
    (error,) = knowing.check(sql).errors
    assert (error.line, error.column) == (3, 2)
