"""``python -m sqlcheck.costs``: what every statement of the project reads, and what BigQuery bills for it.

Computed from the analysed statements and ``statistics.yml``; with ``--target``, asked from BigQuery by dry runs. Exit
codes: 0 within the budgets of ``budgets.yml``; 1 over budget; 3 could not be computed.
"""

import argparse
import sys
from pathlib import Path

from sqlcheck.checker import Checker
from sqlcheck.costs.billing import Bill, Budgets, bill, over_budget, read_budgets
from sqlcheck.costs.dry_run import DryRunError, client_of, dry_runs
from sqlcheck.costs.facts import Facts, facts_of, keep, kept
from sqlcheck.costs.sizes import STATISTICS, UnknownTableError, read_sizes
from sqlcheck.costs.table import table
from sqlcheck.dbt_project import CannotCompileError, compile_for, compile_offline
from sqlcheck.engine import Engine
from sqlcheck.project import check_project
from trueup.errors import TrueupError

_PROJECT = Path(__file__).resolve().parents[3]


class _RefusedError(Exception):
    """The project has statements that BigQuery refuses."""


def main(arguments: list[str] | None = None) -> int:
    """Print the costs and what is over budget."""
    parser = argparse.ArgumentParser(prog="cost", description="What each statement reads and is billed.")
    parser.add_argument("--project-dir", type=Path, default=_PROJECT, metavar="DIR")
    parser.add_argument("--statistics", type=Path, default=STATISTICS, metavar="FILE", help="sizes of your tables")
    parser.add_argument("--history", type=int, default=1, metavar="N", help="as if the history were N times as long")
    parser.add_argument("--large-day", action="store_true", help="as if one table had many more rows each day")
    parser.add_argument("--target", metavar="NAME", help="ask this target (BigQuery) by dry runs instead")
    parser.add_argument("--all", action="store_true", help="show all statements")
    options = parser.parse_args(arguments)
    budgets = read_budgets()
    refused: list[DryRunError] = []
    try:
        if options.target:
            bills, refused = _asked(options.project_dir.resolve(), options.target, budgets)
        else:
            bills = _computed(options, budgets)
    except (CannotCompileError, UnknownTableError, _RefusedError, TrueupError) as error:
        print(f"cost: {error}", file=sys.stderr)
        return 3
    print("\n".join(table(bills, budgets.usd_per_tb, options.all)))
    # The budgets are those of usual days.
    over = [] if options.large_day else list(over_budget(bills, budgets))
    for text in (*over, *refused):
        print(f"cost: {text}", file=sys.stderr)
    return 1 if over else 3 if refused or not bills else 0


def _computed(options: argparse.Namespace, budgets: Budgets) -> list[Bill]:
    project = options.project_dir.resolve()
    facts = kept(project)
    if facts is None:
        facts = _analysed(project, compile_offline(project, project / ".trueup" / "sqlcheck"))
        keep(project, facts)
    sizes = read_sizes(facts.types, options.statistics, options.large_day).with_history(options.history)
    return [bill(one, sizes, budgets) for one in facts.statements]


def _asked(project: Path, target: str, budgets: Budgets) -> tuple[list[Bill], list[DryRunError]]:
    """The bills by dry runs, and the statements that BigQuery refused."""
    facts = _analysed(project, compile_for(project, project / ".trueup" / "dry-run", target))
    with client_of(project, target) as client:
        found = list(dry_runs(client, facts.statements, budgets))
    refused = [one for one in found if isinstance(one, DryRunError)]
    return [one for one in found if isinstance(one, Bill)], refused


def _analysed(project: Path, manifest: dict[str, object]) -> Facts:
    checker = Checker(Engine())
    found = check_project(project, manifest, checker)
    if not found.is_clean:
        raise _RefusedError("some statements are refused: run make sqlcheck")
    return facts_of(found.costs.statements, checker.catalog)


if __name__ == "__main__":
    sys.exit(main())
