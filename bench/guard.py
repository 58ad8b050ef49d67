"""The guard and the first design under the same chaos, on Google's Firestore emulator.

``python bench/guard.py`` prints a Markdown table. It needs the Google Cloud CLI with its emulator, and Java.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/python"))

from helpers.chaos import Design, Load, first_design, guarded, run, table
from helpers.emulators import firestore_emulator

DESIGNS: dict[str, tuple[Design, bool]] = {
    "first design": (first_design, False),
    "first design, delivered again after errors": (first_design, True),
    "trueup.guard": (guarded, True),
}


def main() -> int:
    """Run each design on an empty project."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=20)
    parser.add_argument("--dates", type=int, default=20)
    parser.add_argument("--kills", type=float, default=0.02, help="share of the calls; as many replies are lost")
    parser.add_argument("--only", choices=DESIGNS, help="one design")
    given = parser.parse_args()
    load = Load(given.writers, given.dates, killed=given.kills, reply_lost=given.kills)
    with firestore_emulator() as address:
        os.environ["FIRESTORE_EMULATOR_HOST"] = address
        results = {
            name: run(f"p-{uuid.uuid4().hex[:8]}", load, design, is_nacked)
            for name, (design, is_nacked) in DESIGNS.items()
            if given.only in (None, name)
        }
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
