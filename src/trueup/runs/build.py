"""dbt's part of a run: seeds, models and tests. Only one run builds at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from trueup.completion.roster import read_seed
from trueup.errors import CannotCheckError, WarehouseError
from trueup.plural import counted
from trueup.results.bytes import NO_BYTES, Bytes
from trueup.results.outcome import NodeResult
from trueup.results.report import Cost
from trueup.runs.verdicts import create_verdict_tables
from trueup.runs.workplace import Workplace
from trueup.scenario.folders import SEED_ALIASES
from trueup.schemas import TableFacts

# Requests at once, before the run begins.
AT_ONCE = 8
READ_IN_FULL = (
    "Grant the account bigquery.tables.get and bigquery.tables.getData (roles/bigquery.dataViewer) on its dataset. "
    "If the table has row-level access policies, grant the account one with FILTER USING (TRUE): otherwise BigQuery "
    "hides rows."
)
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
    _, unreadable = look_at(work, asked_sources(work))
    read = [table for name, table in sources.items() if name not in unreadable]
    work.tables.settle_location({table.rpartition(".")[0] for table in read})
    if unreadable:
        dbt = work.dbt.with_vars({"unreadable_sources": sorted(unreadable)})
        refusals = {sources[name]: refusal for name, refusal in unreadable.items()}
        work = replace(work, dbt=dbt, unreadable=refusals)
    with work.tables.leased(work.settings.run_id, work.settings.holder):
        yield work


def asked_sources(work: Workplace) -> dict[str, str]:
    """The full names of the sources that others write, by ``dataset.table``."""
    found = work.dbt.sources
    return {name: found[name] for name, schema in sorted(work.schemas.items()) if not schema.is_own and name in found}


def look_at(work: Workplace, sources: Mapping[str, str]) -> tuple[dict[str, TableFacts | None], dict[str, str]]:
    """What each source is, and why optional ones may not be read. ``sources``: full names by ``dataset.table``.

    Raises WarehouseError if a required one may not be read in full.
    """
    with ThreadPoolExecutor(AT_ONCE, "asking") as pool:
        looks = dict(zip(sources, pool.map(work.tables.look, sources.values()), strict=True))
    for name, (_, refusal) in looks.items():
        if refusal and not work.schemas[name].is_optional:
            raise WarehouseError(f"The source {sources[name]} may not be read in full: {refusal}", READ_IN_FULL)
    facts = {name: found for name, (found, _) in looks.items()}
    return facts, {name: refusal for name, (_, refusal) in looks.items() if refusal}


def built_by_others(work: Workplace, results: Iterable[NodeResult]) -> Sequence[str]:
    """The tables that this run built and another process has replaced since: what was read may be of other days.

    dbt alone takes no lease, and a run that was paused may have lost it without noticing.
    """
    built = {one.name for one in results if one.kind == "model" and one.status == "success"}
    return work.tables.built_by_others(built.intersection(work.dbt.replaced_tables), work.settings.run_id)


def refuse_mixed(others: Sequence[str]) -> None:
    """Raise CannotCheckError if other processes have built tables of this run: see built_by_others."""
    if others:
        raise CannotCheckError(
            f"Another run built {counted(len(others), 'table')} of this run at the same time, such as {others[0]}.",
            "Run it again when that run has ended.",
        )


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
    """Build only the models that the judge needs. Raises CannotCheckError if another process builds them, too."""
    work.listener.start("Building the evidence")
    seed(work)
    selection = ("--select", "+completion_evidence", "+phase4_evidence", *VERDICT_VIEWS)
    # The tables that are read afterwards hold the run's id, but not those that they are made from.
    refuse_mixed(built_by_others(work, work.dbt.run(["run", *selection], work.listener.node)))


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
