"""``trueup expectations``: only the Great Expectations suites."""

from argparse import ArgumentParser, Namespace
from contextlib import closing

from rich.console import Console

from trueup.cli.options import add_format, add_window, settings_of, show
from trueup.cli.steps import Steps
from trueup.cli.terminal import terminal
from trueup.expectations.verdicts import DATA_DOCS
from trueup.settings import short_path
from trueup.window import now


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    add_window(parser)
    add_format(parser)


def run(options: Namespace, console: Console) -> int:
    """Run only the Great Expectations suites."""
    settings = settings_of(options, now())
    from trueup.runs.expectations import check_expectations
    from trueup.runs.wiring import open_workplace

    steps = Steps(console)
    # The report of the last check links to its own Data Docs: do not overwrite them.
    folder = settings.state_dir / "expectations"
    with closing(steps), open_workplace(settings, steps, folder / DATA_DOCS) as work:
        report = check_expectations(work)
    code = show(report, options)
    if report.data_docs and options.format == "text":
        terminal().print(f"\n[dim]{short_path(folder / report.data_docs)}[/]")
    return code
