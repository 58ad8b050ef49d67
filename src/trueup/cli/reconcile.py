"""``trueup reconcile``: judge the completion documents, plan their repair, and apply it with --fix."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console

from trueup.cli.options import actor, add_format, add_window, settings_of
from trueup.cli.show_report import print_report
from trueup.cli.steps import Steps
from trueup.cli.terminal import escape, terminal
from trueup.errors import CannotCheckError, UsageError
from trueup.judge.case import DOCUMENT_FAMILIES
from trueup.plural import counted
from trueup.repair.documents.plan import Plan
from trueup.repair.documents.steps import START, Step, planned_steps, value_text
from trueup.reporting.json_form import to_json
from trueup.results.report import Report
from trueup.runs.variables import families_off
from trueup.window import now

if TYPE_CHECKING:
    from trueup.runs.repair import Repair

_COLOURS = {"applied": "green", "refused": "yellow", "failed": "bold red", "not_done": "red", "started": "dim"}
_LONGEST = 100


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    add_window(parser)
    add_format(parser)
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--fix", action="store_true", help="apply the plan")
    does.add_argument("--history", action="store_true", help="show past repairs of these days")


def run(options: Namespace, console: Console) -> int:
    """Judge the completion documents against the rows and plan their repair. With --fix, apply the plan."""
    if options.fix and options.as_of:
        raise UsageError("--fix conflicts with --as-of: it repairs the current documents.", "Use only one of them.")
    began_at = now()
    settings = settings_of(options, began_at)
    if off := families_off(settings) & DOCUMENT_FAMILIES:
        raise UsageError(
            f"The rules on documents are switched off ({', '.join(sorted(off))}).",
            "Remove them from the var families_off in dbt_project.yml.",
        )
    from trueup.runs.build import build_evidence, building
    from trueup.runs.reconcile import judged_report
    from trueup.runs.repair import apply_repairs, plan_repairs, repair_audit
    from trueup.runs.wiring import open_workplace

    who = actor()
    steps, out = Steps(console), terminal()
    with closing(steps), open_workplace(settings, steps) as work:
        if options.history:
            rows = repair_audit(work, who).history(settings.window.first_date, settings.window.last_date)
            steps.finish()
            print_history(rows, options.format, out)
            return 0
        with building(work) as work:
            build_evidence(work)
            steps.start("Judging the completion documents")
            repair = plan_repairs(work, who)
            if options.fix and not repair.judged.unread:
                steps.start("Repairing")
                repair = apply_repairs(work, repair, who)
            problems = [repair.problem] if repair.problem else []
            report = judged_report(work, repair.judged, problems)
    if options.format == "json":
        print(repair_json(report, repair))
    else:
        print_report(report, out)
        is_past = work.settings.window.as_of < began_at
        print_repair(repair, options.fix, out, is_past)
    return CannotCheckError.exit_code if problems else report.exit_code


def repair_json(report: Report, repair: Repair) -> str:
    """The report, the plan for each document, and the steps that were done, as one JSON object."""
    plans = [
        {
            "document": plan.document_id,
            "update_time": plan.update_time.isoformat() if plan.update_time else None,
            "steps": [_as_dict(step) for step in planned_steps(plan, "started")],
            "left": [asdict(one) for one in plan.left],
        }
        for plan in repair.plans
        if not plan.is_empty or plan.left
    ]
    return to_json(report, plan=plans, steps=[_as_dict(step) for step in repair.steps])


def print_repair(repair: Repair, was_fixed: bool, console: Console, is_past: bool = False) -> None:
    """Print the planned or applied steps, and the findings that need manual repair. ``is_past``: of another time."""
    steps = repair.steps if was_fixed else [one for plan in repair.plans for one in planned_steps(plan, "started")]
    console.print("\n[bold]repair[/]" if was_fixed else "\n[bold]plan[/]")
    if not steps:
        is_unseen = repair.judged.unread or any(one.is_blocking for one in repair.judged.verdicts)
        line = "no plan: some of its evidence could not be checked" if is_unseen else "nothing to repair"
        console.print(f"  {line}")
    for step in steps:
        state = f"[{_COLOURS[step.state]}]{step.state}[/] " if was_fixed else ""
        console.print(f"  {state}[bold]{step.rule}[/]  {step.game_date}  {escape(_change(step))}")
        if step.reason:
            console.print(f"    {escape(step.reason)}")
        elif not was_fixed:
            console.print(f"    [dim]because {escape(_short(dict(step.evidence)))}[/]")
            for table, count in step.evidence.get("excess_rows", {}).items():
                note = f"{table} has {counted(count, 'duplicate row')}; phase 4 would read them"
                console.print(f"    [yellow]{escape(note)}[/]")
    _print_left(repair.plans, console)
    if steps and not was_fixed:
        without = " and without --as-of: repairs are of now" if is_past else ""
        console.print(f"\nTo apply the plan, run the same command with [green]--fix[/]{without}")


def print_history(rows: Sequence[Mapping[str, Any]], form: str, console: Console) -> None:
    """Print every past repair step of the checked days, oldest first."""
    if form == "json":
        print(json.dumps([dict(row) for row in rows], default=str, indent=2, ensure_ascii=False))
        return
    if not rows:
        console.print("No repairs on these days. For other days, use --first-date and --last-date.")
    for row in rows:
        console.print(
            f"{row['recorded_at']:%Y-%m-%d %H:%M:%S} UTC  [{_COLOURS.get(row['state'], 'dim')}]{row['state']}[/]  "
            f"[bold]{row['rule']}[/]  {row['game_date']}  {escape(row['action'])} {escape(row['subject'])}: "
            f"{escape(row['before'][:_LONGEST])} → {escape(row['after'][:_LONGEST])}  "
            f"[dim]{escape(row['actor'])}, run {row['run_id']}[/]"
        )
        if row["reason"]:
            console.print(f"    {escape(row['reason'])}")


def _print_left(plans: Sequence[Plan], console: Console) -> None:
    left = [(plan, one) for plan in plans for one in plan.left]
    if not left:
        return
    console.print("\n[bold]left to you[/]")
    for plan, one in left:
        subject = "" if one.subject == plan.document_id else f" {one.subject}"
        console.print(f"  [bold]{one.rule}[/]  {plan.game_date}{escape(subject)}: {escape(one.reason)}")
        console.print(f"    [green]→ {escape(one.remedy)}[/]")


def _change(step: Step) -> str:
    if step.action == START:
        return f"start phase 4 of {step.subject}: claim the start, send the message, set _triggered"
    return f"set {step.subject}: {_short(step.before)} → {_short(step.after)}"


def _short(value: Any) -> str:
    text = value_text(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _as_dict(step: Step) -> dict[str, Any]:
    values = {name: json.loads(value_text(getattr(step, name))) for name in ("before", "after", "evidence")}
    return {**asdict(step), **values, "game_date": step.game_date.isoformat()}
