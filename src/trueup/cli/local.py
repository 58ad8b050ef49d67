"""``trueup local``: run any command with an embedded warehouse."""

import json
import os
import subprocess
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from rich.console import Console

from trueup.cli.options import project_of, state_of
from trueup.cli.steps import Steps
from trueup.cli.terminal import escape
from trueup.errors import UsageError
from trueup.settings import SCENARIO_VARIABLE, VARS_VARIABLE


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--scenario", metavar="DIR", help="load this scenario first")
    parser.add_argument("run", nargs="*", metavar="-- COMMAND", help="the command, after -- (default: a shell)")


def _greet(console: Console, environment: Mapping[str, str]) -> None:
    """Say what the shell has, and how its commands see the days of its scenario."""
    console.print("This shell has an embedded warehouse. It ends with the shell: exit")
    if variables := environment.get(VARS_VARIABLE):
        days = json.loads(variables)
        console.print(escape(f"Its data are of {days['first_date']} to {days['last_date']}, as of {days['as_of']}."))
        console.print("  trueup check                       has these days by itself")
        console.print(escape(f'  dbt build --vars "${VARS_VARIABLE}"    needs them'))
        if (Path(environment[SCENARIO_VARIABLE]) / "seeds").is_dir():
            console.print("Its seeds replace the project's for trueup. dbt loads those of the project.")


def run(options: Namespace, console: Console) -> int:
    """Run a command, or a shell, with an embedded warehouse."""
    command = options.run or [os.environ.get("SHELL") or "/bin/sh"]
    project_dir = project_of(options)
    from trueup.runs.session import session_environment

    steps = Steps(console)
    scenario = Path(options.scenario) if options.scenario else None
    with closing(steps), session_environment(scenario, project_dir, state_of(project_dir), steps) as environment:
        steps.finish()
        try:
            if not options.run:
                _greet(console, environment)
            return subprocess.run(command, env={**os.environ, **environment}, cwd=project_dir, check=False).returncode
        except OSError as error:
            raise UsageError(f"Cannot run {command[0]!r}: {error.strerror}.") from error
