"""The report on a terminal."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from trueup.cli.terminal import escape
from trueup.plural import counted
from trueup.reporting.page.wording import day_span, utc
from trueup.results.finding import SEVERITIES, by_severity
from trueup.results.report import Report

_COLOURS = {"error": "bold red", "warn": "yellow", "info": "cyan"}
_NOT_RUN_SHOWN = 12


def print_report(report: Report, console: Console) -> None:
    """Print the summary, problems, findings with next steps, service levels, and what was not run."""
    console.print()
    console.print(summary_line(report))
    for problem in report.problems:
        console.print(f"  [bold red]could not check[/]  {escape(problem)}")
    if report.findings:
        _print_findings(report, console)
        _print_runbook(report, console)
    _print_service_levels(report, console)
    _print_not_run(report, console)
    if report.read_from and report.read_until:
        console.print(f"[dim]The sources were read from {utc(report.read_from)} to {utc(report.read_until)}.[/]")
    for note in report.notes:
        console.print(f"[dim]note: {escape(note)}[/]")


def summary_line(report: Report) -> str:
    """One line: days, status and counts."""
    window = report.window
    days = day_span(window.first_date, window.last_date)
    counts = Counter(one.outcome for one in report.outcomes)
    severities = Counter(one.severity for one in report.findings)
    checks = f"{counted(counts['passed'], 'check')} passed, {counts['failed']} failed, {counts['not_run']} not run"
    warnings = counted(severities["warn"], "warning")
    if report.status == "healthy" and report.kind == "pulse" and not counts["passed"]:
        return f"[dim]– {days}: nothing is due yet[/]  ({checks})"
    if report.status == "healthy" and report.kind == "pulse":
        return f"[bold green]✔ {days}: nothing wrong now, {warnings}[/]  ({checks})"
    if report.status == "healthy":
        warned = f" with {warnings}" if severities["warn"] else ""
        return f"[bold green]✔ {days}: healthy{warned}[/]  ({checks})"
    if report.status == "findings":
        return f"[bold red]✘ {days}: {counted(severities['error'], 'error')}, {warnings}[/]  ({checks})"
    return f"[bold yellow]? {days}: could not check[/]  ({checks})"


def _print_findings(report: Report, console: Console) -> None:
    """Print what is wrong and the next step for each finding. The layout fits any terminal width."""
    for finding in by_severity(report.findings):
        if finding.severity == "info" and finding.waived_because is None and finding.rule.startswith("SLO"):
            continue  # the service levels below show the same with numbers
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(width=max(map(len, SEVERITIES)), style=_COLOURS[finding.severity])
        table.add_column(overflow="fold")
        head = f"[bold]{finding.rule}[/]  {finding.game_date}  [bold]{escape(finding.subject)}[/]"
        table.add_row(finding.severity, head)
        table.add_row("", escape(finding.summary))
        lead = finding.remedy.removesuffix(finding.command).strip()
        if finding.waived_because:
            table.add_row("", f"[dim]waived: {escape(finding.waived_because)}[/]")
        elif lead:
            table.add_row("", f"[green]→ {escape(lead)}[/]")
        console.print()
        console.print(table)
        if finding.command and not finding.waived_because:
            # Outside of the table, which would break the line.
            console.print(f"       [green]{'  ' if lead else '→ '}{escape(finding.command)}[/]")


def _print_runbook(report: Report, console: Console) -> None:
    """The sections of docs/runbook.md for what is to be done."""
    sections = sorted({one.runbook for one in report.findings if one.severity != "info"})
    if sections:
        console.print(f"\nRunbook: {', '.join(f'docs/runbook.md#{one}' for one in sections)}", soft_wrap=True)


def _print_service_levels(report: Report, console: Console) -> None:
    if not report.service_levels:
        return
    last = report.window.last_date
    console.print(f"\n[bold]service levels {last}[/]")
    latest = {one.metric: one for one in report.service_levels if one.game_date == last}
    for metric, level in sorted(latest.items()):
        value = "not run" if level.value is None else f"{level.value:.1f} {level.unit}"
        line = f"{metric.replace('_', ' ')} {value} ({level.state})"
        console.print(f"  {escape(line.replace('(not_run)', '').strip())}")


def _print_not_run(report: Report, console: Console) -> None:
    reasons: dict[tuple[bool, str], Counter[str]] = {}
    for one in report.blocked if report.kind == "pulse" else report.outcomes:
        if one.outcome == "not_run":
            reasons.setdefault((one.is_blocking, one.reason), Counter())[one.rule] += 1
    if not reasons:
        return
    console.print("\n[bold]not run[/]")
    ordered = sorted(reasons.items(), key=lambda item: (not item[0][0], item[0][1]))
    for (is_blocking, reason), rules in ordered[:_NOT_RUN_SHOWN]:
        mark = "[yellow]could not check[/]" if is_blocking else "[dim]nothing to examine[/]"
        console.print(f"  {mark}  {', '.join(sorted(rules))}: {escape(reason or 'no reason given')}")
    if len(ordered) > _NOT_RUN_SHOWN:
        console.print(f"  … and {counted(len(ordered) - _NOT_RUN_SHOWN, 'more reason')} (--format json)")
