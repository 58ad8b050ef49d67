"""Options that several commands share."""

import getpass
import os
import socket
import uuid
from argparse import ArgumentParser, Namespace
from datetime import datetime
from pathlib import Path

from trueup.cli.show_report import print_report
from trueup.cli.terminal import terminal
from trueup.errors import UsageError
from trueup.repair.documents.steps import Actor
from trueup.reporting.json_form import to_json
from trueup.results.report import Report
from trueup.scenario.folders import read_seeds
from trueup.settings import (
    DEFAULT_TARGET,
    Settings,
    find_project,
    platform_zone,
    project_variables,
    shell_scenario,
)
from trueup.window import WINDOW_VARS, Window, make_window


def add_window(parser: ArgumentParser) -> None:
    """``--first-date``, ``--last-date``, ``--days``, ``--as-of`` and ``--target``."""
    parser.add_argument("--first-date", metavar="D", help="first day, for example 2026-02-03")
    parser.add_argument("--last-date", metavar="D", help="last day (default: yesterday, by the var platform_time_zone)")
    parser.add_argument("--days", type=int, metavar="N", help="number of days up to --last-date (default: 7)")
    add_moment(parser)


def add_moment(parser: ArgumentParser) -> None:
    """``--as-of`` and ``--target``."""
    parser.add_argument(
        "--as-of", metavar="T", help="evaluate as of this time, as 2026-02-04T16:00-05:00 (default: now)"
    )
    parser.add_argument(
        "--target", default=DEFAULT_TARGET, help="a target of profiles.yml (default: local, the embedded warehouse)"
    )


def add_format(parser: ArgumentParser) -> None:
    """``--format``."""
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text (default), or one JSON document"
    )


def window_of(options: Namespace, now: datetime) -> Window:
    """The days that the options name, else the vars of the shell's scenario, else those of dbt_project.yml, as in dbt.
    ``--fix`` is of now, whatever the vars say. Raises UsageError if they are invalid.
    """
    variables = {**project_variables(project_of(options)), **shell_scenario()[1]}
    zone = platform_zone(variables.get("platform_time_zone"))
    left_out = {"first_date"} if options.days is not None else set()
    left_out |= {"as_of"} if getattr(options, "fix", False) else set()
    given = {name: str(variables[name]) for name in WINDOW_VARS if variables.get(name) and name not in left_out}
    try:
        make_window(given.get("first_date"), given.get("last_date"), None, given.get("as_of"), now, zone)
    except UsageError as error:
        raise UsageError(f"The vars first_date, last_date, as_of: {error.message}", error.hint) from error
    return make_window(
        options.first_date or given.get("first_date"),
        options.last_date or given.get("last_date"),
        options.days,
        options.as_of or given.get("as_of"),
        now,
        zone,
    )


def settings_of(options: Namespace, now: datetime) -> Settings:
    """The settings of a run with these options."""
    project_dir = project_of(options)
    scenario, variables = shell_scenario()
    return Settings(
        project_dir=project_dir,
        state_dir=state_of(project_dir),
        target=options.target,
        window=window_of(options, now),
        variables={name: value for name, value in variables.items() if name not in WINDOW_VARS},
        seeds=read_seeds(scenario) if scenario else None,
        scenario=scenario,
        holder=actor().name,
    )


def project_of(options: Namespace) -> Path:
    """The folder of trueup's dbt project."""
    try:
        here = Path.cwd()
    except OSError as error:
        raise UsageError("The current folder was deleted.", "Change to another one.") from error
    if options.project_dir:
        return find_project((here / options.project_dir).resolve(), or_installed=False)
    return find_project(here)


def state_of(project_dir: Path) -> Path:
    """The folder for reports and other files of runs."""
    return project_dir / ".trueup"


def actor() -> Actor:
    """The user and host that run this command, for the audit table."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may have no entry for its user
        user = f"uid-{os.getuid()}"
    return Actor(f"{user}@{socket.gethostname()}", uuid.uuid4().hex[:12])


def show(report: Report, options: Namespace) -> int:
    """Print the report in the form of ``--format``. Returns its exit code."""
    if options.format == "json":
        print(to_json(report))
    else:
        print_report(report, terminal())
    return report.exit_code
