"""Runs that overlap, each in a process of its own, some of them killed.

``python -m helpers.overlapping FOLDER``: it reads the runs from FOLDER/runs.json, parses the project once, forks a
process for each run at its moment, kills some, and leaves what each run said in FOLDER/<name>.json.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.cli.waiting import waited
from trueup.errors import TrueupError, WarehouseError
from trueup.garbage import collecting_rarely
from trueup.gateways.connection import embedded_connection
from trueup.gateways.dbt import DbtProject, example_profiles
from trueup.gateways.embedded import published_endpoint
from trueup.gateways.warehouse import Warehouse
from trueup.results.report import Report
from trueup.runs.backfill import backfill
from trueup.runs.build import build_evidence, building
from trueup.runs.check import run_check
from trueup.runs.reconcile import judged_report, reconcile
from trueup.runs.wiring import open_workplace
from trueup.runs.workplace import Tables, Workplace
from trueup.settings import Settings
from trueup.window import Window

KINDS = ("check", "reconcile", "backfill", "dbt")


@dataclass(frozen=True)
class Run:
    """One run: what, on which days, when it starts and, if at all, when it is killed (seconds). ``is_leased``: whether
    it takes the lease; dbt never does. ``is_tested``: whether a check runs dbt's tests. ``wait``: the minutes that a
    check waits for the lease.
    """

    name: str
    kind: str
    first_date: str
    last_date: str
    as_of: str
    starts: float
    killed: float | None = None
    is_leased: bool = True
    is_tested: bool = False
    wait: float = 0

    @property
    def window(self) -> Window:
        first, last = date.fromisoformat(self.first_date), date.fromisoformat(self.last_date)
        return Window(first, last, datetime.fromisoformat(self.as_of))


@dataclass(frozen=True)
class Said:
    """What a run said. ``end``: "killed", "done", or the error. ``report``: the findings, outcomes and problems."""

    run: Run
    end: str
    findings: tuple[Mapping[str, Any], ...] = ()
    outcomes: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()


def overlapped(
    folder: Path, runs: Sequence[Run], documents: Path, limit: float, change: str = "", lease: str = ""
) -> list[Said]:
    """Start all runs and wait for them; what each said.

    ``change``: a statement that is run in the middle. ``lease``: the table whose rows end with the run that is killed.
    """
    folder.mkdir()
    plan = {"runs": [asdict(one) for one in runs], "change": change, "lease": lease}
    (folder / "runs.json").write_text(json.dumps(plan), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "helpers.overlapping", str(folder), str(documents)],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT / 'tests/python'}"},
        timeout=limit,
        check=True,
    )
    return [said_by(one, folder) for one in runs]


def said_by(run: Run, folder: Path) -> Said:
    """What a run left behind."""
    file = folder / f"{run.name}.json"
    filled = folder / f"{run.name}.filled"
    days = tuple(filled.read_text(encoding="utf-8").split()) if filled.exists() else ()
    if not file.exists():
        return Said(run, "killed", filled=days)
    found = json.loads(file.read_text(encoding="utf-8"))
    parts = {name: tuple(found.get(name, ())) for name in ("findings", "outcomes", "problems")}
    return Said(run, found["end"], **parts, filled=days)


class Unleased:
    """Tables without the lease: whoever asks for it has it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tables, name)

    @contextmanager
    def leased(self, *_: object) -> Iterator[None]:
        yield

    def has_lease(self, *_: object) -> bool:
        return True


def main(folder: Path, documents: Path) -> None:
    """Start each run at its moment."""
    plan = json.loads((folder / "runs.json").read_text(encoding="utf-8"))
    runs = [Run(**one) for one in plan["runs"]]
    middle = sum(one.starts for one in runs) / len(runs) if plan["change"] else None
    os.environ["DBT_PROFILES_DIR"] = str(example_profiles(PROJECT, folder))
    assert DbtProject(PROJECT, folder, "local", {}).checks  # parsed once, for all: its inputs are the same
    began = time.monotonic()
    started: dict[int, Run] = {}
    waiting = sorted(runs, key=lambda one: one.starts)
    while waiting or started:
        now = time.monotonic() - began
        while waiting and waiting[0].starts <= now:
            run = waiting.pop(0)
            started[in_fork(functools.partial(carry_out, run, folder, documents))] = run
        if middle is not None and now >= middle:
            in_fork(lambda: sent(plan["change"]))
            middle = None
        for process, run in list(started.items()):
            if run.killed is not None and now >= run.starts + run.killed:
                os.kill(process, signal.SIGKILL)
            if os.waitpid(process, os.WNOHANG)[0]:
                del started[process]
                if plan["lease"] and run.killed is not None:
                    in_fork(functools.partial(end_lease, plan["lease"], run.name))
        time.sleep(0.02)


def sent(statement: str) -> None:
    """Run a statement as somebody else."""
    with Warehouse(embedded_connection(published_endpoint())) as warehouse:
        warehouse.query(statement)


def end_lease(table: str, run_id: str) -> None:
    """The lease of a killed run ends in a second, not in minutes."""
    time.sleep(1)
    with suppress(WarehouseError):  # the run was killed before there was a lease
        sent(f"update `{table}` set expires_at = current_timestamp() where run_id = '{run_id}'")


def in_fork(do: Callable[[], None]) -> int:
    """The id of a new process that does it."""
    if process := os.fork():
        return process
    code = 1
    try:
        do()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def carry_out(run: Run, folder: Path, documents: Path) -> None:
    """Carry out one run and write down what it says."""
    settings = Settings(
        PROJECT, folder / run.name, "local", run.window, completions=documents, run_id=run.name, holder=f"{run.name}@x"
    )
    try:
        with open_workplace(settings, Silent()) as work:
            if not run.is_leased:
                work = replace(work, tables=Unleased(work.tables))
            report = report_of(run, work, folder)
        said = {"end": "done"} | ({} if report is None else as_said(report))
    except TrueupError as error:
        said = {"end": error.text}
    draft = folder / f"{run.name}.draft"
    draft.write_text(json.dumps(said, default=str), encoding="utf-8")
    draft.replace(folder / f"{run.name}.json")


def report_of(run: Run, work: Workplace, folder: Path) -> Report | None:
    """What the run reports, if its kind has a report."""
    if run.kind == "check":
        check = functools.partial(run_check, work, run.is_tested, False)
        return waited(check, timedelta(minutes=run.wait), functools.partial(print, run.name, file=sys.stderr))[0]
    if run.kind == "reconcile":
        with building(work) as built:
            build_evidence(built)
            return judged_report(built, reconcile(built))
    if run.kind == "dbt":
        work.dbt.run(["seed"])
        work.dbt.run(["run", "--select", "+findings", "+deduplication_ledger"])
        return None

    def filled(window: Window) -> None:
        with (folder / f"{run.name}.filled").open("a", encoding="utf-8") as file:
            print(*window.dates, file=file)

    backfill(work, 3, filled)
    return None


def as_said(report: Report) -> dict[str, Any]:
    """What is compared of a report."""
    return {
        "findings": [asdict(one) for one in report.findings],
        "outcomes": [asdict(one) for one in report.outcomes],
        "problems": report.problems,
    }


if __name__ == "__main__":
    with collecting_rarely():
        main(Path(sys.argv[1]), Path(sys.argv[2]))
