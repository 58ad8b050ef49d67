"""``trueup doctor``: what is missing before trueup can work."""

import os
from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import asdict

from rich.console import Console

from trueup.cli.options import add_format, add_window, settings_of
from trueup.cli.steps import Steps
from trueup.cli.terminal import escape, terminal
from trueup.errors import UsageError
from trueup.reporting.json_form import json_text
from trueup.window import now

_MARKS = {"ok": "[green]✔[/]", "missing": "[bold red]✘[/]", "note": "[yellow]![/]", "not asked": "[dim]–[/]"}


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    add_window(parser)
    add_format(parser)


def run(options: Namespace, console: Console) -> int:
    """Say what is missing before trueup can work, and the next step for each; exits with 2 if something is."""
    from trueup.gateways.embedded import ENDPOINT_VARIABLE
    from trueup.runs.doctor import diagnose
    from trueup.runs.wiring import open_workplace

    steps, found = Steps(console, quiet=options.format == "json"), []
    has_endpoint, out = bool(os.environ.get(ENDPOINT_VARIABLE)), terminal()
    with closing(steps):
        for one in diagnose(lambda: open_workplace(settings_of(options, now()), steps), has_endpoint):
            found.append(one)
            if options.format == "text":
                out.print(f"{_MARKS[one.state]} [bold]{escape(one.about)}[/]: {escape(one.message)}")
                if one.step:
                    out.print(f"    → {escape(one.step)}")
    if options.format == "json":
        print(json_text([asdict(one) for one in found]))
    return UsageError.exit_code if any(one.state == "missing" for one in found) else 0
