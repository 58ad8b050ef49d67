"""``trueup replay``: run scenarios and compare the findings with the expected ones."""

from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path

from rich.console import Console

from trueup.cli.options import add_format, project_of, state_of
from trueup.cli.steps import Steps
from trueup.cli.terminal import escape, terminal
from trueup.gateways.embedded import EmbeddedWarehouse
from trueup.plural import counted
from trueup.reporting.alerts.change import COULD_NOT_CHECK
from trueup.results.told import before_check, lead_over_checks
from trueup.runs.replayed import Replay, replays_to_json
from trueup.scenario.scenario import find_scenarios
from trueup.window import EASTERN


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("folders", nargs="+", metavar="DIR", help="a scenario folder, or a folder of scenarios")
    parser.add_argument(
        "--timeline", action="store_true", help="also show when a pulse every five minutes would have told each finding"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_format(parser)


def run(options: Namespace, console: Console) -> int:
    """Replay scenarios and compare their findings with the expected ones."""
    project_dir = project_of(options)
    steps = Steps(console, quiet=options.quiet)
    out = terminal()
    replays: list[Replay] = []
    folders = find_scenarios([Path(path) for path in options.folders])
    steps.start("Starting the embedded warehouse")
    with closing(steps), EmbeddedWarehouse() as warehouse:
        # The warehouse starts while dbt is imported, which takes about as long.
        from trueup.runs.replay import replay_all

        state = state_of(project_dir)
        for one in replay_all(folders, project_dir, state, steps, warehouse, with_timeline=options.timeline):
            replays.append(one)
            if options.format == "text":
                print_replay(one, out)
                print_timeline(one, out)
    missed = sum(not one.is_match for one in replays)
    if options.format == "json":
        print(replays_to_json(replays))
    else:
        out.print(f"{len(replays) - missed} passed, {missed} failed")
    return 1 if missed else 0


def print_timeline(replay: Replay, console: Console) -> None:
    """Print what pulses told, and when; how much later a daily check would have told it."""
    if replay.timeline is None:
        return
    for one in replay.timeline:
        at = one.at.astimezone(EASTERN)
        mark = {"told": "[bold red]told[/]", "worse": "[red]worse[/]", "closed": "[green]closed[/]"}[one.kind]
        lead = "" if one.kind == "closed" else before_check(at)
        # The subject of what could not be checked is the target.
        what = "could not check" if one.rule == COULD_NOT_CHECK else f"{one.rule}  {escape(one.subject)}"
        console.print(
            f"    {at:%Y-%m-%d %H:%M}  {mark}  {what}{f'  [dim]{lead}[/]' if lead else ''}",
            soft_wrap=True,
        )
    if lead := lead_over_checks(replay.timeline):
        console.print(f"    {lead}")


def print_replay(replay: Replay, console: Console) -> None:
    """Print one line for a match, or the differences."""
    scenario, comparison = replay.scenario, replay.comparison
    if replay.is_match:
        planted = len(scenario.expect)
        found = f"found exactly the {counted(planted, 'planted finding')}" if planted else "found nothing, as expected"
        ended = "; could not check, as expected" if scenario.status == "could_not_check" else ""
        console.print(f"[green]✔[/] {escape(scenario.name)}: {found}{ended}")
        if scenario.expect_told and replay.timeline is None:
            console.print("    [dim]expect_told was not compared: that needs --timeline[/]")
        return
    console.print(f"[bold red]✘[/] {escape(scenario.name)}: {escape(scenario.title)}")
    for difference in replay.told_differences:
        console.print(f"    {escape(difference)}")
    if replay.status_difference:
        console.print(f"    {escape(replay.status_difference)}")
    for problem in replay.unchecked:
        console.print(f"    could not check: {escape(problem)}")
    for expected in comparison.missing:
        console.print(f"    missing:    {escape(str(expected))}")
    for finding in comparison.unexpected:
        console.print(
            f"    unexpected: {finding['severity']} {finding['rule']} {finding['game_date']} "
            f"{escape(str(finding['subject']))} observed {finding['observed']}: "
            f"{escape(str(finding['summary']))}"
        )
