"""Ten runs with different days that overlap, some of them killed. TRUEUP_OVERLAP_SEED and TRUEUP_OVERLAP_RUNS change
which, and how many; TRUEUP_OVERLAP_LEASE=no takes the lease away, because every statement must be right without it.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from helpers.deduplication import Day, judged, row_hash
from helpers.nights import placed, scenario_of, together
from helpers.overlapping import KINDS, Run, Said, overlapped
from helpers.replaying import Silent
from helpers.support import PROJECT
from trueup.gateways.lease import LEASE
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace
from trueup.scenario.scenario import Scenario
from trueup.schemas import TableSchema, read_table_schemas

pytestmark = [pytest.mark.usefixtures("endpoint"), pytest.mark.slow]
SCHEMAS = read_table_schemas(PROJECT / "models")
TABLES = [schema for name, schema in SCHEMAS.items() if name.startswith("nba_analytics.")]
SEED = os.environ.get("TRUEUP_OVERLAP_SEED", "1")
RUNS = int(os.environ.get("TRUEUP_OVERLAP_RUNS", "5"))
IS_LEASED = os.environ.get("TRUEUP_OVERLAP_LEASE", "yes") != "no"
DAY_COUNT = 12
# The runs start within this time, and those that are killed die within that one.
START_SECONDS, KILL_SECONDS = 1.2 * RUNS, 8.0
DUPLICATES = ("DUP001", "DUP002", "DUP003", "DUP005")
# The share of duplicates, too, follows from the rows of a day.
OF_ROWS = (*DUPLICATES, "SLO003")
# Judged of rows and of documents. A reconcile sees the documents alone.
SHARED = "SCHED002"
Rows = Mapping[tuple[str, date], Sequence[Mapping[str, Any]]]


# --- the tables, and what is true of them -----------------------------------------------------------------------------


def platform() -> Scenario:
    """Twelve nights, with duplicates of every kind."""
    base = scenario_of("rewritten-later")
    tables, documents = together(placed(base, -days, 100 * (days + 1)) for days in range(DAY_COUNT))
    chance = random.Random(f"{SEED} rows")
    for schema in TABLES:
        tables[schema.name] = tuple(doubled(tables[schema.name], schema, chance))
    first = base.first_date - timedelta(days=DAY_COUNT - 1)
    return replace(base, name="overlapping", tables=tables, documents=documents, first_date=first)


def doubled(rows: Iterable[dict[str, Any]], schema: TableSchema, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Some rows several times: equal, newer, as new but different, newer and poorer, without a key."""
    measure, entity = schema.meta["measures"][0], schema.meta["entity"]
    newest_by = schema.meta["newest_by"]
    for row in rows:
        yield row
        kind = chance.choice([*["once"] * 12, "copy", "newer", "tied", "poorer", "keyless"])
        if kind == "once":
            continue
        changes: Mapping[str, Mapping[str, Any]] = {
            "copy": {},
            "newer": {newest_by: f"{row[schema.partition_column]}T23:59:59Z"},
            "tied": {measure: None if row.get(measure) else 1},
            "poorer": {newest_by: "2026-02-05T12:00:00Z", measure: None},
            "keyless": {entity: None},
        }
        yield {**row, **changes[kind]}


def rows_of(work: Workplace, suffix: str = "") -> Rows:
    """The rows of the sources, or of their deduplicated tables, by table and day."""
    found: dict[tuple[str, date], list[Mapping[str, Any]]] = defaultdict(list)
    for schema in TABLES:
        dataset = work.dataset if suffix else schema.dataset
        for row in work.tables.query(f"select * from `{dataset}.{schema.table}{suffix}`"):
            found[schema.table, row[schema.partition_column]].append(row)
    return found


def counts_of(day: Day) -> Mapping[str, int]:
    """What the rules on duplicates count of a day of a table."""
    groups = day.groups.values()
    return {
        "DUP001": sum(one.row_count - 1 for one in groups),
        "DUP002": sum(one.is_tied for one in groups),
        "DUP003": day.null_key_rows,
        "DUP005": sum(one.is_newest_poorer for one in groups),
    }


@dataclass(frozen=True)
class Truth:
    """The rows before and after the one change of a source while the runs overlap, and what is true of each."""

    states: Mapping[tuple[str, date], tuple[Day, ...]]
    sizes: Mapping[tuple[str, date], tuple[int, ...]]

    @property
    def days(self) -> Sequence[date]:
        return sorted({day for _, day in self.states})

    def is_changed(self, day: date) -> bool:
        return any(len(self.states[schema.table, day]) > 1 for schema in TABLES)


def truth_of(*moments: Rows) -> Truth:
    states: dict[tuple[str, date], tuple[Day, ...]] = {}
    sizes = {}
    schemas = {schema.table: schema for schema in TABLES}
    for place, rows in moments[0].items():
        kinds = [rows] + [one[place] for one in moments[1:] if len(one[place]) != len(rows)]
        states[place] = tuple(judged(one, schemas[place[0]]) for one in kinds)
        sizes[place] = tuple(map(len, kinds))
    return Truth(states, sizes)


# --- the runs ---------------------------------------------------------------------------------------------------------


def planned(days: Sequence[date], as_of: str) -> list[Run]:
    """Runs of every kind, on different days, at random moments; some are killed."""
    chance = random.Random(f"{SEED} runs")
    runs = []
    for number in range(RUNS):
        first, last = sorted(chance.choices(range(DAY_COUNT), k=2))
        kind = KINDS[number % len(KINDS)]
        killed = chance.uniform(0.1, KILL_SECONDS) if chance.random() < 0.4 else None
        starts = chance.uniform(0, START_SECONDS)
        name = f"{number}-{kind}"
        runs.append(Run(name, kind, str(days[first]), str(days[last]), as_of, starts, killed, IS_LEASED))
    return runs


def change(days: Sequence[date]) -> tuple[date, str]:
    """A day, and a statement that doubles some of its rows in one table."""
    chance = random.Random(f"{SEED} change")
    day, schema = chance.choice(days), chance.choice(TABLES)
    name = f"`{schema.name}`"
    return day, f"insert into {name} select * from {name} where {schema.partition_column} = date '{day}'"


# --- what must hold ---------------------------------------------------------------------------------------------------


def wrong_findings(said: Said, truth: Truth, final: Said) -> Iterator[str]:
    """What a report says and is not so."""
    for one in said.outcomes:
        if one["outcome"] != "not_run":
            yield from wrong_outcome(said, one, truth, final)
    known = {key_of(one): one for one in final.findings}
    for one in said.findings:
        day = date.fromisoformat(one["game_date"])
        if one["rule"] in DUPLICATES or (one["rule"] in OF_ROWS and truth.is_changed(day)):
            continue  # by their outcomes, and below
        if key_of(one) not in known:
            yield f"{key_of(one)}: there is no such finding"
        elif measured(one) != measured(known[key_of(one)]):
            yield f"{key_of(one)}: {measured(one)}, not {measured(known[key_of(one)])}"
    if any(one["rule"] == "DUP001" and one["outcome"] != "not_run" for one in said.outcomes):
        yield from wrong_duplicates(said, truth)


def wrong_duplicates(said: Said, truth: Truth) -> Iterator[str]:
    """All numbers of one table and day must be of one moment."""
    found = {
        (one["rule"], one["subject"], one["game_date"]): int(one["observed"])
        for one in said.findings
        if one["rule"] in DUPLICATES
    }
    for day in said.run.window.dates:
        for schema in TABLES:
            mine = {rule: found.get((rule, schema.table, str(day)), 0) for rule in DUPLICATES}
            true = [counts_of(one) for one in truth.states[schema.table, day]]
            if mine not in true:
                yield f"{schema.table} of {day}: {mine}, not {true}"


def wrong_outcome(said: Said, one: Mapping[str, Any], truth: Truth, final: Said) -> Iterator[str]:
    day = date.fromisoformat(one["game_date"])
    place = (one["rule"], one["game_date"])
    if day not in said.run.window.dates:
        yield f"{place} is not of its days"
    elif one["rule"] in DUPLICATES:
        examined = {0}
        for schema in TABLES:
            examined = {size + more for size in examined for more in truth.sizes[schema.table, day]}
        if one["examined_count"] not in examined:
            yield f"{place} examined {one['examined_count']} rows, not {examined}"
    elif one["rule"] == SHARED and said.run.kind == "reconcile":
        pass
    elif not (one["rule"] in OF_ROWS and truth.is_changed(day)) and one["rule"] != "DUP004":
        (true,) = (other for other in final.outcomes if (other["rule"], other["game_date"]) == place)
        names = ("outcome", "examined_count", "is_blocking")
        if [one[name] for name in names] != [true[name] for name in names]:
            yield f"{place}: {[one[name] for name in names]}, not {[true[name] for name in names]}"


def key_of(finding: Mapping[str, Any]) -> tuple[str, str, str]:
    return finding["rule"], finding["game_date"], finding["subject"]


def measured(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    return finding["severity"], finding["observed"], finding["expected"], finding["summary"]


def wrong_days(latest: Rows, truth: Truth) -> Iterator[str]:
    """Days of the deduplicated tables that are neither absent nor exactly the survivors of one moment."""
    for schema in TABLES:
        for day in truth.days:
            rows = latest.get((schema.table, day))
            kept = rows and sorted(row_hash(row, schema.columns) for row in rows)
            states = truth.states[schema.table, day]
            if kept and kept not in [list(one.survivors) for one in states]:
                grains = len({tuple(row[name] for name in schema.meta["grain"]) for row in rows or ()})
                right = [len(one.survivors) for one in states]
                yield f"{schema.table}_latest of {day} has {len(kept)} rows of {grains} grains, not {right}"


def wrong_ledger(ledger: Sequence[Mapping[str, Any]], truth: Truth) -> Iterator[str]:
    """Lines that contradict themselves, and days without a line of their last state."""
    names = ("table_name", "game_date", "rows_in", "rows_removed", "rows_out", "group_count", "tie_count")
    lines = {tuple(one[name] for name in names) for one in ledger}
    yield from (f"the ledger says {one}" for one in lines if one[2] - one[3] != one[4])
    for (table, day), states in truth.states.items():
        found, size = counts_of(states[-1]), truth.sizes[table, day][-1]
        groups = len(states[-1].groups)
        line = (table, day, size, found["DUP001"], len(states[-1].survivors), groups, found["DUP002"])
        if line not in lines:
            yield f"the ledger has no line {line}"


def lost_days(latest: Rows, said: Iterable[Said]) -> Iterator[str]:
    """Days that a run said it had filled, and that are empty."""
    for one in said:
        is_filled = one.end == "done" and (one.run.kind == "dbt" or (one.run.kind == "check" and not one.problems))
        days = [*one.filled, *(map(str, one.run.window.dates) if is_filled else ())]
        for day in days:
            for schema in TABLES:
                if not latest.get((schema.table, date.fromisoformat(day))):
                    yield f"{one.run.name} filled {day} of {schema.table}_latest, which is empty"


def unexplained(said: Iterable[Said]) -> Iterator[str]:
    """What could not be checked must say who was in the way, or what is missing."""
    for one in said:
        texts = [*one.problems, *([one.end] if one.end not in ("done", "killed") else [])]
        if one.end == "done" and one.run.kind in ("check", "reconcile") and not (one.outcomes or texts):
            yield f"{one.run.name} says nothing"
        for text in texts:
            if not any(reason in text for reason in EXPLAINED):
                yield f"{one.run.name}: {text}"
        if one.end == "killed" and one.run.killed is None:
            yield f"{one.run.name} ended without a word"


# The last: the embedded warehouse fails if it lists the rows of a table while it works for somebody else.
EXPLAINED = ("The run of ", "Another run", "An internal error occurred")


def test_overlapping_runs_say_only_what_is_so_and_leave_nothing_behind(state_dir: Path, tmp_path: Path) -> None:
    scenario = platform()
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        as_of = work.settings.window.as_of.isoformat()
        before, days = rows_of(work), work.settings.window.dates
        _, statement = change(days)
        runs = planned(days, as_of)
        documents = work.settings.completions
        assert documents is not None
        said = overlapped(tmp_path / "runs", runs, documents, 600, statement, f"{work.dataset}.{LEASE}")
        latest = rows_of(work, "_latest")
        truth = truth_of(before, rows_of(work))
        all_days = Run("final", "check", str(days[0]), str(days[-1]), as_of, 0, is_tested=True)
        (final,) = overlapped(tmp_path / "final", [all_days], documents, 120)
        after = rows_of(work, "_latest")
        ledger = work.tables.query(f"select * from `{work.dataset}.deduplication_ledger`")
    wrong = [f"{one.run.name}: {text}" for one in (final, *said) for text in wrong_findings(one, truth, final)]
    wrong += wrong_days(latest, truth)
    wrong += lost_days(latest, said)
    wrong += unexplained(said)
    wrong += [f"final: {text}" for text in (*final.problems, final.end) if text != "done"]
    wrong += [f"final: {text}" for text in (*wrong_days(after, truth), *lost_days(after, [final]))]
    wrong += wrong_ledger(ledger, truth)
    story = "\n".join(f"{one.run} {one.end[:200]} {one.problems[:3]}" for one in said)
    print(story)
    assert wrong == [], f"TRUEUP_OVERLAP_SEED={SEED}\n" + "\n".join(wrong[:40]) + f"\n{story}"
    assert final.outcomes
