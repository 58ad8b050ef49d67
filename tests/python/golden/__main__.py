"""Write golden nights as scenarios: ``python -m golden FOLDER [NAME ...]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from golden import NIGHTS
from golden.golden import write


def main(arguments: list[str]) -> int:
    """Write the named nights below the folder, or all nights if no name is given."""
    parser = argparse.ArgumentParser(prog="python -m golden", description="Write golden nights as scenarios.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="parent folder; each night gets a folder in it")
    parser.add_argument("names", nargs="*", metavar="NAME", help="nights to write (default: all)")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in NIGHTS]:
        parser.error(f"unknown night {unknown[0]}; choose from {', '.join(NIGHTS)}")
    for name in given.names or NIGHTS:
        write(NIGHTS[name](), given.folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
