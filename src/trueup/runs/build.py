"""dbt's part of a run: seeds, models and tests. Only one run builds at a time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from trueup.completion.roster import read_seed
from trueup.results.bytes import NO_BYTES, Bytes
from trueup.results.outcome import NodeResult
from trueup.results.report import Cost
from trueup.runs.verdicts import create_verdict_tables
from trueup.runs.workplace import Workplace
from trueup.scenario.folders import SEED_ALIASES

OWN_QUERIES = "trueup's own queries"
# Tables made from verdicts are built after the verdicts are written. Views on verdicts can be built before.
AFTER_VERDICTS = "service_levels+"
VERDICT_VIEWS = ("+verdict_findings", "+verdict_outcomes")


@contextmanager
def building(work: Workplace) -> Iterator[Workplace]:
    """Hold the lease of the dataset's tables. Raises CannotCheckError if another run does, or nothing answers.

    Yields the workplace in which optional sources that may not be read count as missing.
    """
    work.tables.probe()
    sources = work.dbt.sources
    unreadable = {
        schema.name: refusal
        for schema in work.schemas.values()
        if schema.is_optional and schema.name in sources and (refusal := work.tables.refusal_of(sources[schema.name]))
    }
    read = [table for name, table in sources.items() if name not in unreadable]
    work.tables.settle_location({table.rpartition(".")[0] for table in read})
    if unreadable:
        dbt = work.dbt.with_vars({"unreadable_sources": sorted(unreadable)})
        refusals = {sources[name]: refusal for name, refusal in unreadable.items()}
        work = replace(work, dbt=dbt, unreadable=refusals)
    with work.tables.leased(work.settings.run_id, work.settings.holder):
        yield work


def seed(work: Workplace) -> None:
    """Load the seeds and their replacements for this run, and create the verdict tables."""
    work.dbt.run(["seed"], work.listener.node)
    folder = work.settings.seeds
    for path in sorted(folder.glob("*.csv")) if folder else ():
        work.tables.replace_seed(SEED_ALIASES.get(path.stem, path.stem), read_seed(path))
    create_verdict_tables(work)


def build(work: Workplace, with_tests: bool, selection: Sequence[str]) -> Sequence[NodeResult]:
    """Build the selected models, with their data tests if ``with_tests``."""
    # Unit tests check the models, not today's data: CI runs them.
    without = ["--exclude-resource-type", "seed", "--exclude-resource-type", "unit_test"]
    command = ["build", *without] if with_tests else ["run"]
    return work.dbt.run([*command, *selection], work.listener.node)


def build_evidence(work: Workplace) -> None:
    """Build only the models that the judge needs."""
    work.listener.start("Building the evidence")
    seed(work)
    work.dbt.run(["run", "--select", "+completion_evidence", "+phase4_evidence", *VERDICT_VIEWS], work.listener.node)


def unbuilt(results: Iterable[NodeResult]) -> frozenset[str]:
    """The models that dbt skipped."""
    return frozenset(one.name for one in results if one.status == "skipped" and one.kind == "model")


def node_costs(work: Workplace, results: Sequence[NodeResult]) -> tuple[Cost, ...]:
    """The cost of each model and test. Bytes are None for the embedded warehouse, which does not measure them."""
    is_measured = not work.settings.is_embedded
    return tuple(
        Cost(one.name, one.kind, round(one.seconds, 3), *one.bytes.if_measured(is_measured)) for one in results
    )


def own_cost(work: Workplace, suites: Iterable[Cost]) -> tuple[Cost, ...]:
    """The cost of trueup's own queries: all queries outside dbt, without those of the suites. None if not measured."""
    if work.settings.is_embedded:
        return ()
    of_suites = [Bytes(one.bytes_processed or 0, one.bytes_billed or 0) for one in suites]
    left = work.tables.bytes_in_all - sum(of_suites, NO_BYTES)
    return (Cost(OWN_QUERIES, "query", 0.0, left.processed, left.billed),)
