"""trueup check --wait, the real command beside another run on the same tables."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import begin, copy_project
from helpers.nights import scenario_of
from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.gateways.embedded import Endpoint
from trueup.gateways.lease import LEASE
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace

DAYS = ("--first-date", "2026-02-03", "--last-date", "2026-02-03")


class Place:
    """A night in the warehouse, and two checkouts of the project."""

    def __init__(self, work: Workplace, folder: Path, endpoint: Endpoint) -> None:
        self.work = work
        self.environment = {**endpoint.environment, "TRUEUP_COMPLETIONS": str(work.settings.completions)}
        self.first, self.second = copy_project(folder / "first"), copy_project(folder / "second")

    def begin(self, project: Path, *more: str) -> Any:
        return begin(project, "check", *DAYS, *more, **self.environment)

    def holder(self) -> str | None:
        """The run that holds the lease."""
        try:
            (row,) = self.work.tables.query(
                f"select run_id from `{self.work.dataset}.{LEASE}` where expires_at > current_timestamp()"
            )
        except Exception:  # there is no lease yet, or it is free
            return None
        return str(row["run_id"])

    def wait_for_a_holder(self) -> str:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if holder := self.holder():
                return holder
            time.sleep(0.2)
        raise AssertionError("nobody took the lease")


@pytest.fixture
def place(endpoint: Endpoint, state_dir: Path, tmp_path: Path) -> Iterator[Place]:
    with loaded(scenario_of("rewritten-later"), PROJECT, state_dir, Silent()) as work:
        yield Place(work, tmp_path, endpoint)


def report_in(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / ".trueup" / "report.json").read_text(encoding="utf-8"))
    return found


@contextmanager
def waiting(place: Place, *more: str) -> Iterator[Any]:
    """A check that waits for the run that holds the lease."""
    with place.begin(place.second, "--wait", *more) as second:
        said = ""
        while "Waiting up to" not in said:
            line = second.stderr.readline()
            assert line, said
            said += line
        yield second
        second.communicate(timeout=300)


def test_a_check_beside_another_one_waits_and_then_looks(place: Place) -> None:
    with place.begin(place.first) as first:
        place.wait_for_a_holder()
        with waiting(place, "5") as second:
            first.communicate(timeout=300)
            ended_at = datetime.now(UTC)
    one, other = report_in(place.first), report_in(place.second)
    assert (first.returncode, second.returncode) == (0, 0), (one["problems"], other["problems"])
    for name in ("findings", "outcomes", "suites"):
        assert len(one[name]) == len(other[name])
    assert one["problems"] == other["problems"] == []
    assert any("was building the same tables" in note for note in other["notes"])
    assert datetime.fromisoformat(other["as_of"]) > datetime.fromisoformat(one["read_until"])
    assert abs((datetime.fromisoformat(other["as_of"]) - ended_at).total_seconds()) < 60


def test_the_lease_of_a_killed_run_ends_and_who_waits_goes_on(place: Place) -> None:
    with place.begin(place.first) as first:
        holder = place.wait_for_a_holder()
        first.kill()
        first.communicate(timeout=60)
    with waiting(place, "5") as second:
        assert place.holder() == holder
        # Five minutes later.
        expired = f"set expires_at = timestamp_sub(expires_at, interval 5 minute) where run_id = '{holder}'"
        place.work.tables.query(f"update `{place.work.dataset}.{LEASE}` {expired}")
    report = report_in(place.second)
    assert second.returncode == 0, report["problems"]
    assert report["problems"] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_waits_can_be_ended(place: Place, number: signal.Signals) -> None:
    with place.work.tables.leased("first", "ann@laptop"):
        with waiting(place, "5") as second:
            time.sleep(3)
            began = time.monotonic()
            second.send_signal(number)
            second.wait(60)
            assert time.monotonic() - began < 15
        assert second.returncode == (143 if number == signal.SIGTERM else 130)
        assert "was interrupted" in report_in(place.second)["problems"][0]
        assert place.holder() == "first"
    assert place.holder() is None
