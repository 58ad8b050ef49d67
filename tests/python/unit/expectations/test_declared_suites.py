"""A suite that the YAML of a model declares must exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueup.errors import UsageError
from trueup.expectations.suites import DeclaredSuite, Suite, declared_suites, refuse_missing_suites

MODEL = """
models:
  - name: players_latest
    description: Players.
    config:
      meta:
        suite: EXP002
  - name: without_a_suite
    description: One without a config.
"""
SOURCE = """
sources:
  - name: trueup
    tables:
      - name: completion_verdicts
        config:
          meta:
            suite: EXP003
      - name: repair_audit
        config:
          meta: {is_optional: true}
"""
DECLARED = (DeclaredSuite("completion_verdicts", "EXP003"), DeclaredSuite("players_latest", "EXP002"))


def suite(table: str, rule: str) -> Suite:
    return Suite(table, rule, table, ("player",), {}, ())


def test_models_and_tables_of_sources_declare_suites(tmp_path: Path) -> None:
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "players_latest.yml").write_text(MODEL, encoding="utf-8")
    (tmp_path / "_sources.yml").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "empty.yml").write_text("", encoding="utf-8")
    assert declared_suites(tmp_path) == DECLARED


def test_a_folder_without_declarations_declares_nothing(tmp_path: Path) -> None:
    assert declared_suites(tmp_path / "models") == ()


def test_invalid_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.yml").write_text("models: [", encoding="utf-8")
    with pytest.raises(UsageError, match=r"broken\.yml"):
        declared_suites(tmp_path)


def test_all_declared_suites_exist(tmp_path: Path) -> None:
    there = [suite("completion_verdicts", "EXP003"), suite("players_latest", "EXP002"), suite("another", "EXP001")]
    refuse_missing_suites(there, DECLARED, tmp_path)


@pytest.mark.parametrize(
    "there",
    [
        pytest.param([suite("completion_verdicts", "EXP003")], id="gone"),
        pytest.param([suite("completion_verdicts", "EXP003"), suite("players_latest", "EXP001")], id="of another rule"),
    ],
)
def test_a_missing_declared_suite_is_named(there: list[Suite], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"players_latest .* EXP002"):
        refuse_missing_suites(there, DECLARED, tmp_path)
