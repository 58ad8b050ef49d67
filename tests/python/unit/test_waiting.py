"""trueup check --wait: how long it waits for another run, what it says, and of which moment its answer is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from helpers.command_line import copy_project
from trueup.cli import check, waiting
from trueup.cli.main import main
from trueup.errors import CannotCheckError, LeaseHeldError, UsageError, WarehouseError
from trueup.results.report import Report

WAIT = timedelta(seconds=1)
ANN, BOB = "The run of ann@laptop since 2026-02-03 08:00 UTC", "The run of bob@job since 2026-02-03 08:30 UTC"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_FIRST_PAUSE", timedelta(milliseconds=2))
    monkeypatch.setattr(waiting, "_LONGEST_PAUSE", timedelta(milliseconds=10))


def held(run: str) -> LeaseHeldError:
    return LeaseHeldError(f"{run} is building these tables.", "Run it again.", run)


class Attempts:
    """Attempts that fail with these errors, in order, and then succeed. The last attempt tells its error."""

    def __init__(self, errors: Sequence[BaseException]) -> None:
        self._errors = iter(errors)
        self.said: list[str] = []
        self.waiting: list[bool] = []

    def __call__(self, is_waiting: bool) -> str:
        self.waiting.append(is_waiting)
        error = next(self._errors, None)
        if error is None:
            return "done"
        if isinstance(error, LeaseHeldError) and not is_waiting:
            return error.text
        raise error


@pytest.mark.parametrize("runs", [[], [ANN], [ANN] * 5, [ANN, BOB, ANN, BOB]])
def test_it_tries_until_the_lease_is_free_and_says_once_for_whom_it_waits(runs: list[str]) -> None:
    attempts = Attempts([held(run) for run in runs])
    result, why = waiting.waited(attempts, WAIT, attempts.said.append)
    assert result == "done"
    assert attempts.waiting == [True] * (len(runs) + 1)
    known = list(dict.fromkeys(runs))
    assert [run in said for run, said in zip(known, attempts.said, strict=True)] == [True] * len(known)
    assert all(run in why for run in known)
    assert bool(why) == bool(runs)


@pytest.mark.parametrize("wait", [timedelta(0), timedelta(milliseconds=50)])
def test_after_its_time_it_says_what_it_says_without_a_wait(wait: timedelta) -> None:
    attempts = Attempts([held(ANN)] * 1000)
    began = time.monotonic()
    result, _ = waiting.waited(attempts, wait, attempts.said.append)
    assert result == held(ANN).text
    assert time.monotonic() - began < 2
    assert attempts.waiting[-1:] == [False]
    assert all(attempts.waiting[:-1])
    assert bool(attempts.waiting[:-1]) == bool(attempts.said) == bool(wait)


@pytest.mark.parametrize(
    "error", [WarehouseError("BigQuery does not answer"), UsageError("wrong"), KeyboardInterrupt(), OSError("disk")]
)
def test_no_other_error_is_waited_for(error: BaseException) -> None:
    attempts = Attempts([held(ANN), error])
    with pytest.raises(type(error)) as raised:
        waiting.waited(attempts, WAIT, attempts.said.append)
    assert raised.value is error
    assert attempts.waiting == [True, True]


@pytest.mark.parametrize("minutes", ["-1", "1441", "nan", "inf", "-0.1", "x"])
def test_a_wait_that_is_none_is_refused_and_the_report_says_so(minutes: str, project: Path, capsys: Any) -> None:
    assert main(["check", "--project-dir", str(project), "--wait", minutes]) == 2
    assert "--wait" in capsys.readouterr().err
    report = json.loads((project / ".trueup" / "report.json").read_text(encoding="utf-8"))
    assert report["status"] == "could_not_check"
    assert "--wait" in report["problems"][0]


# --- the moment that is judged ----------------------------------------------------------------------------------------

BEGAN = datetime(2026, 2, 4, 4, 50, tzinfo=UTC)  # ten minutes before midnight in New York
STEP = timedelta(minutes=6)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("waiting"))


class Platform:
    """A clock that goes on with each attempt, and a lease that others hold at the first ones."""

    def __init__(self, refusals: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = BEGAN
        self._refusals = refusals
        monkeypatch.setattr(check, "now", lambda: self.clock)
        monkeypatch.setattr("trueup.runs.wiring.open_workplace", self._opened)
        monkeypatch.setattr("trueup.runs.check.run_check", self._run)

    @contextmanager
    def _opened(self, settings: Any, _: object) -> Iterator[Any]:
        yield SimpleNamespace(settings=settings)

    def _run(self, work: Any, is_waiting: bool) -> Report:
        self.read_at = self.clock
        if not self._refusals:
            return Report(work.settings.window, work.settings.target)
        self._refusals -= 1
        self.clock += STEP
        if is_waiting:
            raise held(ANN)
        return Report(work.settings.window, work.settings.target, problems=(held(ANN).text,))


@pytest.mark.parametrize("refusals", range(4))
@pytest.mark.parametrize(
    ("options", "as_of", "last_date"),
    [
        ([], None, None),
        (["--days", "3"], None, None),
        (["--last-date", "2026-02-01"], None, "2026-02-01"),
        (["--first-date", "2026-01-30", "--last-date", "2026-02-01"], None, "2026-02-01"),
        (["--as-of", "2026-02-02T09:00:00-05:00"], "2026-02-02T09:00:00-05:00", "2026-02-01"),
    ],
)
def test_what_is_judged_is_the_moment_after_the_wait(
    refusals: int,
    options: list[str],
    as_of: str | None,
    last_date: str | None,
    project: Path,
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    platform = Platform(refusals, monkeypatch)
    assert main(["check", "--project-dir", str(project), "--format", "json", "--wait", "1", *options]) == 3
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["as_of"] == (as_of or platform.read_at.isoformat())
    is_next_day = platform.read_at >= datetime(2026, 2, 4, 5, tzinfo=UTC)
    assert report["last_date"] == (last_date or ("2026-02-03" if is_next_day else "2026-02-02"))
    assert json.loads((project / ".trueup" / "report.json").read_text(encoding="utf-8")) == report
    assert (ANN in " ".join(printed.err.split())) == bool(refusals)
    assert any(ANN in note for note in report["notes"]) == bool(refusals)


def test_without_a_wait_there_is_one_attempt(project: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Platform(1, monkeypatch)
    assert main(["check", "--project-dir", str(project), "--format", "json"]) == CannotCheckError.exit_code
    report = json.loads(capsys.readouterr().out)
    assert ANN in report["problems"][0]
    assert datetime.fromisoformat(report["as_of"]) == BEGAN
