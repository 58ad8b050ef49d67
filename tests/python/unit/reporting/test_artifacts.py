"""The last run's report as it is read again: whole, with the moment it was written, or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from helpers.report_cases import INCIDENT, RULES
from trueup.errors import CannotCheckError
from trueup.reporting.artifacts import discard_report, read_report, write_report
from trueup.reporting.json_form import to_json
from trueup.results.finding import by_severity

WRITTEN = datetime(2026, 2, 4, 13, 3, tzinfo=UTC)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = write_report(tmp_path, INCIDENT, RULES, WRITTEN)
    assert written.written_at == WRITTEN
    assert read_report(tmp_path) == replace(written, findings=by_severity(written.findings))


def test_a_report_of_an_older_version_is_broken_and_says_what_to_do(tmp_path: Path) -> None:
    old = json.loads(to_json(INCIDENT))
    del old["written_at"]
    (tmp_path / "report.json").write_text(json.dumps(old))
    with pytest.raises(CannotCheckError, match="is broken: it lacks 'written_at'") as told:
        read_report(tmp_path)
    assert told.value.hint.startswith("Run trueup check again")


def test_what_another_command_printed_is_no_report_of_a_check(tmp_path: Path) -> None:
    """As with `trueup expectations --format json > .trueup/report.json`."""
    (tmp_path / "report.json").write_text(to_json(INCIDENT))
    with pytest.raises(CannotCheckError, match="it does not say when it was written"):
        read_report(tmp_path)


def test_half_a_report_is_broken(tmp_path: Path) -> None:
    write_report(tmp_path, INCIDENT, RULES, WRITTEN)
    text = (tmp_path / "report.json").read_text()
    (tmp_path / "report.json").write_text(text[: len(text) // 2])
    with pytest.raises(CannotCheckError, match="is broken"):
        read_report(tmp_path)


def test_a_discarded_report_is_not_there(tmp_path: Path) -> None:
    write_report(tmp_path, INCIDENT, RULES, WRITTEN)
    (tmp_path / "alerts.db").touch()
    discard_report(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["alerts.db"]
    with pytest.raises(CannotCheckError, match="There is no report") as told:
        read_report(tmp_path)
    assert told.value.hint == "Run trueup check first."
    discard_report(tmp_path / "nowhere")
