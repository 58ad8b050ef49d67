"""What is missing before trueup can work, and the next step for each. Changes nothing."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from trueup.completion.lease import LEASES
from trueup.completion.roster import read_seed
from trueup.completion.store import DOCUMENTS
from trueup.errors import TrueupError
from trueup.plain import Plain
from trueup.plural import counted
from trueup.reporting.alerts.channels import alert_settings, channels_of, host_of
from trueup.reporting.alerts.state import UnreadableStateError, document_id, read_state
from trueup.runs.build import AT_ONCE, READ_IN_FULL
from trueup.runs.wiring import state_file, state_opener
from trueup.runs.workplace import Workplace
from trueup.schemas import TableSchema
from trueup.settings import COMPLETIONS_VARIABLE
from trueup.window import now

State = Literal["ok", "missing", "note", "not asked"]
# Beyond this, "now" is another moment here than in the warehouse.
_MOST_CLOCK_ERROR = timedelta(minutes=1)
_MADE_BY_THE_FIRST_RUN = "The first run makes it; that needs bigquery.datasets.create."
_NO_ROWS = "An empty warehouse of its own; trueup demo, replay and local --scenario fill one."


@dataclass(frozen=True)
class Diagnosis(Plain):
    """What was found about one thing. ``step``: what to do next, "" if nothing."""

    about: str
    state: State
    message: str
    step: str = ""


def _missing(about: str, error: TrueupError) -> Diagnosis:
    return Diagnosis(about, "missing", error.message, error.hint or "Correct it, then run trueup doctor again.")


def diagnose(open_work: Callable[[], AbstractContextManager[Workplace]], has_endpoint: bool) -> Iterator[Diagnosis]:
    """Look at everything that a run needs, one thing after the other.

    ``has_endpoint``: whether an embedded warehouse was running before. One that the command starts itself is empty.
    """
    try:
        with open_work() as work:
            yield Diagnosis("settings", "ok", f"The target {work.settings.target} writes to {work.relation}.")
            yield _tried("models", lambda: work.dbt.checks, "dbt can parse the models.")
            yield _rosters(work)
            if has_endpoint or not work.settings.is_embedded:
                yield from _warehouse(work)
            else:
                yield Diagnosis("sources", "not asked", _NO_ROWS, "For BigQuery: trueup doctor --target prod")
            yield from _documents(work)
            yield from _topic(work)
            yield _alerts(work)
    except TrueupError as error:
        yield _missing("settings", error)


def _rosters(work: Workplace) -> Diagnosis:
    """Whether the table of each processor is a declared source, and the zone of each scraper a declared one."""
    declared = {schema.table for schema in work.schemas.values() if not schema.is_own}
    for one in work.reference.roster.entries:
        if one.table_name not in declared:
            return Diagnosis(
                "roster",
                "missing",
                f"The processor {one.processor_name} writes {one.table_name}, which no source declares.",
                "Correct it in seeds/processor_roster.csv, or declare the table in models/staging/*/_sources.yml.",
            )
    zones = work.settings.variable("roster_time_zones")
    for line, row in enumerate(read_seed(work.settings.project_dir / "seeds" / "scraper_roster.csv"), 2):
        if row["time_zone"] not in zones:
            return Diagnosis(
                "roster",
                "missing",
                f"The scraper {row['scraper_name']} is due in {row['time_zone']}, which roster_time_zones lacks.",
                f"Correct seeds/scraper_roster.csv line {line}, or add the zone to the var in dbt_project.yml.",
            )
    return Diagnosis("roster", "ok", "Each processor has a declared source, and each scraper a declared time zone.")


def _warehouse(work: Workplace) -> Iterator[Diagnosis]:
    reached = _tried("BigQuery", work.tables.probe, "BigQuery answers, with the credentials of the target.")
    yield reached
    if reached.state != "ok":
        for about in ("location", "jobs", "sources", "trueup's dataset"):
            yield Diagnosis(about, "not asked", "BigQuery does not answer.")
        return
    sources = work.dbt.sources
    asked = [schema for name, schema in work.schemas.items() if name in sources and not schema.is_own]
    with ThreadPoolExecutor(AT_ONCE, "asking") as pool:
        found = list(pool.map(lambda schema: _source(work, schema, sources[schema.name]), asked))
    readable = [sources[schema.name] for schema, one in zip(asked, found, strict=True) if one.state != "missing"]
    located = _tried(
        "location",
        lambda: work.tables.settle_location({table.rpartition(".")[0] for table in readable}),
        "The datasets are in one location.",
    )
    yield located
    yield examine_jobs(work) if located.state == "ok" else Diagnosis("jobs", "not asked", "The location is not known.")
    yield from found
    yield _own_dataset(work)


def examine_jobs(work: Workplace) -> Diagnosis:
    """Whether a query runs, and whether the clocks agree."""
    try:
        (row,) = work.tables.query("select current_timestamp() as there")
    except TrueupError as error:
        return _missing("jobs", error)
    away = row["there"] - now()
    if abs(away) > _MOST_CLOCK_ERROR:
        fast = "slow" if away > timedelta(0) else "fast"
        return Diagnosis(
            "clock",
            "missing",
            f"This machine's clock is {abs(away).total_seconds():.0f} s {fast}.",
            "Set it (NTP): what is due is judged by it.",
        )
    return Diagnosis("jobs", "ok", "A query runs, and the clocks agree.")


def _source(work: Workplace, schema: TableSchema, table: str) -> Diagnosis:
    """Whether a source can be read as it is declared."""
    about = schema.name
    try:
        facts, refusal = work.tables.look(table)
    except TrueupError as error:
        return _missing(about, error)
    if refusal:
        return Diagnosis(about, "note" if schema.is_optional else "missing", refusal, READ_IN_FULL)
    if facts is None:
        step = "Check the var of its dataset in dbt_project.yml, and source_project."
        if schema.is_optional:
            return Diagnosis(about, "note", f"{table} does not exist: what needs it is not run.", step)
        return Diagnosis(about, "missing", f"{table} does not exist.", step)
    if lacking := [name for name in schema.columns if name.lower() not in facts.columns]:
        names = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
        return Diagnosis(
            about,
            "missing",
            f"{table} lacks {counted(len(lacking), 'declared column')}: {names}.",
            "Add them to the table, or take them out of models/staging/*/_sources.yml.",
        )
    others = [
        f"{name} is {facts.columns[name.lower()]}, declared as {kind}"
        for name, kind in schema.columns.items()
        if _scalar(facts.columns[name.lower()]) != _scalar(kind)
    ]
    if others:
        return Diagnosis(
            about, "missing", f"{table}: {'; '.join(others[:3])}.", "Correct the declaration or the table."
        )
    # The embedded warehouse has no partitions by the date of a timestamp.
    if facts.is_table and not work.settings.is_embedded and facts.partition_column != schema.partition_column:
        by = facts.partition_column or "nothing"
        return Diagnosis(
            about,
            "note",
            f"{table} is partitioned by {by}, not by {schema.partition_column}: each run reads all of it.",
            f"Partition it by {schema.partition_column}, or expect to pay for its whole history.",
        )
    return Diagnosis(about, "ok", f"{table} can be read.")


def _own_dataset(work: Workplace) -> Diagnosis:
    try:
        if not work.tables.has_dataset():
            return Diagnosis("trueup's dataset", "note", f"{work.relation} does not exist.", _MADE_BY_THE_FIRST_RUN)
    except TrueupError as error:
        return _missing("trueup's dataset", error)
    return Diagnosis("trueup's dataset", "ok", f"{work.relation} exists.")


def _documents(work: Workplace) -> Iterator[Diagnosis]:
    """Whether the documents can be read, and whether there are any of these days."""
    days = [day.isoformat() for day in work.settings.window.dates]
    file = work.settings.completions
    if file and not file.exists():  # opening it would make it
        state: State = "missing" if os.environ.get(COMPLETIONS_VARIABLE) else "note"
        yield Diagnosis(
            "documents", state, f"{file} does not exist: there are no documents.", f"Check {COMPLETIONS_VARIABLE}."
        )
        return
    try:
        with work.completions(DOCUMENTS) as store, work.completions(LEASES) as leases:
            found = store.read(days)
            leases.read(days)
    except TrueupError as error:
        yield _missing("documents", error)
        return
    where = work.settings.documents
    named_by = COMPLETIONS_VARIABLE if file else "TRUEUP_FIRESTORE_PROJECT and TRUEUP_FIRESTORE_DATABASE"
    if found:
        yield Diagnosis("documents", "ok", f"{where}: {counted(len(found), 'document')} of these days.")
    else:
        yield Diagnosis(
            "documents",
            "note",
            f"{where} has no document from {days[0]} to {days[-1]}.",
            f"If there were games: check {named_by}.",
        )


def _topic(work: Workplace) -> Iterator[Diagnosis]:
    """Whether the topic that starts phase 4 exists. Only trueup reconcile --fix needs it."""
    file = work.settings.completions
    if file and not file.exists():
        yield Diagnosis("topic", "not asked", "It is in the same file as the documents.")
        return
    try:
        with work.repair_stores() as stores:
            problem = stores.topic.problem()
    except TrueupError as error:
        yield Diagnosis("topic", "note", error.message, error.hint)
        return
    if problem:
        yield Diagnosis("topic", "note", problem, "trueup reconcile --fix needs it; nothing else does.")
    else:
        yield Diagnosis("topic", "ok", f"The topic {work.settings.variable('phase4_topic')} is there.")


def _alerts(work: Workplace) -> Diagnosis:
    """Whether the state of the alerts can be read. Nothing is sent, and a state that does not exist is not made."""
    settings, project = alert_settings(), work.settings.project_dir
    named = [channel for channel in channels_of(settings) if channel.name != "step_summary"]
    if not named:
        return Diagnosis("alerts", "not asked", "No webhook is set: alerts are not sent.", "See docs/how-to/alerts.md.")
    if invalid := [one.variable for one in named if not host_of(one.address)]:
        return Diagnosis(
            "alerts",
            "missing",
            f"{invalid[0]} is not a valid http or https URL.",
            "Set it to the address of the webhook.",
        )
    file = state_file(settings, project, work.settings.is_embedded)
    if file and not file.exists():
        folder = next(one for one in file.absolute().parents if one.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            return Diagnosis(
                "alerts", "missing", f"{file} cannot be made.", f"Make {folder} a folder that is writable."
            )
        return Diagnosis("alerts", "ok", f"Nothing was sent yet: {file} will keep what was.")
    try:
        with closing(state_opener(settings, project, work.settings.target)()) as store:
            for channel in named:
                name = document_id(channel.name, work.settings.target)
                if snapshot := store.read([name]).get(name):
                    read_state(snapshot.fields, channel.name, work.settings.target)
    except TrueupError as error:
        return _missing("alerts", error)
    except UnreadableStateError as error:
        return Diagnosis(
            "alerts",
            "missing",
            f"The state {name} cannot be read: {error}.",
            "Remove it: all open findings are sent again.",
        )
    return Diagnosis("alerts", "ok", f"The state of {counted(len(named), 'channel')} can be read.")


def _scalar(kind: str) -> str:
    """A type without its parameters: the fields of a struct are not compared."""
    return kind.lower().partition("<")[0].partition("(")[0].strip()


def _tried(about: str, ask: Callable[[], object], fine: str) -> Diagnosis:
    try:
        ask()
    except TrueupError as error:
        return _missing(about, error)
    return Diagnosis(about, "ok", fine)
