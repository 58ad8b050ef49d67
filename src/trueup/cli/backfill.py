"""``trueup backfill``: fill the deduplicated tables for past days."""

from argparse import ArgumentParser, Namespace
from contextlib import closing

from rich.console import Console

from trueup.cli.options import add_window, settings_of
from trueup.cli.steps import Steps
from trueup.cli.terminal import terminal
from trueup.errors import UsageError
from trueup.window import MOST_DAYS, Window, now


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    add_window(parser)
    parser.add_argument("--step-days", type=int, default=7, metavar="N", help="days at once (default: 7)")
    parser.add_argument(
        "--restart", action="store_true", help="start with the first day, although an earlier run has done some"
    )


def run(options: Namespace, console: Console) -> int:
    """Fill the deduplicated tables for past days, in steps. Run it again after an interruption: it goes on."""
    if not 1 <= options.step_days <= MOST_DAYS:
        raise UsageError(f"--step-days {options.step_days} is out of range.", f"Use 1 to {MOST_DAYS}.")
    settings = settings_of(options, now())
    from trueup.runs.backfill import backfill
    from trueup.runs.wiring import open_workplace

    steps, out = Steps(console), terminal()

    def done(window: Window) -> None:
        out.print(f"[green]✔[/] {window.first_date} to {window.last_date}")

    try:
        with closing(steps), open_workplace(settings, steps) as work:
            backfill(work, options.step_days, done, options.restart)
    except KeyboardInterrupt:
        window = settings.window
        again = f"--first-date {window.first_date} --last-date {window.last_date}"
        console.print(f"trueup backfill with {again} goes on after the last ✔.")
        raise
    out.print(f"The deduplicated tables hold {settings.window.first_date} to {settings.window.last_date}.")
    return 0
