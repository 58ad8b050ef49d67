"""The command line: arguments into commands, errors into messages and exit codes."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from trueup import __version__
from trueup.cli import alert, check, demo, expectations, local, reconcile, replay, report
from trueup.cli.options import DEFAULT_TARGET
from trueup.errors import CannotCheckError, TrueupError, UsageError
from trueup.garbage import collecting_rarely
from trueup.reporting import artifacts

COMMANDS = (demo, check, reconcile, expectations, replay, report, alert, local)
_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """A parser that raises UsageError for arguments that it does not understand, once it has shown the usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise UsageError(f"{message}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (0, 1, 2, 3; see the README)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    console = Console(stderr=True)
    try:
        options = _options(given)
        command: Callable[[argparse.Namespace, Console], int] = options.command
        with collecting_rarely():
            return command(options, console)
    except TrueupError as error:
        console.print(f"[bold red]trueup:[/] {_escape(error.message)}", highlight=False)
        if error.hint:
            console.print(f"  → {_escape(error.hint)}", highlight=False)
        return error.exit_code
    except KeyboardInterrupt:
        console.print("trueup: interrupted; nothing is left running.", highlight=False)
        return _INTERRUPTED
    except Exception as error:  # a defect of ours: never a pass, never a page of traceback
        console.print(
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
            check.refuse_check(_readable(given), told)
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
    for command in COMMANDS:
        text = (command.run.__doc__ or "").strip()
        one = subparsers.add_parser(command.__name__.rpartition(".")[2], help=text, description=text)
        one.add_argument("--project-dir", metavar="DIR", help="trueup's checkout (default: found)")
        command.add_arguments(one)
        one.set_defaults(command=command.run)
    return parser, frozenset(subparsers.choices)


if __name__ == "__main__":
    sys.exit(main())
