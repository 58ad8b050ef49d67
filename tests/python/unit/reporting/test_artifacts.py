"""Reading the last run's report: complete and with the time it was written, or refused."""

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


def test_a_written_report_is_read_back(tmp_path: Path) -> None:
    written = write_report(tmp_path, INCIDENT, RULES, WRITTEN)
    assert written.written_at == WRITTEN
    assert read_report(tmp_path) == replace(written, findings=by_severity(written.findings))


def test_a_report_of_an_older_version_is_refused_with_a_hint(tmp_path: Path) -> None:
    old = json.loads(to_json(INCIDENT))
    del old["written_at"]
    (tmp_path / "report.json").write_text(json.dumps(old))
    with pytest.raises(CannotCheckError, match="written_at") as error:
        read_report(tmp_path)
    assert "trueup check" in error.value.hint


def test_the_output_of_another_command_is_refused(tmp_path: Path) -> None:
    """As with `trueup expectations --format json > .trueup/report.json`."""
    (tmp_path / "report.json").write_text(to_json(INCIDENT))
    with pytest.raises(CannotCheckError, match="written_at"):
        read_report(tmp_path)


def test_half_a_report_is_refused(tmp_path: Path) -> None:
    write_report(tmp_path, INCIDENT, RULES, WRITTEN)
    text = (tmp_path / "report.json").read_text()
    (tmp_path / "report.json").write_text(text[: len(text) // 2])
    with pytest.raises(CannotCheckError, match="is broken"):
        read_report(tmp_path)


def test_a_discarded_report_is_missing(tmp_path: Path) -> None:
    write_report(tmp_path, INCIDENT, RULES, WRITTEN)
    (tmp_path / "alerts.db").touch()
    discard_report(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["alerts.db"]
    with pytest.raises(CannotCheckError, match="no report") as error:
        read_report(tmp_path)
    assert "trueup check" in error.value.hint
    discard_report(tmp_path / "nowhere")
