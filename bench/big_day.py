"""One day of many rows, through dbt's build of the models on duplicates and of keep-latest.

``python bench/big_day.py --rows 10000000`` prints the seconds of each model and the peak memory of the embedded
warehouse, and exits with 1 if a row is lost or the memory is more than the target.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from keep_latest import DAY, MOST_PEAK_GB, ROOT, TABLE, made_rows, peak_gb

from trueup.gateways.connection import embedded_connection
from trueup.gateways.dbt import DbtProject
from trueup.gateways.embedded import PROJECT, EmbeddedWarehouse, published
from trueup.gateways.warehouse import Warehouse
from trueup.runs.loading import DATASET
from trueup.runs.wiring import create_sources
from trueup.schemas import read_table_schemas
from trueup.temporary import temporary_folder

MODELS = ("+deduplication_ledger", "dup001_duplicate_rows", "dup002_tied_newest", "dup005_poorer_newest")


def build(rows: int, percent: int, folder: Path) -> int:
    """Build and compare the ledger with the rows that were made."""
    schemas = read_table_schemas(ROOT / "models")
    schema = schemas[f"nba_analytics.{TABLE}"]
    with EmbeddedWarehouse() as embedded, published(embedded) as endpoint:
        connection = embedded_connection(endpoint)
        with Warehouse(connection) as warehouse:
            create_sources(warehouse, schemas, frozenset())
            warehouse.query(
                f"create or replace table `{PROJECT}.nba_analytics.{TABLE}` as {made_rows(schema, rows, percent)}"
            )
            dbt = DbtProject(ROOT, folder, "local", {"first_date": DAY, "last_date": DAY})
            with connection.used_by_dbt():
                dbt.run(["seed"])
                began = time.perf_counter()
                results = dbt.run(["run", "--select", *MODELS])
            seconds = time.perf_counter() - began
            (entry,) = warehouse.query(f"select * from `{PROJECT}.{DATASET}.deduplication_ledger`")
        peak = peak_gb(embedded.process_id)
    for one in sorted(results, key=lambda result: -result.seconds)[:8]:
        print(f"{one.name}: {one.seconds:.1f} s")
    print(f"{rows:,} rows, {percent} % duplicates: {seconds:.0f} s, peak {peak:.1f} GB")
    print({name: entry[name] for name in ("rows_in", "rows_removed", "rows_out", "group_count", "tie_count")})
    is_right = entry["rows_in"] == rows and entry["rows_in"] - entry["rows_removed"] == entry["rows_out"]
    return 0 if is_right and entry["rows_removed"] == rows * percent // 100 and peak <= MOST_PEAK_GB else 1


def main() -> int:
    """Build one day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--duplicates", type=int, default=2, help="percent of the rows")
    options = parser.parse_args()
    with temporary_folder() as folder:
        return build(options.rows, options.duplicates, folder)


if __name__ == "__main__":
    sys.exit(main())
