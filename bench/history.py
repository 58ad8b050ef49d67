"""A check of one day, with 1 and with 100 times the history in every source.

``python bench/history.py`` prints the seconds of a warm check with each history, and their ratio. The bytes that
BigQuery would read are compared by ``make cost``; the embedded warehouse has no partitions, so this is about trueup's
own statements and tables.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/python"))

from helpers.nights import scenario_of
from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.gateways.embedded import embedded_endpoint
from trueup.gateways.warehouse import Warehouse
from trueup.runs.check import run_check
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace

NIGHT = "clean-twin-2026-02-03"


def add_history(work: Workplace, source: str, columns: list[tuple[str, str]], times: int) -> None:
    """Copy the rows of a source to earlier days, ``times`` of them, each with its own days and times."""
    shift = {
        "DATE": "date_sub({0}, interval day_number day)",
        "TIMESTAMP": "timestamp_sub({0}, interval day_number day)",
    }
    cells = ", ".join(shift.get(kind, "{0}").format(f"`{name}`") for name, kind in columns)
    names = ", ".join(f"`{name}`" for name, _ in columns)
    table = f"`{work.project}.{source}`"
    work.tables.query(
        f"insert into {table} ({names}) select {cells} from {table} cross join unnest(generate_array(1, {times})) "
        "as day_number"
    )


def measured(times: int, repeats: int, state_dir: Path) -> list[float]:
    """The seconds of each warm check, with this many days of history."""
    seconds = []
    with loaded(scenario_of(NIGHT), PROJECT, state_dir, Silent()) as work:
        assert isinstance(work.tables, Warehouse)
        run_check(work, False, False)
        if times:
            for source in [name for name, schema in work.schemas.items() if not schema.is_own]:
                found = work.tables.client.get_table(f"{work.project}.{source}").schema
                add_history(work, source, [(one.name, one.field_type) for one in found], times)
        for _ in range(repeats):
            began = time.perf_counter()
            report = run_check(work, False, False)
            seconds.append(time.perf_counter() - began)
            assert report.status == "healthy", report.problems
    return seconds


def main() -> int:
    """Measure both histories in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=700)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with embedded_endpoint(), TemporaryDirectory() as folder:
        state = Path(folder)
        turns = [[measured(times, given.repeats, state) for times in (7, given.times)] for _ in range(2)]
    short, long = (min(second for turn in turns for second in turn[place]) for place in (0, 1))
    print(f"7 days: {short:.2f} s, {given.times} days: {long:.2f} s, ratio {long / short:.2f}")
    return 0 if long <= short * 1.1 else 1


if __name__ == "__main__":
    sys.exit(main())
