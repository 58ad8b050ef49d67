"""What is checked and where: the command line and the environment, made into one value."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from trueup.errors import UsageError

EASTERN = ZoneInfo("America/New_York")
DEFAULT_DAYS = 7
COMPLETIONS_VARIABLE = "TRUEUP_COMPLETIONS"
IN_FIRESTORE = "firestore"
ALERT_STATE_VARIABLE = "TRUEUP_ALERT_STATE"
SLACK_VARIABLE = "TRUEUP_SLACK_WEBHOOK"
WEBHOOK_VARIABLE = "TRUEUP_WEBHOOK"
REPORT_URL_VARIABLE = "TRUEUP_REPORT_URL"
# GitHub Actions sets it.
STEP_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class Window:
    """The checked Eastern days, both included, and the moment that the check speaks of."""

    first_date: date
    last_date: date
    as_of: datetime

    @property
    def dates(self) -> tuple[date, ...]:
        """Every checked day, in order."""
        count = (self.last_date - self.first_date).days + 1
        return tuple(self.first_date + timedelta(days=offset) for offset in range(count))


@dataclass(frozen=True)
class Settings:
    """One run's settings. ``completions`` is a SQLite file, or None for Firestore; ``run_id`` names this run and no
    other, ``holder`` who started it, for people.
    """

    project_dir: Path
    state_dir: Path
    target: str
    window: Window
    completions: Path | None
    variables: dict[str, Any] = field(default_factory=dict)
    seeds: Path | None = None
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    holder: str = "another process"

    @property
    def dbt_vars(self) -> dict[str, Any]:
        """The vars of every dbt command of this run."""
        return {**window_vars(self.window, self.variables), "run_id": self.run_id}

    def variable(self, name: str) -> Any:
        """A var of this run; where it was not given, the one of dbt_project.yml."""
        if name in self.variables:
            return self.variables[name]
        return self._project_variables[name]

    @cached_property
    def _project_variables(self) -> dict[str, Any]:
        return project_variables(self.project_dir)

    @property
    def is_embedded(self) -> bool:
        """Whether the target is the embedded default and not BigQuery."""
        return self.target in ("local", "ci")


def project_variables(project_dir: Path) -> dict[str, Any]:
    """The vars of dbt_project.yml and their defaults."""
    project = yaml.safe_load((project_dir / "dbt_project.yml").read_text(encoding="utf-8"))
    variables: dict[str, Any] = project["vars"]
    return variables


@dataclass(frozen=True)
class AlertSettings:
    """Where alerts go; "" where a channel is not set. The two URLs are secrets: whoever has one can write there.

    ``step_summary`` is a file, ``report_url`` the report's address for the messages. ``state`` is the SQLite file
    that keeps what was told, or None for Firestore.
    """

    slack: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    step_summary: str = ""
    report_url: str = ""
    state: Path | None = None


def window_vars(window: Window, others: Mapping[str, Any]) -> dict[str, Any]:
    """A window as dbt vars, beside the other ones."""
    return {
        **others,
        "as_of": window.as_of.isoformat(),
        "first_date": window.first_date.isoformat(),
        "last_date": window.last_date.isoformat(),
    }


def make_window(
    first_date: str | None,
    last_date: str | None,
    days: int | None,
    as_of: str | None,
    now: datetime,
) -> Window:
    """The days to check; without any, the seven Eastern days that end the day before ``as_of``.

    Raises UsageError with the wrong value and the form it should have.
    """
    moment = _moment(as_of) if as_of else now
    last = _date("--last-date", last_date) if last_date else None
    first = _date("--first-date", first_date) if first_date else None
    if days is not None and days < 1:
        raise UsageError(f"--days is {days}.", "Give a number of days from 1 on.")
    if days is not None and first is not None:
        raise UsageError("--days and --first-date say the same thing twice.", "Give one of them.")
    if last is None:
        yesterday = moment.astimezone(EASTERN).date() - timedelta(days=1)
        last = max(first, yesterday) if first else yesterday
    if first is None:
        first = _days_before(last, days or DEFAULT_DAYS)
    if first > last:
        raise UsageError(f"--first-date {first} is after --last-date {last}.", "Swap the two dates.")
    return Window(first, last, moment)


def find_project(start: Path, or_installed: bool = True) -> Path:
    """The folder of trueup's dbt project: ``start`` or one above it, else the one that trueup was installed from.

    ``or_installed``: False where somebody named ``start``, who must not be given another project's report.
    """
    installed = [Path(__file__).resolve().parents[2]] if or_installed else []
    for folder in (start, *start.parents, *installed):
        project = folder / "dbt_project.yml"
        if project.is_file() and "name: trueup" in project.read_text(encoding="utf-8"):
            return folder
    raise UsageError(
        f"There is no trueup project at {start} or above it.",
        "Run trueup in its checkout, or give --project-dir.",
    )


def completions_file(target: str, project_dir: Path) -> Path | None:
    """The SQLite file of the completion documents; None where they are in Firestore, which can be said by name."""
    path = os.environ.get(COMPLETIONS_VARIABLE)
    if path and path != IN_FIRESTORE:
        return Path(path)
    return None if target == "prod" or path else project_dir / ".trueup" / "completions.db"


def alert_settings(target: str, project_dir: Path, environment: Mapping[str, str] = os.environ) -> AlertSettings:
    """The alerts' settings, from the environment. What was told is kept in Firestore for the target prod, else in
    ``.trueup/alerts.db``; TRUEUP_ALERT_STATE names another file, or ``firestore``.
    """

    def value(name: str) -> str:
        return environment.get(name, "").strip()  # a secret that was pasted ends in a newline

    state = value(ALERT_STATE_VARIABLE)
    in_firestore = state == IN_FIRESTORE or (target == "prod" and not state)
    return AlertSettings(
        slack=value(SLACK_VARIABLE),
        webhook=value(WEBHOOK_VARIABLE),
        step_summary=value(STEP_SUMMARY_VARIABLE),
        report_url=value(REPORT_URL_VARIABLE),
        state=None if in_firestore else Path(state or project_dir / ".trueup" / "alerts.db"),
    )


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def _days_before(last: date, days: int) -> date:
    """The first of so many days that end at ``last``."""
    try:
        return last - timedelta(days=days - 1)
    except OverflowError as error:
        raise UsageError(f"--days {days} begins before the year 1.", "Give fewer days.") from error


def _date(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a date.", "Write it as in 2026-02-03.") from error


def _moment(text: str) -> datetime:
    wanted = "Write it as in 2026-02-04T16:00:00-05:00."
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise UsageError(f"--as-of {text!r} is not a moment.", wanted) from error
    if moment.tzinfo is None:
        raise UsageError(f"--as-of {text!r} has no offset.", wanted)
    if not 1 < moment.year < MAXYEAR:  # elsewhere it may be in a year that there is not
        raise UsageError(f"--as-of {text!r} is in the year {moment.year}.", wanted)
    return moment
