"""``trueup demo``: the night of 2026-02-03 on the embedded warehouse."""

from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import replace

from rich.console import Console

from trueup.cli.options import project_of, state_of
from trueup.cli.replay import print_replay, print_timeline
from trueup.cli.show_report import print_report
from trueup.cli.steps import Steps
from trueup.cli.terminal import terminal
from trueup.expectations.verdicts import DATA_DOCS
from trueup.gateways.embedded import EmbeddedWarehouse
from trueup.reporting.artifacts import page_path, write_report
from trueup.results.reference import load_reference
from trueup.settings import short_path
from trueup.window import now

NIGHT = "incident-2026-02-03"


def add_arguments(parser: ArgumentParser) -> None:
    """Add no options."""


def run(options: Namespace, console: Console) -> int:
    """Replay the night of 2026-02-03, end to end. Exits 0 if it finds exactly the planted faults."""
    project_dir = project_of(options)
    folder = state_of(project_dir) / "demo"  # must not overwrite the report of a check
    steps = Steps(console)
    out = terminal()
    steps.start("Starting the embedded warehouse")
    with closing(steps), EmbeddedWarehouse() as warehouse:
        from trueup.runs.replay import replay_all

        (night,) = replay_all(
            [project_dir / "scenarios" / NIGHT],
            project_dir,
            state_of(project_dir),
            steps,
            warehouse,
            with_tests=True,
            data_docs=folder / DATA_DOCS,
            with_timeline=True,
            checked=lambda report: print_report(report, out),  # the pulses take longer than the check
        )
    report = replace(night.report, timeline=night.timeline or ())
    write_report(folder, report, load_reference(project_dir / "seeds").rules, now())
    out.print("\n[bold]with trueup pulse every five minutes[/] [dim](times in New York)[/]")
    print_timeline(night, out)
    out.print("    [dim]The scripts that trueup replaces ran once a day, too.[/]\n")
    print_replay(night, out)
    out.print(f"The report: {short_path(page_path(folder))}")
    return 0 if night.is_match else 1
