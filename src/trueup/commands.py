"""The commands: each turns its options into calls, prints what came of them, and returns the exit code."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import socket
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from trueup import artifacts
from trueup.age import refuse_old
from trueup.alerts.channels import Delivery, channels_of
from trueup.errors import CannotCheckError, UsageError
from trueup.expectations.validator import DATA_DOCS
from trueup.gateways.embedded import EmbeddedWarehouse
from trueup.reference import load_reference
from trueup.repair.audit import Actor
from trueup.replays import Replay, replays_to_json
from trueup.report import Report, to_json
from trueup.scenarios import find_scenarios
from trueup.settings import (
    SLACK_VARIABLE,
    STEP_SUMMARY_VARIABLE,
    WEBHOOK_VARIABLE,
    Settings,
    Window,
    alert_settings,
    completions_file,
    find_project,
    make_window,
    now,
)
from trueup.standing import Standing, refuse, standing_report
from trueup.terminal import Steps, print_age, print_deliveries, print_previews, print_replay, print_report

DEMO = "incident-2026-02-03"


def check(options: argparse.Namespace, told: Console) -> int:
    """The daily run."""
    try:
        project_dir = _project(options)
    except UsageError as error:
        refuse_check(options, error)
        raise
    standing = _standing(options, project_dir)
    with standing_report(standing):
        report = _checked(options, told, standing)
    code = _show(report, options)
    if options.format == "text":
        Console().print(f"\nThe report: {_near(artifacts.page_path(standing.folder))}", highlight=False)
    return code


def refuse_check(options: argparse.Namespace, error: UsageError) -> None:
    """Leave the reason why a check was not begun where the last run's report is, and in its file of JUnit XML."""
    try:
        project_dir = _project(options)
    except UsageError:  # there is no report to replace
        if options.junit:
            window = make_window(None, None, None, None, now())
            with contextlib.suppress(CannotCheckError):
                artifacts.write_junit(Path(options.junit), Report(window, options.target, problems=(error.told,)))
        return
    refuse(_standing(options, project_dir), error)


def _checked(options: argparse.Namespace, told: Console, standing: Standing) -> Report:
    """Run the day, write its report and tell the channels; returns the report as it was written."""
    settings = _settings(options, standing.began_at)
    # dbt and Google's clients take seconds to import, which wrong usage does not wait for.
    from trueup.check import run_check
    from trueup.gateways.workplace import open_workplace

    steps = Steps(told)
    try:
        with contextlib.closing(steps), open_workplace(settings, steps) as work:
            report = run_check(work)
    except CannotCheckError as error:
        # A machine that asked for JSON gets it also where nothing could be checked.
        report = Report(settings.window, settings.target, problems=(error.told,))
    rules = load_reference(settings.project_dir / "seeds").rules
    report = standing.finish(report, rules)
    deliveries = _send_alerts(report, settings.project_dir)
    print_deliveries(deliveries, told)
    unsent = [f"The alert to {one.channel} was not sent: {one.reason}" for one in deliveries if one.is_unsent]
    if unsent:  # never the verdict, but the next reader is told too
        report = standing.finish(replace(report, notes=(*report.notes, *unsent)), rules)
    return report


def reconcile(options: argparse.Namespace, told: Console) -> int:
    """Judge the completion documents against the rows; with --fix, make them agree."""
    if options.fix and options.as_of:
        raise UsageError("--fix repairs what is there now; --as-of speaks of another time.", "Leave one of them out.")
    settings = _settings(options, now())
    from trueup.check import build_evidence, building, families_off
    from trueup.gateways.workplace import open_workplace
    from trueup.judge import FAMILIES
    from trueup.reconcile import verdict_report
    from trueup.repair.run import carry_out, plan_repairs, repair_audit
    from trueup.repair.show import print_history, print_repair, repair_json

    if off := families_off(settings) & FAMILIES:
        raise UsageError(
            f"The var families_off switches off the rules on documents ({', '.join(sorted(off))}).",
            "Leave them on in dbt_project.yml to reconcile documents.",
        )
    actor = _actor()
    steps = Steps(told)
    with contextlib.closing(steps), open_workplace(settings, steps) as work:
        if options.history:
            rows = repair_audit(work, actor).history(settings.window.first_date, settings.window.last_date)
            steps.finish()
            print_history(rows, options.format, Console())
            return 0
        with building(work):
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
    settings = _settings(options, now())
    from trueup.check import check_expectations
    from trueup.gateways.workplace import open_workplace

    steps = Steps(told)
    # Not in the place of the pages that the last check's report links to.
    folder = settings.state_dir / "expectations"
    with contextlib.closing(steps), open_workplace(settings, steps, folder / DATA_DOCS) as work:
        report = check_expectations(work)
    code = _show(report, options)
    if report.data_docs and options.format == "text":
        Console().print(f"\n[dim]{_near(folder / report.data_docs)}[/]", highlight=False)
    return code


def replay(options: argparse.Namespace, told: Console) -> int:
    """Replay scenarios and compare with what they expect."""
    project_dir = _project(options)
    steps = Steps(told, quiet=options.quiet)
    out = Console()
    replays: list[Replay] = []
    folders = find_scenarios([Path(path) for path in options.folders])
    with contextlib.closing(steps), _starting_warehouse(steps) as warehouse:
        from trueup.gateways.replay import replay_all

        for one in replay_all(
            folders,
            project_dir,
            _state(project_dir),
            steps,
            warehouse,
        ):
            replays.append(one)
            if options.format == "text":
                print_replay(one, out)
    missed = sum(not one.is_match for one in replays)
    if options.format == "json":
        print(replays_to_json(replays))
    else:
        out.print(f"{len(replays) - missed} passed, {missed} failed", highlight=False)
    return 1 if missed else 0


def demo(options: argparse.Namespace, told: Console) -> int:
    """Replay the night of 2026-02-03, end to end."""
    project_dir = _project(options)
    folder = _state(project_dir) / "demo"  # never in the place of a check's report
    steps = Steps(told)
    out = Console()
    with contextlib.closing(steps), _starting_warehouse(steps) as warehouse:
        from trueup.gateways.replay import replay_all

        (night,) = replay_all(
            [project_dir / "scenarios" / DEMO],
            project_dir,
            _state(project_dir),
            steps,
            warehouse,
            with_tests=True,
            data_docs=folder / DATA_DOCS,
        )
    artifacts.write_report(folder, night.report, load_reference(project_dir / "seeds").rules, now())
    print_report(night.report, out)
    out.print()
    print_replay(night, out)
    out.print(f"The report: {_near(artifacts.page_path(folder))}", highlight=False)
    return 0 if night.is_match else 1


def report(options: argparse.Namespace, told: Console) -> int:  # noqa: ARG001 - one shape for all
    """Make the last run's report again, from its artifacts alone."""
    project_dir = _project(options)
    found = artifacts.read_report(_state(project_dir))
    page = artifacts.write_page(_state(project_dir), found, load_reference(project_dir / "seeds").rules)
    if options.format == "text":
        print_age(found, now(), Console())
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
    refuse_old(found, now(), options.max_age)
    if options.preview:
        print_previews(preview(found, settings, state_opener(settings, project_dir, found.target)), Console())
        return 0
    deliveries = _send_alerts(found, project_dir)
    print_deliveries(deliveries, told)
    return CannotCheckError.exit_code if any(one.is_unsent for one in deliveries) else 0


def local(options: argparse.Namespace, told: Console) -> int:
    """Run a command beside an embedded warehouse."""
    if not options.run:
        raise UsageError("There is no command to run.", "As in: trueup local -- dbt build")
    project_dir = _project(options)
    from trueup.gateways.replay import session_environment

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


@contextlib.contextmanager
def _starting_warehouse(steps: Steps) -> Iterator[EmbeddedWarehouse]:
    """An embedded warehouse that starts while dbt is imported, which takes as long."""
    steps.start("Starting the embedded warehouse")
    with EmbeddedWarehouse() as warehouse:
        yield warehouse


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


def _standing(options: argparse.Namespace, project_dir: Path) -> Standing:
    """Where the report of a check that begins now stands."""
    moment = now()
    try:
        window = _window(options, moment)
    except UsageError:  # the run tells it; until then its report needs days to speak of
        window = make_window(None, None, None, None, moment)
    junit = Path(options.junit) if options.junit else None
    return Standing(_state(project_dir), window, options.target, junit, moment, now)


def _window(options: argparse.Namespace, moment: datetime) -> Window:
    return make_window(options.first_date, options.last_date, options.days, options.as_of, moment)


def _settings(options: argparse.Namespace, moment: datetime) -> Settings:
    project_dir = _project(options)
    return Settings(
        project_dir=project_dir,
        state_dir=_state(project_dir),
        target=options.target,
        window=_window(options, moment),
        completions=completions_file(options.target, project_dir),
        holder=_actor().name,
    )


def _project(options: argparse.Namespace) -> Path:
    if options.project_dir:
        return find_project(Path(options.project_dir).resolve(), or_installed=False)
    return find_project(Path.cwd())


def _state(project_dir: Path) -> Path:
    return project_dir / ".trueup"


def _near(path: Path) -> Path:
    """A path as one would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
