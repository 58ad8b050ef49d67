"""What a person sees: progress while trueup works, then the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from trueup.age import age_in_words, is_old
from trueup.alerts.channels import Delivery
from trueup.alerts.preview import Preview
from trueup.page.wording import utc
from trueup.replays import Replay
from trueup.report import SEVERITIES, Report

_COLOURS = {"error": "bold red", "warn": "yellow", "info": "cyan"}
_NOT_RUN_SHOWN = 12


class Steps:
    """Tells on stderr what is being done; a step at a time, with dbt's nodes as they start.

    On a terminal it is a live line; elsewhere (CI, a file) one line per step.
    """

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._progress: Progress | None = None

    def start(self, what: str) -> None:
        """A new step begins."""
        self.finish()
        if self._quiet:
            return
        if not self._console.is_terminal:
            self._console.print(f"… {what}", highlight=False)
            return
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[node]}"),
            console=self._console,
        )
        self._progress.add_task(what, total=None, node="")
        self._progress.start()

    def node(self, name: str, index: int, total: int) -> None:
        """Dbt has started one of its nodes."""
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=index, total=total, node=name[-48:])

    def close(self) -> None:
        """Leave the terminal as it was, whatever happened."""
        self.finish()

    def finish(self) -> None:
        """The step is done."""
        progress, self._progress = self._progress, None
        if progress is not None:
            task = progress.tasks[0]
            progress.update(task.id, completed=task.total or 1, total=task.total or 1, node="")
            progress.stop()


def print_report(report: Report, console: Console) -> None:
    """The report on a terminal: the verdict, what is wrong, what to do, what was not run."""
    console.print()
    console.print(verdict(report), highlight=False)
    for problem in report.problems:
        console.print(f"  [bold red]could not check[/]  {escape(problem)}", highlight=False)
    if report.findings:
        _print_findings(report, console)
    _print_service_levels(report, console)
    _print_not_run(report, console)
    for note in report.notes:
        console.print(f"[dim]note: {escape(note)}[/]", highlight=False)


def print_age(report: Report, now: datetime, console: Console) -> None:
    """When a report that is read again was written, and what it speaks of: nobody takes an old one for today's."""
    colour = "yellow" if is_old(report, now) else "dim"
    told = (
        f"Report written {age_in_words(report, now)}. Target {escape(report.target)}, as of {utc(report.window.as_of)}."
    )
    console.print(f"[{colour}]{told}[/]", highlight=False)


def print_deliveries(deliveries: Sequence[Delivery], console: Console) -> None:
    """What became of the alerts: what was sent, and above all what was not."""
    for one in deliveries:
        colour = "bold red" if one.is_unsent else "dim"
        reason = f": {one.reason}" if one.reason else ""
        console.print(
            f"[{colour}]alert {one.channel} {one.outcome.replace('_', ' ')}[/]{escape(reason)}", highlight=False
        )


def print_previews(previews: Sequence[Preview], console: Console) -> None:
    """What each channel would be sent."""
    for one in previews:
        console.print(f"[bold]{one.channel}[/]  {escape(one.reason)}".rstrip(), highlight=False)
        if one.body:
            console.print(one.body, highlight=False, markup=False, soft_wrap=True)


def verdict(report: Report) -> str:
    """One sentence: healthy or not, and what was looked at."""
    window = report.window
    days = (
        f"{window.first_date}"
        if window.first_date == window.last_date
        else f"{window.first_date} to {window.last_date}"
    )
    counts = Counter(one.outcome for one in report.outcomes)
    severities = Counter(one.severity for one in report.findings)
    looked = f"{counts['passed']} checks passed, {counts['failed']} failed, {counts['not_run']} not run"
    if report.status == "healthy":
        warned = f" with {severities['warn']} warnings" if severities["warn"] else ""
        return f"[bold green]✔ {days}: healthy{warned}[/]  ({looked})"
    if report.status == "findings":
        return f"[bold red]✘ {days}: {severities['error']} errors, {severities['warn']} warnings[/]  ({looked})"
    return f"[bold yellow]? {days}: could not check[/]  ({looked})"


def _print_findings(report: Report, console: Console) -> None:
    """Per finding what is wrong and the next step; lines that read well at any width."""
    for finding in report.by_severity():
        if finding.severity == "info" and finding.waived_because is None and finding.rule.startswith("SLO"):
            continue  # the service levels below say the same with their numbers
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(width=max(map(len, SEVERITIES)), style=_COLOURS[finding.severity])
        table.add_column(overflow="fold")
        head = f"[bold]{finding.rule}[/]  {finding.game_date}  [bold]{escape(finding.subject)}[/]"
        table.add_row(finding.severity, head)
        table.add_row("", escape(finding.summary))
        if finding.waived_because:
            table.add_row("", f"[dim]waived: {escape(finding.waived_because)}[/]")
        else:
            table.add_row("", f"[green]→ {escape(finding.remedy)}[/]")
        console.print()
        console.print(table, highlight=False)


def _print_service_levels(report: Report, console: Console) -> None:
    if not report.service_levels:
        return
    latest: dict[str, str] = {}
    last: date = report.window.last_date
    for level in report.service_levels:
        if level.game_date == last:
            value = "not run" if level.value is None else f"{level.value:.1f} {level.unit}"
            latest[level.metric] = f"{level.metric.replace('_', ' ')} {value} ({level.state})"
    console.print(f"\n[bold]service levels {last}[/]", highlight=False)
    for metric in sorted(latest):
        console.print(f"  {escape(latest[metric].replace('(not_run)', '').strip())}", highlight=False)


def _print_not_run(report: Report, console: Console) -> None:
    reasons: dict[tuple[bool, str], Counter[str]] = {}
    for one in report.outcomes:
        if one.outcome == "not_run":
            reasons.setdefault((one.is_blocking, one.reason), Counter())[one.rule] += 1
    if not reasons:
        return
    console.print("\n[bold]not run[/]")
    ordered = sorted(reasons.items(), key=lambda item: (not item[0][0], item[0][1]))
    for (is_blocking, reason), rules in ordered[:_NOT_RUN_SHOWN]:
        mark = "[yellow]could not check[/]" if is_blocking else "[dim]nothing to do[/]"
        console.print(
            f"  {mark}  {', '.join(sorted(rules))}: {escape(reason or 'no reason given')}",
            highlight=False,
        )
    if len(ordered) > _NOT_RUN_SHOWN:
        console.print(f"  … and {len(ordered) - _NOT_RUN_SHOWN} more reasons (--format json)")


def print_replay(replay: Replay, console: Console) -> None:
    """One line for a scenario that was met; what differs for one that was not."""
    scenario, comparison = replay.scenario, replay.comparison
    if replay.is_match:
        planted = len(scenario.expect)
        found = f"found exactly the {planted} planted findings" if planted else "found nothing, as it should"
        ended = "; could not check, as it should" if scenario.status == "could_not_check" else ""
        console.print(f"[green]✔[/] {escape(scenario.name)}: {found}{ended}", highlight=False)
        return
    console.print(f"[bold red]✘[/] {escape(scenario.name)}: {escape(scenario.title)}", highlight=False)
    if replay.status_difference:
        console.print(f"    {replay.status_difference}", highlight=False)
    for problem in replay.unchecked:
        console.print(f"    could not check: {escape(problem)}", highlight=False)
    for expected in comparison.missing:
        console.print(f"    missing:    {escape(str(expected))}", highlight=False)
    for finding in comparison.unexpected:
        console.print(
            f"    unexpected: {finding['severity']} {finding['rule']} {finding['game_date']} "
            f"{escape(str(finding['subject']))} observed {finding['observed']}: "
            f"{escape(str(finding['summary']))}",
            highlight=False,
        )
