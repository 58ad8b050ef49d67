"""The command line: arguments into calls, results into exit codes."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import socket
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from trueup import __version__, artifacts
from trueup.errors import CannotCheckError, TrueupError, UsageError
from trueup.expectations.validator import DATA_DOCS
from trueup.repair.audit import Actor
from trueup.report import Report, to_json
from trueup.settings import (
    Settings,
    completions_file,
    find_project,
    make_window,
    now,
)
from trueup.terminal import Steps, print_report

DEMO = "incident-2026-02-03"
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (0, 1, 2, 3; see the README)."""
    options = _parser().parse_args(arguments)
    told = Console(stderr=True)
    command: Callable[[argparse.Namespace, Console], int] = options.command
    try:
        return command(options, told)
    except TrueupError as error:
        told.print(f"[bold red]trueup:[/] {_escape(error.message)}", highlight=False)
        if error.hint:
            told.print(f"  → {_escape(error.hint)}", highlight=False)
        return error.exit_code
    except KeyboardInterrupt:
        told.print("trueup: interrupted; nothing is left running.", highlight=False)
        return _INTERRUPTED
    except Exception as error:  # a defect of ours: never a pass, never a page of traceback
        log = artifacts.write_crash(Path.cwd() / ".trueup", traceback.format_exc())
        told.print(
            f"[bold red]trueup:[/] a defect in trueup itself: {type(error).__name__}: "
            f"{_escape(str(error)[:300])}\n  → Please report it with {log}",
            highlight=False,
        )
        return CannotCheckError.exit_code


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
        problem = f"{error.message} {error.hint}".strip()
        report = Report(settings.window, settings.target, problems=(problem,))
    return _finish(report, settings.state_dir, options)


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
            print_comparison(one.scenario, one.comparison, one.report.problems, out)
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
    written = artifacts.write_report(_state(project_dir), night.report)
    print_report(night.report, out)
    out.print()
    print_comparison(night.scenario, night.comparison, night.report.problems, out)
    out.print(f"The report again: trueup report. For machines: {_near(written)}", highlight=False)
    return 0 if night.is_match else 1


def report(options: argparse.Namespace, told: Console) -> int:  # noqa: ARG001 - one shape for all
    """Show the last run's report again."""
    return _show(artifacts.read_report(_state(_project(options))), options)


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


def _finish(report: Report, state_dir: Path, options: argparse.Namespace) -> int:
    written = artifacts.write_report(state_dir, report)
    if options.junit:
        artifacts.write_junit(Path(options.junit), report)
    code = _show(report, options)
    if options.format == "text":
        Console().print(f"\n[dim]{_near(written)}[/]", highlight=False)
    return code


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


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trueup",
        description="Is yesterday's data complete, on time and counted once?",
        epilog="Exit codes: 0 healthy, 1 findings of severity error, 2 wrong usage, 3 could not check.",
    )
    parser.add_argument("--version", action="version", version=f"trueup {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[..., int]) -> argparse.ArgumentParser:
        text = (command.__doc__ or "").strip()
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--project-dir", metavar="DIR", help="trueup's checkout (default: found)")
        one.set_defaults(command=command)
        return one

    add("demo", demo)
    for name, command in (("check", check), ("reconcile", reconcile), ("expectations", expectations)):
        one = add(name, command)
        _add_window(one)
        one.add_argument("--target", default="local", help="local (embedded), ci, or prod")
        _add_format(one)
        if name == "check":
            one.add_argument("--junit", metavar="FILE", help="write JUnit XML too")
        if name == "reconcile":
            does = one.add_mutually_exclusive_group()
            does.add_argument("--fix", action="store_true", help="carry out the plan that is shown without it")
            does.add_argument("--history", action="store_true", help="show what was repaired on these days")
    one = add("replay", replay)
    one.add_argument("folders", nargs="+", metavar="DIR", help="a scenario, or a folder of them")
    one.add_argument("--quiet", action="store_true", help="results only, no progress")
    _add_format(add("report", report))
    one = add("local", local)
    one.add_argument("--scenario", metavar="DIR", help="load this scenario first")
    one.add_argument("run", nargs="*", metavar="-- COMMAND", help="the command, after --")
    return parser


def _add_window(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--first-date", metavar="D", help="first Eastern day, as in 2026-02-03")
    parser.add_argument("--last-date", metavar="D", help="last Eastern day (default: yesterday)")
    parser.add_argument("--days", type=int, metavar="N", help="how many days end at the last (7)")
    parser.add_argument("--as-of", metavar="T", help="the moment to speak of (default: now)")


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")


if __name__ == "__main__":
    sys.exit(main())
