"""Runs every model on two engines: trueup's embedded warehouse and GoogleSQL's reference implementation.

    python -m sqlcheck.differential scenarios/incident-2026-02-03 [more scenarios]

For each model the reference gets the embedded warehouse's input rows and the same SQL, so that each model is compared
separately. Exit code 0: equal, except for the listed exceptions; 1: something differs; 3: something could not be
compared.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlcheck.differential_exceptions import Exceptions, read_exceptions
from sqlcheck.differential_rows import Table, differences, differing_columns, with_meaning
from sqlcheck.differential_scenario import BuiltModel, BuiltScenario, ScenarioFailedError, built
from sqlcheck.reference import SECONDS_PER_QUERY, Reference, ReferenceFailedError
from trueup.errors import TrueupError
from trueup.gateways.embedded import embedded_endpoint
from trueup.scenario.scenario import find_scenarios, load_scenario
from trueup.schemas import read_table_schemas

PROJECT_DIR = Path(__file__).resolve().parents[2]
SAME, DIFFERENT, NOT_COMPARED = 0, 1, 3
_SHOWN_REASON = 400


@dataclass(frozen=True)
class Compared:
    """The comparison of one model in one scenario. ``lines``: the differences, or why it was not compared; ``used``:
    the exceptions that were needed.
    """

    scenario: str
    model: str
    status: Literal["same", "differs", "not run", "excepted"]
    row_count: int
    lines: tuple[str, ...] = ()
    used: frozenset[tuple[str, str]] = frozenset()

    def __str__(self) -> str:
        columns = ", ".join(sorted(column for _, column in self.used))
        line = f"{self.status:<8} {self.model} ({self.row_count} rows)" + (f" but for {columns}" if columns else "")
        return "\n         ".join([line, *self.lines])


def compare_scenario(
    scenario: BuiltScenario, reference: Reference, exceptions: Exceptions, seconds: float = SECONDS_PER_QUERY
) -> Iterator[Compared]:
    """The comparison of every model of the project, in build order."""
    types: dict[str, dict[str, str]] = {}
    for model in scenario.models:
        inputs = {name: table for name in model.inputs if (table := _input(scenario, name, types)) is not None}
        ours = scenario.read(model.relation)
        if ours is None:
            yield Compared(scenario.name, model.name, "not run", 0, ("the embedded warehouse has no such table",))
            continue
        try:
            theirs = reference.query(model.sql, inputs, seconds)
        except ReferenceFailedError as error:
            yield _not_executed(scenario.name, model, ours, str(error), exceptions)
            continue
        types[model.relation] = dict(theirs.columns)
        yield _compared(scenario.name, model.name, ours, theirs, exceptions)
    for name in scenario.unbuilt:
        yield Compared(scenario.name, name, "not run", 0, ("trueup's run did not build it",))


def _input(scenario: BuiltScenario, name: str, types: dict[str, dict[str, str]]) -> Table | None:
    """A table's rows, with the reference's types if it built the table too."""
    table = scenario.read(name)
    known = types.get(name)
    return Table(known, table.rows) if table is not None and known and set(known) == set(table.columns) else table


def _not_executed(scenario: str, model: BuiltModel, ours: Table, why: str, exceptions: Exceptions) -> Compared:
    reason = exceptions.not_executed.get(model.name)
    status: Literal["not run", "excepted"] = "not run" if reason is None else "excepted"
    lines = tuple(line[:_SHOWN_REASON] for line in (why, reason) if line)
    return Compared(scenario, model.name, status, len(ours.rows), lines)


def _compared(scenario: str, model: str, ours: Table, theirs: Table, exceptions: Exceptions) -> Compared:
    """The comparison of a model that both engines ran, with the exceptions that it needs."""
    count = len(ours.rows)
    if model in exceptions.not_executed:
        why = "it is listed under not_executed, but the reference executes it: remove it from the list"
        return Compared(scenario, model, "differs", count, (why,))
    apart = {(model, column) for column in differing_columns(ours, theirs)}
    used = apart & exceptions.as_json.keys()
    for _, column in sorted(used):
        ours, theirs = with_meaning(ours, column), with_meaning(theirs, column)
    lines = differences(ours, theirs)
    return Compared(scenario, model, "differs" if lines else "same", count, tuple(lines), frozenset(used))


def stale(outcomes: Sequence[Compared], exceptions: Exceptions) -> list[str]:
    """The exceptions that are not needed, and those for models that do not exist."""
    models = {one.model for one in outcomes}
    with_rows = {one.model for one in outcomes if one.row_count and one.status in ("same", "differs")}
    used = {key for one in outcomes for key in one.used}
    columns = sorted(exceptions.as_json)
    unknown = sorted({*exceptions.not_executed, *(model for model, _ in columns)} - models)
    return [f"{model}: unknown model; remove it from the list" for model in unknown] + [
        f"{model}.{column}: nothing differs; remove it from the list"
        for model, column in columns
        if model in with_rows and (model, column) not in used
    ]


def exit_code(outcomes: Sequence[Compared], stale_lines: Sequence[str]) -> int:
    """The exit code. Nothing compared is not a pass."""
    if any(one.status == "not run" for one in outcomes) or not outcomes:
        return NOT_COMPARED
    return DIFFERENT if stale_lines or any(one.status == "differs" for one in outcomes) else SAME


class Quiet:
    """A listener that does nothing."""

    def start(self, what: str) -> None: ...
    def node(self, name: str, index: int, total: int) -> None: ...
    def finish(self) -> None: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sqlcheck.differential", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("scenarios", nargs="+", type=Path, help="scenario folders, or folders that contain them")
    parser.add_argument("--seconds", type=float, default=SECONDS_PER_QUERY, help="time limit of each model")
    options = parser.parse_args(arguments)
    exceptions = read_exceptions()
    outcomes: list[Compared] = []
    try:
        schemas = read_table_schemas(PROJECT_DIR / "models")
        scenarios = [load_scenario(folder, schemas) for folder in find_scenarios(options.scenarios)]
        with embedded_endpoint(), Reference() as reference:
            for scenario in scenarios:
                print(f"{scenario.name}:", flush=True)
                with built(scenario, PROJECT_DIR, Quiet()) as models:
                    for outcome in compare_scenario(models, reference, exceptions, options.seconds):
                        outcomes.append(outcome)
                        print(f"  {outcome}", flush=True)
    except (ScenarioFailedError, TrueupError) as error:
        print(f"sqlcheck: {error}", file=sys.stderr)
        return NOT_COMPARED
    leftover = stale(outcomes, exceptions)
    print(*leftover, _summary(outcomes, len(scenarios)), sep="\n")
    return exit_code(outcomes, leftover)


def _summary(outcomes: Sequence[Compared], scenario_count: int) -> str:
    counts = {status: sum(one.status == status for one in outcomes) for status in ("same", "differs", "not run")}
    models = {one.model for one in outcomes}
    without_rows = models - {one.model for one in outcomes if one.row_count}
    counted = ", ".join(f"{count} {status}" for status, count in counts.items())
    alone = f"; without a row in any: {', '.join(sorted(without_rows))}" if without_rows else ""
    return f"{len(models)} models in {scenario_count} scenarios: {counted}{alone}"


if __name__ == "__main__":
    sys.exit(main())
