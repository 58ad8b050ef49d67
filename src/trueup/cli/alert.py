"""``trueup alert``: send what changed since the last alert."""

import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from trueup.cli.options import project_of, state_of
from trueup.cli.terminal import escape, terminal
from trueup.errors import CannotCheckError, UsageError
from trueup.reporting.age import MOST_HOURS, refuse_old
from trueup.reporting.alerts.channels import (
    SLACK_VARIABLE,
    STEP_SUMMARY_VARIABLE,
    WEBHOOK_VARIABLE,
    Delivery,
    alert_settings,
    channels_of,
)
from trueup.reporting.alerts.deliver import Preview, preview, send_alerts
from trueup.reporting.artifacts import read_report
from trueup.results.report import Report
from trueup.window import now


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--preview", action="store_true", help="show the messages without sending them")
    parser.add_argument(
        "--max-age",
        type=float,
        default=MOST_HOURS,
        metavar="HOURS",
        help=f"refuse a report older than this (default: {MOST_HOURS:g})",
    )


def run(options: Namespace, console: Console) -> int:
    """Send what is new in the last report to Slack, a webhook and the step summary."""
    project_dir = project_of(options)
    found = read_report(state_of(project_dir))
    settings = alert_settings()
    if not channels_of(settings):
        raise UsageError(
            "No alert channel is configured.",
            f"Set {SLACK_VARIABLE}, {WEBHOOK_VARIABLE} or {STEP_SUMMARY_VARIABLE}; see docs/how-to/alerts.md.",
        )
    refuse_old(found, now(), options.max_age)
    if options.preview:
        from trueup.runs.wiring import state_opener

        print_previews(preview(found, settings, state_opener(settings, project_dir, found.target)), terminal())
        return 0
    deliveries = send(found, project_dir)
    print_deliveries(deliveries, console)
    return CannotCheckError.exit_code if any(one.is_unsent for one in deliveries) else 0


def send(report: Report, project_dir: Path) -> tuple[Delivery, ...]:
    """Send to the channels configured in the environment. If there are none, nothing is imported or opened."""
    settings = alert_settings()
    if not channels_of(settings):
        return ()
    from trueup.runs.wiring import open_courier

    return send_alerts(report, settings, open_courier(settings, project_dir, report.target, uuid.uuid4().hex))


def print_deliveries(deliveries: Sequence[Delivery], console: Console) -> None:
    """Print the result of each delivery."""
    for one in deliveries:
        colour = "bold red" if one.is_unsent else "dim"
        reason = f": {one.reason}" if one.reason else ""
        console.print(f"[{colour}]alert {one.channel} {one.result.replace('_', ' ')}[/]{escape(reason)}")


def print_previews(previews: Sequence[Preview], console: Console) -> None:
    """Print the message for each channel."""
    for one in previews:
        console.print(f"[bold]{one.channel}[/]  {escape(one.reason)}".rstrip())
        if one.body:
            console.print(one.body, markup=False, soft_wrap=True)
