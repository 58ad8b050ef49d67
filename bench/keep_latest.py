"""Keep-latest and duplicate detection against a plain copy and other ways to remove duplicates.

Every statement runs in the embedded warehouse, through its translation to DuckDB. trueup's statements are compiled by
dbt from the models. ``python bench/keep_latest.py`` prints a Markdown table for each number of rows and share of
duplicates, and exits with 1 if a target is missed. The peak memory is that of the warehouse's process with all tables;
it is read from /proc (Linux).
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from google.api_core.exceptions import BadRequest

from sqlcheck.dbt_project import VARIABLES, compile_offline
from trueup.gateways.connection import embedded_connection
from trueup.gateways.embedded import PROJECT, EmbeddedWarehouse
from trueup.gateways.warehouse import Warehouse
from trueup.runs.loading import DATASET
from trueup.runs.wiring import create_sources
from trueup.schemas import TableSchema, read_table_schemas

ROOT = Path(__file__).resolve().parents[1]
# The analytics table with 50 columns.
TABLE = "team_offense_game_summary"
STAGED = f"`{PROJECT}.{DATASET}.stg_nba_analytics__{TABLE}`"
COPY, OURS, ARRAY = "plain copy", "trueup: keep-latest", "array_agg(… limit 1), as dbt_utils on BigQuery"
DAY = "2026-02-03"
# One of so many duplicates has the same write time as the row that it repeats.
TIED_OF = 10
MOST_PEAK_GB = 6.0
LEAST_ARRAY_RATIO = 20.0


@dataclass(frozen=True)
class Measured:
    """One statement: elapsed and processor seconds, and the peak memory of the engine's process in GB."""

    seconds: float
    processor_seconds: float
    peak_gb: float


def most_ratio(percent: int) -> float:
    """The target for keep-latest, as a multiple of the plain copy."""
    return 2.0 if percent <= 2 else 3.0


def compiled_models() -> Mapping[str, str]:
    """The SQL of the models, compiled by dbt for the embedded warehouse's project and one day."""
    os.environ["TRUEUP_PROJECT"] = PROJECT
    with TemporaryDirectory() as folder:
        manifest = compile_offline(ROOT, Path(folder), {**VARIABLES, "first_date": DAY, "last_date": DAY})
    return {node["name"]: node["compiled_code"] for node in manifest["nodes"].values() if "compiled_code" in node}


def made_rows(schema: TableSchema, rows: int, percent: int) -> str:
    """A query with ``rows`` rows of one day, of which ``percent`` repeat the key of another row."""
    keys = rows * (100 - percent) // 100
    games, team = (name for name in schema.meta["grain"] if name != schema.partition_column)
    written_at = f"timestamp '{DAY} 08:00:00+00:00'"
    by_type = {
        "string": "concat('value ', cast(mod(n * 7919, 100003) as string))",
        "int64": "mod(n * 31, 1009)",
        "numeric": "cast(mod(n * 17, 1000) as numeric)",
        "bool": "mod(n, 3) = 0",
        "timestamp": f"timestamp_add({written_at}, interval mod(n, 86400) second)",
    }
    special = {
        schema.partition_column: f"date '{DAY}'",
        games: f"concat('game ', cast(div(mod(n, {keys}), 2) as string))",
        team: f"concat('team ', cast(mod(mod(n, {keys}), 2) as string))",
        schema.meta["newest_by"]: (
            f"timestamp_add({written_at}, interval if(mod(n, {TIED_OF}) = 0, 0, div(n, {keys})) second)"
        ),
    }
    cells = (
        f"{special[name] if name in special else by_type[kind]} as {name}" for name, kind in schema.columns.items()
    )
    return f"select {', '.join(cells)} from unnest(generate_array(0, {rows - 1})) as n"


def statements(schema: TableSchema, models: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is measured, by name. Each writes `bench.out` or its own table."""
    grain, newest_by = ", ".join(schema.meta["grain"]), schema.meta["newest_by"]
    create = f"create or replace table `{PROJECT}.bench.out` as "
    yield COPY, f"{create}select * from {STAGED}"
    yield OURS, create + models[f"{TABLE}_latest"]
    same = " and ".join(f"given.{name} = kept.{name}" for name in schema.meta["grain"])
    yield (
        "row_number and join back, as dbt_utils elsewhere",
        f"{create}select distinct given.* from {STAGED} as given inner join (select {grain}, {newest_by}, row_number() "
        f"over (partition by {grain} order by {newest_by} desc) as place from {STAGED}) as kept "
        f"on {same} and given.{newest_by} = kept.{newest_by} and kept.place = 1",
    )
    yield (
        ARRAY,
        f"{create}select kept.* from (select array_agg(given order by {newest_by} desc limit 1)[offset(0)] as kept "
        f"from {STAGED} as given group by {grain})",
    )
    keyed = ", '|', ".join(f"cast({name} as string)" for name in (*schema.meta["grain"], newest_by))
    newest = keyed.replace(f"cast({newest_by} ", f"cast(max({newest_by}) ")
    yield (
        "delete not in (select max), after a copy",
        f"delete from `{PROJECT}.bench.out` where concat({keyed}) not in "
        f"(select concat({newest}) from `{PROJECT}.bench.out` group by {grain})",
    )
    for name in ("row_fingerprints", "duplicate_groups"):
        yield f"trueup: {name}", f"create or replace table `{PROJECT}.{DATASET}.{name}` as {models[name]}"


def measured(warehouse: Warehouse, process_id: int, sql: str) -> Measured:
    """Run one statement. Infinite seconds: the engine's memory was not enough."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    began, processor_began = time.perf_counter(), processor_seconds(process_id)
    try:
        warehouse.client.query_and_wait(sql)
        seconds = time.perf_counter() - began
    except BadRequest as error:
        if "Out of Memory" not in str(error):
            raise
        seconds = math.inf
    return Measured(seconds, processor_seconds(process_id) - processor_began, peak_gb(process_id))


def processor_seconds(process_id: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_gb(process_id: int) -> float:
    """The peak memory of a process, in GB, since it was last forgotten."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak) * 1024 / 1e9


def measure(
    rows: int, percent: int, rounds: int, models: Mapping[str, str], only: Sequence[str]
) -> dict[str, Measured]:
    """The statements on a new warehouse; of several rounds the fastest."""
    schemas = read_table_schemas(ROOT / "models")
    found: dict[str, Measured] = {}
    with EmbeddedWarehouse() as embedded, Warehouse(embedded_connection(embedded.endpoint)) as warehouse:
        create_sources(warehouse, schemas, frozenset())
        for dataset in (DATASET, "bench"):
            warehouse.client.create_dataset(f"{PROJECT}.{dataset}", exists_ok=True)
        for name, sql in models.items():
            if name.startswith("stg_nba_analytics__"):
                warehouse.query(f"create table `{PROJECT}.{DATASET}.{name}` as {sql}")
        warehouse.query(f"create table `{PROJECT}.{DATASET}.uncounted_games` (game_date date, game_id string)")
        schema = schemas[f"nba_analytics.{TABLE}"]
        warehouse.query(f"create or replace table {STAGED} as {made_rows(schema, rows, percent)}")
        for name, sql in statements(schema, models):
            if only and not any(word in name for word in only):
                continue
            for _ in range(rounds):
                if sql.startswith("delete"):
                    warehouse.query(f"create or replace table `{PROJECT}.bench.out` as select * from {STAGED}")
                one = measured(warehouse, embedded.process_id, sql)
                print(f"{rows} {percent} % {name}: {one}", file=sys.stderr)
                found[name] = min(found.get(name, one), one, key=lambda result: result.seconds)
    return found


def shown(rows: int, percent: int, found: Mapping[str, Measured]) -> str:
    """A Markdown table."""
    lines = [
        f"### {rows:,} rows, {percent} % duplicates\n",
        "| statement | seconds | times the copy | processor seconds | times the copy | peak GB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in found.items():
        if math.isinf(one.seconds):
            lines.append(f"| {name} | out of memory | | | | {one.peak_gb:.1f} |")
            continue
        copy = found[COPY]
        ratio, processor_ratio = one.seconds / copy.seconds, one.processor_seconds / copy.processor_seconds
        times = f"{one.seconds:.2f} | {ratio:.1f} | {one.processor_seconds:.2f} | {processor_ratio:.1f}"
        lines.append(f"| {name} | {times} | {one.peak_gb:.1f} |")
    return "\n".join(lines) + "\n"


def missed(rows: int, percent: int, found: Mapping[str, Measured]) -> list[str]:
    """The targets that keep-latest misses."""
    if OURS not in found:
        return []
    ours, copy = found[OURS], found[COPY]
    where = f"{rows:,} rows, {percent} %: "
    faults = []
    if ours.seconds > most_ratio(percent) * copy.seconds:
        faults.append(f"{where}keep-latest takes more than {most_ratio(percent)} times the copy")
    if ours.peak_gb > MOST_PEAK_GB:
        faults.append(f"{where}keep-latest takes more than {MOST_PEAK_GB} GB")
    if ARRAY in found and found[ARRAY].seconds < LEAST_ARRAY_RATIO * ours.seconds:
        faults.append(f"{where}array_agg takes less than {LEAST_ARRAY_RATIO} times keep-latest")
    return faults


def main() -> int:
    """Measure and compare with the targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000, 1_000_000, 10_000_000])
    parser.add_argument("--duplicates", type=int, nargs="+", default=[0, 2, 50], help="percent of the rows")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--only", nargs="*", default=[], help="beside the copy, only statements with one of these words"
    )
    options = parser.parse_args()
    models = compiled_models()
    faults = []
    for rows in options.rows:
        for percent in options.duplicates:
            found = measure(rows, percent, options.rounds, models, [COPY, *options.only] if options.only else [])
            print(shown(rows, percent, found), flush=True)
            faults += missed(rows, percent, found)
    print("\n".join(faults) or "All targets are met.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
