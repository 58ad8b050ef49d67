"""What dbt keeps between two runs never answers for a project that has changed."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from helpers.command_line import copy_project
from helpers.support import PROJECT
from trueup.errors import DbtError
from trueup.gateways.dbt import DbtProject

DAYS = {"first_date": "2026-02-03", "last_date": "2026-02-03"}
TEST = "          name: no_findings_DUP002\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


def dbt(folder: Path) -> DbtProject:
    return DbtProject(folder, folder / ".trueup", "local", DAYS)


def rewrite(file: Path, old: str, new: str) -> None:
    """Another content, and the time of change that it had before."""
    before = file.stat()
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_that_was_changed_and_kept_its_time_is_parsed_again(folder: Path) -> None:
    # Found 2026-11-26: dbt took a YAML file of the same time for the same file, and a corrected grain changed nothing.
    assert "no_findings_DUP002" in dbt(folder).checks
    rewrite(folder / "models/reporting/rule_outcomes.yml", TEST, TEST.replace("DUP002", "renamed"))
    assert "no_findings_DUP002" not in dbt(folder).checks


def test_a_test_that_is_switched_off_stops_no_command_and_is_missed(folder: Path) -> None:
    # Found 2026-11-26: dbt's own copy of its manifest failed on it, and a check ended with a defect.
    rewrite(folder / "models/reporting/rule_outcomes.yml", TEST, f"{TEST}          config: {{enabled: false}}\n")
    project = dbt(folder)
    project.run(["ls"])
    assert "no_findings_DUP002" in project.checks


@pytest.mark.parametrize(("selection", "is_error"), [("tag:misspelt", True), ("tag:duplicates", False)])
def test_a_selection_that_matches_nothing_is_an_error_as_make_and_the_readme_call_dbt(
    selection: str, is_error: bool, state_dir: Path
) -> None:
    options = '{"error": ["NoNodesForSelectionCriteria"]}'
    assert options in (PROJECT / "README.md").read_text(encoding="utf-8")
    strict = DbtProject(PROJECT, state_dir, "local", DAYS)
    arguments = ["ls", "--select", selection, "--warn-error-options", options]
    with pytest.raises(DbtError, match="misspelt") if is_error else nullcontext():
        strict.run(arguments)
