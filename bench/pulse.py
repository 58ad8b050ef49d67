"""Pulses on the night of the incident: their seconds, what they read, and what a month of them costs on BigQuery.

``python bench/pulse.py`` prints the figures of docs/how-to/pulse.md. ``--pulses 288`` makes those of a whole day, and
prints the memory of this process and the size of its files at the begin and at the end.
"""

from __future__ import annotations

import argparse
import re
import resource
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from trueup.gateways.embedded import PROJECT, EmbeddedWarehouse, published
from trueup.gateways.warehouse import Warehouse
from trueup.runs.pulse.pulse import run_pulse
from trueup.runs.replay import loaded
from trueup.runs.timeline import EVERY
from trueup.scenario.scenario import load_scenario
from trueup.schemas import read_table_schemas
from trueup.temporary import temporary_folder
from trueup.window import Window

ROOT = Path(__file__).resolve().parents[1]
DAYS = (date(2026, 2, 3), date(2026, 2, 4))
# Of a table that a statement reads, at least; per 2^40 bytes; pulses in a month.
LEAST_BYTES, USD_PER_TB, PER_MONTH = 10 * 2**20, 6.25, 12 * 24 * 30
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
_TABLE = re.compile(rf"`{PROJECT}`?\.`?([\w.`]+)`")


class Silent:
    """A listener that does nothing."""

    def start(self, what: str) -> None: ...
    def node(self, name: str, index: int, total: int) -> None: ...
    def finish(self) -> None: ...


def reads_of(sql: str) -> int:
    """The tables that a statement reads. Their names also stand in texts."""
    return len(set(_TABLE.findall(_TEXT.sub("''", sql))))


def main() -> None:
    """Make the pulses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pulses", type=int, default=12)
    count = parser.parse_args().pulses
    scenario = load_scenario(ROOT / "scenarios" / "incident-2026-02-03", read_table_schemas(ROOT / "models"))
    with (
        EmbeddedWarehouse() as embedded,
        published(embedded),
        temporary_folder() as folder,
        loaded(scenario, ROOT, folder, Silent()) as work,
    ):
        assert isinstance(work.tables, Warehouse)
        query, sent = work.tables.query, list[str]()

        def counted(sql: str, parameters: Any = None) -> list[dict[str, Any]]:
            sent.append(sql)
            return query(sql, parameters)

        work.tables.query = counted  # type: ignore[method-assign]
        for number in range(count):
            window = Window(*DAYS, scenario.as_of - EVERY * (count - number - 1))
            began = time.perf_counter()
            sent.clear()
            at = replace(work, settings=replace(work.settings, window=window))
            report = run_pulse(at, folder / "pulse", knows_changes=True)  # as on BigQuery: nothing changes here
            seconds, reads = time.perf_counter() - began, sum(map(reads_of, sent))
            if number in (0, 1, count - 1) or seconds > 5:
                cost = reads * LEAST_BYTES * PER_MONTH / 2**40 * USD_PER_TB
                files = sum(one.stat().st_size for one in (folder / "pulse").iterdir())
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(
                    f"pulse {number + 1}: {report.status}, {seconds:.2f} s, {len(sent)} statements, {reads} reads "
                    f"({cost:.1f} USD a month), peak {memory:.0f} MB, files {files / 1024:.0f} kB"
                )


if __name__ == "__main__":
    main()
