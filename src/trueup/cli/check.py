"""``trueup check``: the daily run, its report and its alerts."""

from argparse import ArgumentParser, Namespace
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from trueup.cli.alert import print_deliveries, send
from trueup.cli.options import add_format, add_window, project_of, settings_of, show, state_of, window_of
from trueup.cli.steps import Steps
from trueup.cli.terminal import terminal
from trueup.cli.waiting import add_wait, wait_of, waited
from trueup.errors import CannotCheckError, LeaseHeldError, UsageError
from trueup.reporting.artifacts import page_path, write_junit
from trueup.reporting.run_report import RunReport, open_report, refuse
from trueup.results.reference import load_reference
from trueup.results.report import Report
from trueup.settings import short_path
from trueup.window import make_window, now


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    add_window(parser)
    add_format(parser)
    add_wait(parser)
    parser.add_argument("--junit", metavar="FILE", help="also write a JUnit XML file")


def run(options: Namespace, console: Console) -> int:
    """Check the days and report what is wrong."""
    try:
        project_dir = project_of(options)
    except UsageError as error:
        refuse_check(options, error)
        raise
    run_report = _run_report(options, project_dir)
    with open_report(run_report):
        report = _checked(options, console, run_report)
    code = show(report, options)
    if options.format == "text":
        terminal().print(f"\nThe report: {short_path(page_path(run_report.folder))}")
    return code


def refuse_check(options: Namespace, error: UsageError) -> bool:
    """Write the reason why the check did not start to report and JUnit XML; return whether there is a report."""
    try:
        project_dir = project_of(options)
    except UsageError:  # no project, so no report to replace
        if options.junit:
            window = make_window(None, None, None, None, now())
            with suppress(CannotCheckError):
                write_junit(Path(options.junit), Report(window, options.target, problems=(error.text,)))
        return False
    refuse(_run_report(options, project_dir), error)
    return True


def _checked(options: Namespace, console: Console, run_report: RunReport) -> Report:
    """Run the check, write its report and send the alerts. Returns the report as written."""
    project_dir, steps = project_of(options), Steps(console)
    with closing(steps):
        report, why = waited(lambda is_waiting: _attempt(options, steps, is_waiting), wait_of(options), steps.start)
    if why:
        report = replace(report, notes=(*report.notes, f"It waited. {why}"))
    rules = load_reference(project_dir / "seeds").rules
    report = run_report.finish(report, rules)
    deliveries = send(report, project_dir)
    print_deliveries(deliveries, console)
    unsent = [f"The alert to {one.channel} was not sent: {one.reason}" for one in deliveries if one.is_unsent]
    if unsent:  # an unsent alert changes only the report, not the exit code
        report = run_report.finish(replace(report, notes=(*report.notes, *unsent)), rules)
    return report


def _attempt(options: Namespace, steps: Steps, is_waiting: bool) -> Report:
    """One check, as of now: an attempt after a wait must not judge the moment before it. See run_check."""
    settings = settings_of(options, now())
    # Importing dbt and Google's clients takes seconds; a usage error should not wait for it.
    from trueup.runs.check import run_check
    from trueup.runs.wiring import open_workplace

    try:
        with open_workplace(settings, steps) as work:
            return run_check(work, is_waiting=is_waiting)
    except LeaseHeldError:
        raise
    except CannotCheckError as error:
        # --format json must print JSON even if nothing could be checked.
        return Report(settings.window, settings.target, problems=(error.text,))


def _run_report(options: Namespace, project_dir: Path) -> RunReport:
    """The report, still to be written, of a check that begins now."""
    began_at = now()
    try:
        window = window_of(options, began_at)
    except UsageError:  # the run raises this error again and reports it; the report needs days
        window = make_window(None, None, None, None, began_at)
    junit = Path(options.junit) if options.junit else None
    return RunReport(state_of(project_dir), window, options.target, junit, began_at, now)
