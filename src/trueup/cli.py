"""The command line: arguments into commands, errors into messages and exit codes."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from trueup import __version__, artifacts, commands
from trueup.age import MOST_HOURS
from trueup.errors import CannotCheckError, TrueupError, UsageError
from trueup.garbage import collecting_rarely

DEFAULT_TARGET = "local"
_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser that raises UsageError for arguments that it does not understand, once it has shown the usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise UsageError(f"{message}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (0, 1, 2, 3; see the README)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    told = Console(stderr=True)
    try:
        options = _options(given)
        command: Callable[[argparse.Namespace, Console], int] = options.command
        with collecting_rarely():
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
        told.print(
            f"[bold red]trueup:[/] a defect in trueup itself: {type(error).__name__}: "
            f"{_escape(str(error)[:300])}\n  → Please report it with {_escape(_keep(traceback.format_exc()))}",
            highlight=False,
        )
        return CannotCheckError.exit_code


def _keep(crash: str) -> str:
    """Where the traceback of a defect is; where it can be written nowhere, the traceback."""
    try:
        return str(artifacts.write_crash(Path.cwd() / ".trueup", crash))
    except CannotCheckError:
        return f"this:\n{crash}"


def _options(given: Sequence[str]) -> argparse.Namespace:
    """The options of a command. Wrong arguments of ``check`` are left in the report before they are told."""
    parser, names = _parser()
    try:
        return parser.parse_args(given)
    except UsageError as error:
        # All that is known of wrong arguments is which command they name first.
        name = next((one for one in given if one in names), "")
        told = UsageError(error.message, f"{' '.join(['trueup', name]).strip()} --help shows what there is.")
        if name == "check":
            commands.refuse_check(_readable(given), told)
        raise told from error


def _readable(given: Sequence[str]) -> argparse.Namespace:
    """Of a check's wrong arguments those that say where and of what its report is, each read alone."""

    def read(option: str, default: str | None = None) -> str | None:
        parser = _Parser(add_help=False, usage=argparse.SUPPRESS)
        parser.add_argument(option, dest="value", default=default)
        try:
            value: str | None = parser.parse_known_args(given)[0].value
        except UsageError:  # it lacks its value
            return default
        return value

    return argparse.Namespace(
        project_dir=read("--project-dir"),
        junit=read("--junit"),
        target=read("--target", DEFAULT_TARGET),
        first_date=None,
        last_date=None,
        days=None,
        as_of=None,
    )


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _parser() -> tuple[argparse.ArgumentParser, frozenset[str]]:
    """The parser, and the names of the commands."""
    parser = _Parser(
        prog="trueup",
        description="Is yesterday's data complete, on time and counted once?",
        epilog="Exit codes: 0 healthy, 1 findings of severity error, 2 wrong usage, 3 could not check.",
    )
    parser.add_argument("--version", action="version", version=f"trueup {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[..., int]) -> argparse.ArgumentParser:
        text = (command.__doc__ or "").strip()
        one = subparsers.add_parser(name, help=text, description=text)
        one.add_argument("--project-dir", metavar="DIR", help="trueup's checkout (default: found)")
        one.set_defaults(command=command)
        return one

    add("demo", commands.demo)
    for name, command in (
        ("check", commands.check),
        ("reconcile", commands.reconcile),
        ("expectations", commands.expectations),
    ):
        one = add(name, command)
        _add_window(one)
        one.add_argument("--target", default=DEFAULT_TARGET, help="local (embedded), ci, or prod")
        _add_format(one)
        if name == "check":
            one.add_argument("--junit", metavar="FILE", help="write JUnit XML too")
        if name == "reconcile":
            does = one.add_mutually_exclusive_group()
            does.add_argument("--fix", action="store_true", help="carry out the plan that is shown without it")
            does.add_argument("--history", action="store_true", help="show what was repaired on these days")
    one = add("replay", commands.replay)
    one.add_argument("folders", nargs="+", metavar="DIR", help="a scenario, or a folder of them")
    one.add_argument("--quiet", action="store_true", help="results only, no progress")
    _add_format(one)
    _add_format(add("report", commands.report))
    one = add("alert", commands.alert)
    one.add_argument("--preview", action="store_true", help="show what would be sent, and send nothing")
    one.add_argument(
        "--max-age",
        type=float,
        default=MOST_HOURS,
        metavar="HOURS",
        help=f"refuse a report that is older (default: {MOST_HOURS:g})",
    )
    one = add("local", commands.local)
    one.add_argument("--scenario", metavar="DIR", help="load this scenario first")
    one.add_argument("run", nargs="*", metavar="-- COMMAND", help="the command, after --")
    return parser, frozenset(subparsers.choices)


def _add_window(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--first-date", metavar="D", help="first Eastern day, as in 2026-02-03")
    parser.add_argument("--last-date", metavar="D", help="last Eastern day (default: yesterday)")
    parser.add_argument("--days", type=int, metavar="N", help="how many days end at the last (7)")
    parser.add_argument("--as-of", metavar="T", help="the moment to speak of (default: now)")


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")


if __name__ == "__main__":
    sys.exit(main())
