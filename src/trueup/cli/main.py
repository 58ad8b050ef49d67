"""The entry point: parses arguments, runs a command, turns errors into messages and exit codes."""

import argparse
import difflib
import errno
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from trueup import __version__
from trueup.cli import (
    alert,
    backfill,
    check,
    demo,
    doctor,
    expectations,
    local,
    pulse,
    reconcile,
    replay,
    report,
    serve,
)
from trueup.cli.shells import add_completion
from trueup.cli.terminal import escape, terminal
from trueup.errors import CannotCheckError, TrueupError, UsageError, defect_of
from trueup.garbage import collecting_rarely
from trueup.reporting import artifacts
from trueup.settings import DEFAULT_TARGET

COMMANDS = (demo, doctor, check, pulse, serve, reconcile, expectations, backfill, replay, report, alert, local)
_INTERRUPTED, _TERMINATED = 130, 143
_OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EBADF)


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which schedulers send before they kill. It ends a command as Ctrl-C does."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Raise _Terminated at SIGTERM, in this context."""

    def terminate(*_: object) -> NoReturn:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Parser(argparse.ArgumentParser):
    """A parser that prints the usage and raises UsageError instead of exiting. A misspelt option is no abbreviation."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise UsageError(f"{message}.")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print, and raise an error of the output, which argparse would ignore."""
        if message and (file or sys.stderr) is not None:
            (file or sys.stderr).write(message)
            (file or sys.stderr).flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: see docs/reference/commands.md."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    console = terminal(is_error=True)
    try:
        options = _options(given)
        command: Callable[[argparse.Namespace, Console], int] = options.command
        with _terminable(), collecting_rarely():
            code = command(options, console)
        if sys.stdout is not None:  # it is None if its descriptor is closed
            sys.stdout.flush()  # here, because an error at exit would change the exit code
        return code
    except TrueupError as error:
        with suppress(OSError):  # standard error is full or closed; the exit code remains
            console.print(f"[bold red]trueup:[/] {escape(error.message)}")
            if error.hint:
                console.print(f"  → {escape(error.hint)}")
        return error.exit_code
    except KeyboardInterrupt as error:
        with suppress(OSError):
            console.print("trueup: interrupted; nothing is left running.")
        return _TERMINATED if isinstance(error, _Terminated) else _INTERRUPTED
    except Exception as error:  # a defect of ours must not look like a pass, nor print a traceback
        _show_crash(error, console)
        return CannotCheckError.exit_code
    finally:
        _drop_broken_streams()


def _show_crash(error: Exception, console: Console) -> None:
    """Print what stopped trueup. This cannot fail, even if nothing can be printed or written."""
    trace = traceback.format_exc()
    with suppress(Exception):
        if isinstance(error, OSError) and error.filename is not None:
            console.print(f"[bold red]trueup:[/] {escape(f'{error.filename} cannot be used: {error.strerror}.')}")
            console.print("  → Check that path, its permissions and the free disk space, then run it again.")
        elif isinstance(error, OSError) and error.errno in _OUTPUT_ERRORS:
            console.print(f"[bold red]trueup:[/] the output was not written: {escape(str(error))}")
        else:
            console.print(f"[bold red]trueup:[/] {escape(defect_of(error))}")
            console.print(f"  → Please report it with {escape(_saved(trace))}")


def _drop_broken_streams() -> None:
    """Python flushes both streams at exit, where an error would be exit code 120."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except (OSError, ValueError, AttributeError):
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _saved(trace: str) -> str:
    """The file with the traceback, or the traceback itself if no file can be written."""
    try:
        return str(artifacts.write_crash(Path.cwd() / ".trueup", trace))
    except (CannotCheckError, OSError):
        return f"this: {trace}"


def _options(given: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments. A usage error of ``check`` is also written to its report."""
    parser, commands = _parser()
    if not given:
        parser.print_help(sys.stderr)
        raise UsageError("No command is given.", "Name one of the commands above.")
    try:
        return parser.parse_args(given)
    except UsageError as error:
        # argparse has not returned the command, so the first argument with a command's name counts as the command.
        name = next((one for one in given if one in commands), "")
        known = [word for action in commands[name]._actions for word in action.option_strings] if name else [*commands]
        before = "Put the command after --, as in trueup local -- dbt ls. " if name == "local" else ""
        hint = f"{before}{_suggestion(error.message, known)}See {' '.join(['trueup', name]).strip()} --help."
        explained = UsageError(error.message, hint)
        if name == "check" and check.refuse_check(_readable(given), explained):
            explained.hint += " The report of the last check now shows this error."
        raise explained from error


def _suggestion(message: str, known: Sequence[str]) -> str:
    """``Did you mean --days? `` for an unknown option or command, or ""."""
    unknown = re.search(r"unrecognized arguments: ([^\s=.]+)|COMMAND: invalid choice: '([^']+)'", message)
    close = difflib.get_close_matches(unknown[1] or unknown[2], known, 1) if unknown else []
    return f"Did you mean {close[0]}? " if close else ""


def _readable(given: Sequence[str]) -> argparse.Namespace:
    """The arguments of ``check`` that its report needs. Each is parsed alone, because another one is invalid."""

    def read(option: str, default: str | None = None) -> str | None:
        parser = _Parser(add_help=False, usage=argparse.SUPPRESS)
        parser.add_argument(option, dest="value", default=default)
        try:
            value: str | None = parser.parse_known_args(given)[0].value
        except UsageError:  # the option has no value
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


def _parser() -> tuple[_Parser, Mapping[str, _Parser]]:
    """The parser, and the parser of each command by name."""
    parser = _Parser(
        prog="trueup",
        description="Is yesterday's data complete, on time and counted once?",
        epilog="Exit codes: 0 healthy, 1 findings of severity error, 2 usage error, 3 could not check.",
    )
    parser.add_argument("--version", action="version", version=f"trueup {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        text = (command.run.__doc__ or "").strip()
        one = subparsers.add_parser(command.__name__.rpartition(".")[2], help=text, description=text)
        one.add_argument("--project-dir", metavar="DIR", help="trueup's checkout (default: search upwards)")
        command.add_arguments(one)
        one.set_defaults(command=command.run)
    add_completion(parser, subparsers.choices.values())
    return parser, subparsers.choices


if __name__ == "__main__":
    sys.exit(main())
