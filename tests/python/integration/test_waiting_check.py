"""A check that waits for another run on the same tables: trueup check --wait. Its moment is in unit/test_waiting.py."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from helpers.command_line import begin, copy_project
from helpers.nights import scenario_of
from helpers.overlapping import Run, overlapped
from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.gateways.embedded import Endpoint
from trueup.gateways.lease import LEASE
from trueup.runs.replay import loaded

pytestmark = pytest.mark.slow
NIGHT = "scraper-silent"
LATER = 2.0


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(
    ("wait", "killed"), [(0, None), (5, None), (5, LATER + 1)], ids=["no waiting", "lives", "is killed"]
)
def test_a_check_that_waits_looks_when_the_other_run_has_ended(
    wait: float, killed: float | None, state_dir: Path, tmp_path: Path
) -> None:
    with loaded(scenario_of(NIGHT), PROJECT, state_dir, Silent()) as work:
        window, documents = work.settings.window, work.settings.completions
        assert documents is not None
        days = (str(window.first_date), str(window.last_date), window.as_of.isoformat())
        runs = [Run("first", "check", *days, 0, killed), Run("second", "check", *days, LATER, wait=wait)]
        first, second = overlapped(tmp_path / "runs", runs, documents, 300, lease=f"{work.dataset}.{LEASE}")
    assert first.end == ("killed" if killed else "done")
    assert second.end == "done"
    if wait:
        assert second.problems == ()
        assert second.outcomes
        assert killed or (second.findings, second.outcomes) == (first.findings, first.outcomes)
    else:
        assert "The run of first@x since" in second.problems[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_waits_can_be_ended(
    number: signal.Signals, endpoint: Endpoint, state_dir: Path, tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project")
    with loaded(scenario_of(NIGHT), PROJECT, state_dir, Silent()) as work:
        environment = {**endpoint.environment, "TRUEUP_COMPLETIONS": str(work.settings.completions)}
        with (
            work.tables.leased("first", "ann@laptop"),
            begin(project, "check", "--wait", "5", **environment) as second,
        ):
            assert second.stderr is not None
            assert any("The run of ann@laptop" in line for line in second.stderr)
            time.sleep(2)
            began = time.monotonic()
            second.send_signal(number)
            second.wait(60)
            assert time.monotonic() - began < 15
            assert second.returncode == (143 if number == signal.SIGTERM else 130)
            assert work.tables.has_lease("first")
        (row,) = work.tables.query(f"select run_id from `{work.dataset}.{LEASE}`")
    assert row["run_id"] == "ended first"
    report = json.loads((project / ".trueup" / "report.json").read_text(encoding="utf-8"))
    assert "was interrupted" in report["problems"][0]
