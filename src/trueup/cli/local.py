"""``trueup local``: run any command with an embedded warehouse."""

import json
import os
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from rich.console import Console

from trueup.cli.options import project_of, state_of
from trueup.cli.steps import Steps
from trueup.cli.terminal import escape
from trueup.errors import ScenarioError, UsageError
from trueup.settings import SCENARIO_VARIABLE, VARS_VARIABLE, short_path

# For a command to stop by itself, before it is killed.
_END_SECONDS = 10.0


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


def _run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
    """The exit code of the command, as a shell gives it. If trueup is interrupted or ended, so is the command, and
    without a terminal also everything that it has started. (On a terminal, a group of its own could not read from it.)
    """
    is_grouped = sys.stdin is None or not sys.stdin.isatty()
    with subprocess.Popen(command, env=environment, cwd=folder, process_group=0 if is_grouped else None) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            end = partial(os.killpg, child.pid) if is_grouped else child.send_signal
            _end(child, end)
            raise
    return code if code >= 0 else 128 - code


def _end(child: subprocess.Popen[bytes], end: Callable[[int], object]) -> None:
    with suppress(ProcessLookupError):
        end(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_END_SECONDS)
        end(signal.SIGKILL)


def _known(project_dir: Path) -> str:
    found = sorted(one.parent for one in (project_dir / "scenarios").glob("*/scenario.yml"))
    return f"Name the folder of one, such as: {', '.join(str(short_path(one)) for one in found)}"


def run(options: Namespace, console: Console) -> int:
    """Run a command, or a shell, with an embedded warehouse."""
    command = options.run or [os.environ.get("SHELL") or "/bin/sh"]
    project_dir = project_of(options)
    scenario = Path(options.scenario) if options.scenario else None
    if scenario and not (scenario / "scenario.yml").is_file():
        raise ScenarioError(f"{scenario} is no scenario: it has no scenario.yml.", _known(project_dir))
    from trueup.runs.session import session_environment

    steps = Steps(console)
    with closing(steps), session_environment(scenario, project_dir, state_of(project_dir), steps) as environment:
        steps.finish()
        try:
            if not options.run:
                _greet(console, environment)
            return _run(command, {**os.environ, **environment}, project_dir)
        except OSError as error:
            raise UsageError(f"Cannot run {command[0]!r}: {error.strerror}.") from error
