"""``trueup pulse``: what has become wrong, or right, since the last one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from trueup.cli.alert import print_deliveries, send
from trueup.cli.options import add_format, add_moment, project_of, settings_of, show
from trueup.cli.steps import Steps
from trueup.errors import CannotCheckError, TrueupError, UsageError, defect_of
from trueup.reporting.artifacts import read_report, write_data
from trueup.results.report import Report
from trueup.settings import Settings, platform_zone
from trueup.window import EASTERN, PULSE_DAYS, Window, now

_MOST_DAYS = 7
# The answer of a pulse that took longer, or that was of another time, is not that of now.
_OLDEST = timedelta(minutes=10)


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "--days",
        type=int,
        default=PULSE_DAYS,
        metavar="N",
        help=f"days to look at, up to today (default: {PULSE_DAYS})",
    )
    add_moment(parser)
    add_format(parser)


def run(options: Namespace, console: Console) -> int:
    """Tell at once what has become wrong since yesterday; meant for every five minutes."""
    began_at = now()
    with _told_if_it_fails(options, began_at, console):
        settings = _settings(options, began_at)
        report = _report(settings, options, began_at, console)
    return show(report, options)


@contextmanager
def _told_if_it_fails(options: Namespace, began_at: datetime, console: Console) -> Iterator[None]:
    """Tell an error of the block, too: nobody reads what a scheduler's run prints."""
    try:
        yield
    except Exception as error:
        # Without a time: each pulse would tell another one again.
        problem = error.text if isinstance(error, TrueupError) else f"The pulse hit {defect_of(error)}"
        try:
            project_dir = project_of(options)
        except UsageError:
            project_dir = Path()  # here, if here still exists
        report = Report(_last_days(PULSE_DAYS, began_at, EASTERN), options.target, "pulse", problems=(problem,))
        _tell(report, project_dir, console)
        raise


def _report(settings: Settings, options: Namespace, began_at: datetime, console: Console) -> Report:
    """The report of this pulse, or of the one that was running meanwhile."""
    # Importing dbt and Google's clients takes seconds; a usage error should not wait for it.
    from trueup.runs.pulse.turn import turn

    folder = settings.state_dir / "pulse"
    with ExitStack() as stack:
        try:
            is_alone = stack.enter_context(turn(folder))
        except CannotCheckError as error:
            return _tell(_blind(settings, error), settings.project_dir, console)
        answer = None if is_alone or options.as_of else _answer_since(folder, settings, began_at)
        if answer is None:
            # Sent before it is written: a pulse that waits takes only an answer that was also told.
            answer = _tell(_looked(settings, folder, console), settings.project_dir, console)
            try:
                answer = write_data(folder, answer, now())
            except CannotCheckError as error:
                answer = replace(answer, notes=(*answer.notes, f"The answer was not kept: {error.text}"))
        return answer


def _settings(options: Namespace, began_at: datetime) -> Settings:
    """The settings of a run on the last days, today included."""
    if not 1 <= options.days <= _MOST_DAYS:
        raise UsageError(f"--days {options.days} is not between 1 and {_MOST_DAYS}.", "Leave it out for two days.")
    asked = Namespace(**{**vars(options), "first_date": None, "last_date": None, "days": None})
    settings = settings_of(asked, began_at)
    zone = platform_zone(settings.variable("platform_time_zone"))
    return replace(settings, window=_last_days(options.days, settings.window.as_of, zone))


def _last_days(count: int, as_of: datetime, zone: ZoneInfo) -> Window:
    today = as_of.astimezone(zone).date()
    return Window(today - timedelta(days=count - 1), today, as_of)


def _answer_since(folder: Path, settings: Settings, began_at: datetime) -> Report | None:
    """The answer of the pulse that was running, if it ended after this one began and looked at the same."""
    with suppress(CannotCheckError):
        report = read_report(folder)
        window = settings.window
        is_same = report.target == settings.target and report.window.dates == window.dates
        is_now = began_at - _OLDEST <= report.window.as_of <= began_at
        if is_same and is_now and report.written_at and report.written_at >= began_at:
            return report
    return None


def _looked(settings: Settings, folder: Path, console: Console) -> Report:
    from trueup.runs.pulse.pulse import run_pulse
    from trueup.runs.wiring import open_workplace

    steps = Steps(console)
    try:
        with closing(steps), open_workplace(settings, steps) as work:
            return run_pulse(work, folder)
    except CannotCheckError as error:
        return _blind(settings, error)


def _blind(settings: Settings, error: TrueupError) -> Report:
    return Report(settings.window, settings.target, "pulse", problems=(error.text,))


def _tell(report: Report, project_dir: Path, console: Console) -> Report:
    """Send the report to the channels of alerts; returns it."""
    print_deliveries(send(report, project_dir), console)
    return report
