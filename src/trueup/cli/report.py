"""``trueup report``: show the last report again, without a new run."""

from argparse import ArgumentParser, Namespace
from datetime import datetime

from rich.console import Console

from trueup.cli.options import add_format, project_of, show, state_of
from trueup.cli.terminal import escape, terminal
from trueup.reporting.age import age_in_words, is_old
from trueup.reporting.artifacts import read_report, write_page
from trueup.reporting.page.wording import utc
from trueup.results.reference import load_reference
from trueup.results.report import Report
from trueup.settings import short_path
from trueup.window import now


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    add_format(parser)


def run(options: Namespace, console: Console) -> int:  # noqa: ARG001 - all commands share one signature
    """Show the last report again, without a new run."""
    project_dir = project_of(options)
    found = read_report(state_of(project_dir))
    page = write_page(state_of(project_dir), found, load_reference(project_dir / "seeds").rules)
    if options.format == "text":
        print_age(found, now(), terminal())
    code = show(found, options)
    if options.format == "text":
        terminal().print(f"\nThe report: {short_path(page)}")
    return code


def print_age(report: Report, now: datetime, console: Console) -> None:
    """Print when the report was written, so that an old one is not mistaken for today's."""
    colour = "yellow" if is_old(report, now) else "dim"
    place = f"Target {report.target}" + (f", documents in {report.documents}" if report.documents else "")
    line = escape(f"Report written {age_in_words(report, now)}. {place}, as of {utc(report.window.as_of)}.")
    console.print(f"[{colour}]{line}[/]")
