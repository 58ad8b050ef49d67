"""``trueup check``: the daily run, its report and its alerts."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from trueup.cli.alert import print_deliveries, send
from trueup.cli.options import add_format, add_window, near, project_of, settings_of, show, state_of, window_of
from trueup.cli.steps import Steps
from trueup.errors import CannotCheckError, UsageError
from trueup.reporting.artifacts import page_path, write_junit
from trueup.reporting.standing import Standing, refuse, standing_report
from trueup.results.reference import load_reference
from trueup.results.report import Report
from trueup.window import make_window, now


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    add_window(parser)
    add_format(parser)
    parser.add_argument("--junit", metavar="FILE", help="write JUnit XML too")


def run(options: Namespace, console: Console) -> int:
    """Check the days and report what is wrong."""
    try:
        project_dir = project_of(options)
    except UsageError as error:
        refuse_check(options, error)
        raise
    standing = _standing(options, project_dir)
    with standing_report(standing):
        report = _checked(options, console, standing)
    code = show(report, options)
    if options.format == "text":
        Console().print(f"\nThe report: {near(page_path(standing.folder))}", highlight=False)
    return code


def refuse_check(options: Namespace, error: UsageError) -> None:
    """Leave the reason why a check was not begun in the last run's report, and in its file of JUnit XML."""
    try:
        project_dir = project_of(options)
    except UsageError:  # there is no report to replace
        if options.junit:
            window = make_window(None, None, None, None, now())
            with suppress(CannotCheckError):
                write_junit(Path(options.junit), Report(window, options.target, problems=(error.told,)))
        return
    refuse(_standing(options, project_dir), error)


def _checked(options: Namespace, console: Console, standing: Standing) -> Report:
    """Run the day, write its report and send the alerts; returns the report as it was written."""
    settings = settings_of(options, standing.began_at)
    # dbt and Google's clients take seconds to import, which wrong usage does not wait for.
    from trueup.runs.check import run_check
    from trueup.runs.wiring import open_workplace

    steps = Steps(console)
    try:
        with closing(steps), open_workplace(settings, steps) as work:
            report = run_check(work)
    except CannotCheckError as error:
        # A machine that asked for JSON gets it also where nothing could be checked.
        report = Report(settings.window, settings.target, problems=(error.told,))
    rules = load_reference(settings.project_dir / "seeds").rules
    report = standing.finish(report, rules)
    deliveries = send(report, settings.project_dir)
    print_deliveries(deliveries, console)
    unsent = [f"The alert to {one.channel} was not sent: {one.reason}" for one in deliveries if one.is_unsent]
    if unsent:  # never the verdict, but the next reader must know
        report = standing.finish(replace(report, notes=(*report.notes, *unsent)), rules)
    return report


def _standing(options: Namespace, project_dir: Path) -> Standing:
    """Where the report of a check that begins now is written."""
    moment = now()
    try:
        window = window_of(options, moment)
    except UsageError:  # the run refuses it; until then its report needs days to speak of
        window = make_window(None, None, None, None, moment)
    junit = Path(options.junit) if options.junit else None
    return Standing(state_of(project_dir), window, options.target, junit, moment, now)
