"""The commands: each turns its options into calls, prints what came of them, and returns the exit code."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import socket
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from trueup import artifacts
from trueup.alerts.channels import Delivery, channels_of
from trueup.errors import CannotCheckError, UsageError
from trueup.expectations.validator import DATA_DOCS
from trueup.reference import load_reference
from trueup.repair.audit import Actor
from trueup.report import Report, to_json
from trueup.settings import (
    SLACK_VARIABLE,
    STEP_SUMMARY_VARIABLE,
    WEBHOOK_VARIABLE,
    Settings,
    alert_settings,
    completions_file,
    find_project,
    make_window,
    now,
)
from trueup.terminal import Steps, print_deliveries, print_previews, print_report

DEMO = "incident-2026-02-03"


def check(options: argparse.Namespace, told: Console) -> int:
    """The daily run."""
    from trueup.check import run_check
    from trueup.gateways.workplace import open_workplace

    settings = _settings(options)
    steps = Steps(told)
    try:
        with contextlib.closing(steps), open_workplace(settings, steps) as work:
            report = run_check(work)
    except CannotCheckError as error:
        # A machine that asked for JSON gets it also where nothing could be checked.
        report = Report(settings.window, settings.target, problems=(error.told,))
    rules = load_reference(settings.project_dir / "seeds").rules
    page = artifacts.write_report(settings.state_dir, report, rules)
    deliveries = _send_alerts(report, settings.project_dir)
    print_deliveries(deliveries, told)
    unsent = [f"The alert to {one.channel} was not sent: {one.reason}" for one in deliveries if one.is_unsent]
    if unsent:  # never the verdict, but the next reader is told too
        report = replace(report, notes=(*report.notes, *unsent))
        artifacts.write_report(settings.state_dir, report, rules)
    if options.junit:
        artifacts.write_junit(Path(options.junit), report)
    code = _show(report, options)
    if options.format == "text":
        Console().print(f"\nThe report: {_near(page)}", highlight=False)
    return code


def reconcile(options: argparse.Namespace, told: Console) -> int:
    """Judge the completion documents against the rows; with --fix, make them agree."""
    from trueup.check import build_evidence
    from trueup.gateways.workplace import open_workplace
    from trueup.reconcile import verdict_report
    from trueup.repair.run import carry_out, plan_repairs, repair_audit
    from trueup.repair.show import print_history, print_repair, repair_json

    if options.fix and options.as_of:
        raise UsageError("--fix repairs what is there now; --as-of speaks of another time.", "Leave one of them out.")
    settings = _settings(options)
    actor = _actor()
    steps = Steps(told)
    with contextlib.closing(steps), open_workplace(settings, steps) as work:
        if options.history:
            rows = repair_audit(work, actor).history(settings.window.first_date, settings.window.last_date)
            steps.finish()
            print_history(rows, options.format, Console())
            return 0
        build_evidence(work)
        steps.start("Judging the completion documents")
        repair = plan_repairs(work, actor)
        if options.fix and not repair.judged.unread:
            steps.start("Repairing")
            repair = carry_out(work, repair, actor)
    problems = [repair.trouble] if repair.trouble else []
    report = verdict_report(repair.judged, settings.window, settings.target, problems)
    if options.format == "json":
        print(repair_json(report, repair))
    else:
        print_report(report, Console())
        print_repair(repair, options.fix, Console())
    return CannotCheckError.exit_code if problems else report.exit_code


def expectations(options: argparse.Namespace, told: Console) -> int:
    """Run the suites of Great Expectations, alone."""
    from trueup.check import check_expectations
    from trueup.gateways.workplace import open_workplace

    settings = _settings(options)
    steps = Steps(told)
    with contextlib.closing(steps), open_workplace(settings, steps) as work:
        report = check_expectations(work)
    code = _show(report, options)
    if report.data_docs and options.format == "text":
        Console().print(f"\n[dim]{_near(settings.state_dir / report.data_docs)}[/]", highlight=False)
    return code


def replay(options: argparse.Namespace, told: Console) -> int:
    """Replay scenarios and compare with what they expect."""
    from trueup.gateways.replay import replay_all
    from trueup.scenarios import find_scenarios
    from trueup.terminal import print_comparison

    project_dir = _project(options)
    steps = Steps(told, quiet=options.quiet)
    out = Console()
    missed = 0
    total = 0
    with contextlib.closing(steps):
        for one in replay_all(
            find_scenarios([Path(path) for path in options.folders]),
            project_dir,
            _state(project_dir),
            steps,
        ):
            total += 1
            missed += not one.is_match
            print_comparison(one.scenario, one.comparison, one.problems, out)
    out.print(f"{total - missed} passed, {missed} failed", highlight=False)
    return 1 if missed else 0


def demo(options: argparse.Namespace, told: Console) -> int:
    """Replay the night of 2026-02-03, end to end."""
    from trueup.gateways.replay import replay_all
    from trueup.terminal import print_comparison

    project_dir = _project(options)
    steps = Steps(told)
    out = Console()
    with contextlib.closing(steps):
        (night,) = replay_all(
            [project_dir / "scenarios" / DEMO],
            project_dir,
            _state(project_dir),
            steps,
            with_tests=True,
            data_docs=_state(project_dir) / DATA_DOCS,
        )
    page = artifacts.write_report(_state(project_dir), night.report, load_reference(project_dir / "seeds").rules)
    print_report(night.report, out)
    out.print()
    print_comparison(night.scenario, night.comparison, night.problems, out)
    out.print(f"The report: {_near(page)}", highlight=False)
    return 0 if night.is_match else 1


def report(options: argparse.Namespace, told: Console) -> int:  # noqa: ARG001 - one shape for all
    """Make the last run's report again, from its artifacts alone."""
    project_dir = _project(options)
    found = artifacts.read_report(_state(project_dir))
    page = artifacts.write_page(_state(project_dir), found, load_reference(project_dir / "seeds").rules)
    code = _show(found, options)
    if options.format == "text":
        Console().print(f"\nThe report: {_near(page)}", highlight=False)
    return code


def alert(options: argparse.Namespace, told: Console) -> int:
    """Tell Slack, a webhook and the step summary what is new in the last run's report."""
    from trueup.alerts.preview import preview
    from trueup.gateways.alerts import state_opener

    project_dir = _project(options)
    found = artifacts.read_report(_state(project_dir))
    settings = alert_settings(found.target, project_dir)
    if not channels_of(settings):
        raise UsageError(
            "There is nowhere to send an alert to.",
            f"Set {SLACK_VARIABLE}, {WEBHOOK_VARIABLE} or {STEP_SUMMARY_VARIABLE}; see docs/alerts.md.",
        )
    if options.preview:
        print_previews(preview(found, settings, state_opener(settings, project_dir, found.target)), Console())
        return 0
    deliveries = _send_alerts(found, project_dir)
    print_deliveries(deliveries, told)
    return CannotCheckError.exit_code if any(one.is_unsent for one in deliveries) else 0


def local(options: argparse.Namespace, told: Console) -> int:
    """Run a command beside an embedded warehouse."""
    from trueup.gateways.replay import session_environment

    if not options.run:
        raise UsageError("There is no command to run.", "As in: trueup local -- dbt build")
    project_dir = _project(options)
    steps = Steps(told)
    scenario = Path(options.scenario) if options.scenario else None
    with (
        contextlib.closing(steps),
        session_environment(scenario, project_dir, _state(project_dir), steps) as environment,
    ):
        steps.finish()
        try:
            return subprocess.run(
                options.run, env={**os.environ, **environment}, cwd=project_dir, check=False
            ).returncode
        except OSError as error:
            raise UsageError(f"Cannot run {options.run[0]!r}: {error.strerror}.") from error


def _actor() -> Actor:
    """Who runs this, for the audit."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for its user
        user = f"uid-{os.getuid()}"
    return Actor(f"{user}@{socket.gethostname()}", uuid.uuid4().hex[:12])


def _send_alerts(report: Report, project_dir: Path) -> tuple[Delivery, ...]:
    """Tell the channels that the environment names; without any, nothing is imported or opened."""
    settings = alert_settings(report.target, project_dir)
    if not channels_of(settings):
        return ()
    from trueup.alerts.deliver import send_alerts
    from trueup.gateways.alerts import open_courier

    return send_alerts(report, settings, open_courier(settings, project_dir, report.target, uuid.uuid4().hex))


def _show(report: Report, options: argparse.Namespace) -> int:
    if options.format == "json":
        print(to_json(report))
    else:
        print_report(report, Console())
    return report.exit_code


def _settings(options: argparse.Namespace) -> Settings:
    project_dir = _project(options)
    return Settings(
        project_dir=project_dir,
        state_dir=_state(project_dir),
        target=options.target,
        window=make_window(options.first_date, options.last_date, options.days, options.as_of, now()),
        completions=completions_file(options.target, project_dir),
    )


def _project(options: argparse.Namespace) -> Path:
    return find_project(Path(options.project_dir).resolve() if options.project_dir else Path.cwd())


def _state(project_dir: Path) -> Path:
    return project_dir / ".trueup"


def _near(path: Path) -> Path:
    """A path as one would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
