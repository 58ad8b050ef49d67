"""Completion of commands, options and paths in a user's shell."""

import argparse
from collections.abc import Iterable

import shtab


def add_completion(parser: argparse.ArgumentParser, commands: Iterable[argparse.ArgumentParser]) -> None:
    """Add ``--print-completion SHELL``, which prints a completion script made from the parsers."""
    for one in commands:
        for action in one._actions:
            if action.metavar in ("DIR", "FILE"):
                kind = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE
                action.complete = kind  # type: ignore[attr-defined]
    shtab.add_argument_to(parser, "--print-completion", help="print a completion script for a shell")
