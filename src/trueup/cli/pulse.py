"""``trueup pulse``: what has become wrong since the last one."""

from argparse import ArgumentParser, Namespace

from rich.console import Console

from trueup.cli.options import add_format
from trueup.settings import DEFAULT_TARGET


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--target", default=DEFAULT_TARGET, help="a target of profiles.yml (default: local)")
    add_format(parser)


def run(options: Namespace, console: Console) -> int:
    """Tell what has become wrong or right today and yesterday; meant for every five minutes."""
    raise NotImplementedError
