"""``trueup local``: run any command with an embedded warehouse."""

import os
import subprocess
from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path

from rich.console import Console

from trueup.cli.options import project_of, state_of
from trueup.cli.steps import Steps
from trueup.errors import UsageError


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--scenario", metavar="DIR", help="load this scenario first")
    parser.add_argument("run", nargs="*", metavar="-- COMMAND", help="the command, after -- (default: a shell)")


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
                console.print("This shell has an embedded warehouse. It ends with the shell: exit", highlight=False)
            return subprocess.run(command, env={**os.environ, **environment}, cwd=project_dir, check=False).returncode
        except OSError as error:
            raise UsageError(f"Cannot run {command[0]!r}: {error.strerror}.") from error
