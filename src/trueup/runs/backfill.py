"""Fills the deduplicated tables for past days, a few days at a time. A run that was stopped goes on where it was."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from trueup.errors import CannotCheckError
from trueup.gateways.embedded import ENDPOINT_VARIABLE
from trueup.runs.build import build, building, built_by_others, refuse_mixed, seed
from trueup.runs.workplace import Workplace
from trueup.window import Window, window_vars

# The deduplicated tables, their ledger, and everything that they read.
_LATEST = "_latest"
_SELECTION = ("--select", "+path:models/marts")


@dataclass(frozen=True)
class Progress:
    """A file that says up to which day a backfill of these days is done. Each write replaces it.

    ``target``: where it writes, and what it reads; the target of a profile may be another dataset tomorrow.
    """

    path: Path
    target: str
    window: Window

    def done_to(self) -> date | None:
        """The last day that is done; None if nothing is, or the file is of another backfill, or is none of ours."""
        if not self.path.is_file():  # reading a pipe would wait for its writer
            return None
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            done = date.fromisoformat(found["done_to"]) if found["of"] == self._of() else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return done if done in self.window.dates else None

    def write(self, day: date) -> None:
        """All days up to this one are done. Raises CannotCheckError if that cannot be written."""
        draft = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            draft.write_text(json.dumps({"of": self._of(), "done_to": day.isoformat()}), encoding="utf-8")
            draft.replace(self.path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise CannotCheckError(
                f"{self.path} cannot be written: {error.strerror}.", "Free disk space, or make the folder writable."
            ) from error

    def _of(self) -> list[str]:
        return [self.target, str(self.window.first_date), str(self.window.last_date)]


def backfill(work: Workplace, step_days: int, on_step: Callable[[Window], None], is_restart: bool = False) -> None:
    """Fill the days of the run's window, oldest first, with a call of ``on_step(days)`` after each step.

    A step replaces whole days, so it can be repeated. ``is_restart``: do not go on where an earlier run was stopped.
    Raises CannotCheckError if a step fails: its tables, or the tests that no row was lost; and before the first step if
    a source is not as declared, because its days would be replaced by less.
    """
    settings = work.settings
    with building(work) as work:
        sources = _sources(work)
        _refuse_incomplete(work, sources)
        # Each embedded warehouse begins empty.
        place = os.environ.get(ENDPOINT_VARIABLE, "") if settings.is_embedded else ""
        target = " ".join(filter(None, [settings.target, work.relation, place, *sorted(sources.values())]))
        progress = Progress(settings.state_dir / "backfill.json", target, settings.window)
        done = None if is_restart or not _have_tables(work, sources) else progress.done_to()
        if done is not None:
            work.listener.start(f"Going on after {done}: an earlier run has filled the days before (--restart: all)")
        seed(work)
        for window in steps_of(settings.window, done, step_days):
            _fill(work, window)
            progress.write(window.last_date)
            on_step(window)
    progress.path.unlink(missing_ok=True)


def _sources(work: Workplace) -> dict[str, str]:
    """The sources of the deduplicated tables: their names, and where they are."""
    models = work.dbt.checks
    sources = work.dbt.sources
    return {one.name: sources[one.name] for one in work.schemas.values() if f"{one.table}{_LATEST}" in models}


def _refuse_incomplete(work: Workplace, sources: Mapping[str, str]) -> None:
    """Raise CannotCheckError if a source does not exist, or lacks a declared column."""
    for name, table in sources.items():
        facts = work.tables.facts_of(table)
        if facts is None:
            raise CannotCheckError(
                f"The source {table} does not exist: the days of {work.schemas[name].table}{_LATEST} would be emptied.",
                "Check the vars of the datasets in dbt_project.yml, and run it again. Nothing was changed.",
            )
        if lacking := [column for column in work.schemas[name].columns if column.lower() not in facts.columns]:
            raise CannotCheckError(
                f"The source {table} has no column {lacking[0]}: a backfill would set it to NULL in past days.",
                "Restore it, or take it out of models/staging/*/_sources.yml, and run it again. Nothing was changed.",
            )


def _have_tables(work: Workplace, sources: Mapping[str, str]) -> bool:
    """Whether the tables that an earlier run has filled are still there."""
    tables = [f"{work.relation}.{work.schemas[name].table}{_LATEST}" for name in sources]
    return all(work.tables.facts_of(table) is not None for table in tables)


def steps_of(window: Window, done_to: date | None, step_days: int) -> list[Window]:
    """The days after ``done_to`` in steps of at most ``step_days`` days."""
    days = [day for day in window.dates if done_to is None or day > done_to]
    starts = days[::step_days]
    return [
        replace(window, first_date=start, last_date=min(start + timedelta(days=step_days - 1), window.last_date))
        for start in starts
    ]


def _fill(work: Workplace, window: Window) -> None:
    work.listener.start(f"Filling {window.first_date} to {window.last_date}")
    of_step = replace(
        work, settings=replace(work.settings, window=window), dbt=work.dbt.with_vars(window_vars(window, {}))
    )
    try:
        results = build(of_step, with_tests=True, selection=_SELECTION)
        refuse_mixed(built_by_others(work, results))  # first: this causes failed tests
        if not work.tables.has_lease(work.settings.run_id):
            raise CannotCheckError("Another run has taken over these tables.", "Run it again when that run has ended.")
        if failed := [one for one in results if one.status in ("fail", "skipped")]:
            what = "was skipped" if failed[0].status == "skipped" else f"failed: {failed[0].message}"
            raise CannotCheckError(f"{failed[0].name} {what}.", "Correct the cause, then run the same command again.")
    except CannotCheckError as error:
        raise CannotCheckError(
            f"{window.first_date} to {window.last_date} are not filled: {error.message}",
            f"{error.hint} The days before are done: the same command goes on there.".strip(),
        ) from error
    finally:
        work.listener.finish()
