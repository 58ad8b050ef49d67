"""``python -m sqlcheck``: does BigQuery accept every statement of this repository?

Exit codes: 0 yes; 1 no; 3 could not check.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from sqlcheck.checker import Checker
from sqlcheck.contracts import write_types
from sqlcheck.dbt_project import CannotCompileError, compile_offline
from sqlcheck.engine import Engine
from sqlcheck.messages import render
from sqlcheck.project import ProjectCheck, check_project

_PROJECT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Check the project and print what is wrong."""
    parser = argparse.ArgumentParser(
        prog="sqlcheck", description="Check that BigQuery accepts every statement of this project."
    )
    parser.add_argument("--project-dir", type=Path, default=_PROJECT, metavar="DIR")
    parser.add_argument("--write", action="store_true", help="fill in missing data_types in the models' YAML")
    parser.add_argument(
        "--reads", action="store_true", help="show the columns that each statement reads from each source"
    )
    options = parser.parse_args(arguments)
    project = options.project_dir.resolve()
    began = time.monotonic()
    try:
        manifest = compile_offline(project, project / ".trueup" / "sqlcheck")
    except CannotCompileError as error:
        print(f"sqlcheck: {error}", file=sys.stderr)
        return 3
    found = check_project(project, manifest, Checker(Engine()))
    if options.write:
        for one in write_types(project, found.contracts):
            print(f"{one.file}: {one.model}.{one.column}: data_type: {one.inferred}")
            found.contracts.remove(one)
    _report(found, project, options.reads)
    print(f"{summary(found)}; {time.monotonic() - began:.1f} s")
    return 0 if found.is_clean else 1


def _report(found: ProjectCheck, project: Path, with_reads: bool) -> None:
    for statement, problem in found.problems:
        print(render(statement, problem, project))
    for mismatch in found.contracts:
        print(f"{mismatch.file}: contract: {mismatch.model}: {mismatch.message}")
        print("    → correct the YAML or the SQL; make sqlcheck-write fills in missing data_types")
    for place in found.unreached:
        print(f"{place}\n    → call it in tools/sqlcheck/python_sql.py")
    for declaration in found.needless:
        print(declaration)
    if with_reads:
        for statement, read in found.reads:
            print(f"{statement.name} reads {len(read.columns)} columns of {read.table}: {', '.join(read.columns)}")


def summary(found: ProjectCheck) -> str:
    """The number of statements and the result, in one line."""
    kinds = Counter(one.kind for one in found.statements)
    counted = ", ".join(f"{kind}: {count}" for kind, count in kinds.items())
    refused = len({statement.name for statement, _ in found.refused})
    outcome = f"{refused} refused, {len(found.contracts)} broken contracts"
    if found.unchecked:
        outcome += (
            f", {len(found.unchecked)} not checked, because they read a refused model: {', '.join(found.unchecked)}"
        )
    return f"{len(found.statements)} statements ({counted}): {outcome}"


if __name__ == "__main__":
    sys.exit(main())
