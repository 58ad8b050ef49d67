"""Duplicates against an oracle written from the contract, and runs of different days that build in turns."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from helpers.deduplication import Group, as_loaded, checksum, judged, random_rows, row_hash
from helpers.doubles import Killed
from helpers.replaying import Silent, plain_scenario
from helpers.support import PROJECT
from trueup.errors import CannotCheckError
from trueup.gateways.dbt import DbtProject
from trueup.runs.backfill import backfill
from trueup.runs.replay import loaded
from trueup.runs.workplace import Workplace
from trueup.schemas import TableSchema, read_table_schemas
from trueup.window import Window

pytestmark = pytest.mark.usefixtures("endpoint")

SCHEMAS = read_table_schemas(PROJECT / "models")
# Together they have every type that an analytics table has.
TABLES = [SCHEMAS[f"nba_analytics.{name}"] for name in ("player_game_summary", "upcoming_team_game_context")]
FIRST = date(2026, 1, 20)
DAYS = [FIRST + timedelta(days=offset) for offset in range(12)]
AS_OF = datetime(2026, 2, 4, 21, tzinfo=UTC)
SEED = 14


@dataclass(frozen=True)
class Built:
    """Random tables, and what was built of them, each by table and day."""

    given: Mapping[tuple[str, date], Sequence[Mapping[str, Any]]]
    latest: Mapping[tuple[str, date], Sequence[Mapping[str, Any]]]
    groups: Mapping[tuple[str, date], Mapping[tuple[Any, ...], Group]]
    ledger: Mapping[tuple[str, date], Mapping[str, Any]]


@pytest.fixture(scope="module")
def built(endpoint: object, state_dir: Path) -> Iterator[Built]:
    given = {
        (schema.table, day): random_rows(SEED, schema, day, 5 + 5 * number)
        for schema in TABLES
        for number, day in enumerate(DAYS)
    }
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (table, _), rows in given.items():
        tables[f"nba_analytics.{table}"] += map(as_loaded, rows)
    with loaded(plain_scenario("random", (DAYS[0], DAYS[-1]), AS_OF, tables), PROJECT, state_dir, Silent()) as work:
        work.dbt.run(["seed"])
        work.dbt.run(["run", "--select", "+deduplication_ledger"])
        yield Built(given, latest_of(work), groups_of(work), ledger_of(work))


def latest_of(work: Workplace) -> Mapping[tuple[str, date], Sequence[Mapping[str, Any]]]:
    found: dict[tuple[str, date], list[Mapping[str, Any]]] = defaultdict(list)
    for schema in TABLES:
        for row in work.tables.query(f"select * from `{work.dataset}.{schema.table}_latest`"):
            found[schema.table, row["game_date"]].append(row)
    return found


def hashes_of(work: Workplace, schema: TableSchema) -> list[str]:
    """The rows of one deduplicated table, in any order."""
    found = work.tables.query(f"select * from `{work.dataset}.{schema.table}_latest`")
    return sorted(row_hash(row, schema.columns) for row in found)


def groups_of(work: Workplace) -> Mapping[tuple[str, date], Mapping[tuple[Any, ...], Group]]:
    found: dict[tuple[str, date], dict[tuple[Any, ...], Group]] = defaultdict(dict)
    for row in work.tables.query(f"select * from `{work.dataset}.duplicate_groups`"):
        key = (row["game_date"], *list(json.loads(row["grain_key"]).values())[1:])
        found[row["table_name"], row["game_date"]][key] = Group(
            row["row_count"], row["payload_count"], row["is_tied"], row["is_newest_poorer"]
        )
    return found


def ledger_of(work: Workplace) -> Mapping[tuple[str, date], Mapping[str, Any]]:
    rows = work.tables.query(f"select * from `{work.dataset}.deduplication_ledger`")
    return {(row["table_name"], row["game_date"]): row for row in rows}


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.table)
def test_survivors_and_duplicates_are_those_of_the_contract(built: Built, schema: TableSchema) -> None:
    seen: Counter[str] = Counter()
    for day in DAYS:
        place = (schema.table, day)
        expected = judged(built.given[place], schema)
        kept = sorted(row_hash(row, schema.columns) for row in built.latest[place])
        assert kept == list(expected.survivors), day
        assert built.groups[place] == expected.groups, day
        entry = built.ledger[place]
        counts = ("rows_in", "rows_out", "rows_removed", "group_count", "tie_count", "conflict_count", "null_key_rows")
        groups = expected.groups.values()
        assert [entry[name] for name in counts] == [
            len(built.given[place]),
            len(expected.survivors),
            sum(one.row_count - 1 for one in groups),
            len(groups),
            sum(one.is_tied for one in groups),
            sum(one.payload_count > 1 for one in groups),
            expected.null_key_rows,
        ]
        hashes = [row_hash(row, schema.columns) for row in built.given[place]]
        assert (entry["input_checksum"], entry["survivor_checksum"]) == (checksum(hashes), checksum(kept))
        seen.update(name for one in groups for name in ("is_tied", "is_newest_poorer") if getattr(one, name))
        seen.update({"copies": sum(one.payload_count < one.row_count for one in groups)})
    assert min(seen[name] for name in ("is_tied", "is_newest_poorer", "copies")) > 10, "the random rows show too little"


def test_a_checksum_sees_each_row_as_often_as_it_is_there() -> None:
    one, other = ("a" * 64, "b" * 64)
    kinds = [[], [one], [one, one], [one, one, one], [one, other], [one, one, other, other], [other, other]]
    assert len({checksum(hashes) for hashes in kinds}) == len(kinds)
    # The sum of one word of 50 million rows at most, in an INT64.
    assert 50_000_000 * (2**32 - 1) < 2**63 - 1


def test_two_first_runs_at_once_keep_the_days_of_both(state_dir: Path) -> None:
    # Found 2026-11: dbt builds a new table with `create or replace`, also if another run has just created it.
    (schema, _) = TABLES
    ours, theirs = DAYS[:2]
    rows = [as_loaded(random_rows(SEED, schema, day, 1)[0]) for day in (ours, theirs)]
    scenario = plain_scenario("first", (ours, ours), AS_OF, {schema.name: rows})
    tables = [f"stg_nba_analytics__{schema.table}", f"{schema.table}_latest"]
    begun: set[str] = set()
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:

        def overtake(node: str, *_: object) -> None:
            for table in tables:
                if f".{table} " in f"{node} " and table not in begun:
                    begun.add(table)
                    work.tables.query(
                        f"create table `{work.dataset}.{table}` partition by game_date as "
                        f"select * from `{schema.name}` where game_date = date '{theirs}'"
                    )

        work.dbt.run(["run", "--select", f"+{tables[-1]}"], overtake)
        assert begun == set(tables)
        for table in tables:
            found = work.tables.query(f"select game_date from `{work.dataset}.{table}` order by game_date")
            assert [row["game_date"] for row in found] == [ours, theirs], table


def test_a_backfill_in_steps_that_was_killed_fills_what_one_large_run_would(state_dir: Path) -> None:
    days = DAYS[:3]
    tables = {
        schema.name: [as_loaded(row) for day in days for row in random_rows(SEED, schema, day, 12)] for schema in TABLES
    }
    steps: list[Window] = []

    def killed(window: Window) -> None:
        raise Killed

    with loaded(plain_scenario("steps", (days[0], days[-1]), AS_OF, tables), PROJECT, state_dir, Silent()) as work:
        with work.tables.leased("other", "ann@laptop"), pytest.raises(CannotCheckError, match="The run of ann@laptop"):
            backfill(work, 2, steps.append)
        with pytest.raises(Killed):
            backfill(work, 2, killed)
        assert {day for _, day in latest_of(work)} == set(days[:2])
        backfill(work, 2, steps.append)
        found = latest_of(work)
    assert [one.dates for one in steps] == [(days[2],)]
    for schema in TABLES:
        for day in days:
            kept = sorted(row_hash(row, schema.columns) for row in found[schema.table, day])
            assert kept == list(judged(random_rows(SEED, schema, day, 12), schema).survivors), (schema.table, day)


def test_what_a_source_lacks_never_empties_the_days_that_were_filled(state_dir: Path) -> None:
    """Found 2026-11: with a misspelt dataset a backfill emptied its days, and a check the days that it checked."""
    days, schema = DAYS[:2], TABLES[0]
    tables = {one.name: [as_loaded(row) for day in days for row in random_rows(SEED, one, day, 6)] for one in TABLES}
    with loaded(plain_scenario("lacking", (days[0], days[-1]), AS_OF, tables), PROJECT, state_dir, Silent()) as work:
        backfill(work, 2, lambda _: None)
        before, source = hashes_of(work, schema), f"`{work.project}.{schema.name}`"
        work.tables.query(f"create table `{work.project}.trueup.kept` as select * from {source}")
        for spoil, said in (
            (f"create or replace table {source} as select * except (points) from {source}", "has no column points"),
            (f"drop table {source}", "does not exist"),
        ):
            work.tables.query(spoil)
            with pytest.raises(CannotCheckError, match=said):
                backfill(work, 2, lambda _: None)
            assert hashes_of(work, schema) == before
        work.dbt.run(["run", "--select", f"+{schema.table}_latest"])
        assert hashes_of(work, schema) == before
        work.tables.query(f"create table {source} as select * from `{work.project}.trueup.kept`")
        work.dbt.run(["run", "--select", f"+{schema.table}_latest"])
        assert hashes_of(work, schema) == before


def test_a_contradictory_line_of_the_ledger_does_not_stay(state_dir: Path) -> None:
    # Found 2026-11: a line of two runs that had mixed their tables failed the conservation test for ever.
    (schema, _) = TABLES
    rows = [as_loaded(row) for row in random_rows(SEED, schema, FIRST, 5)]
    with loaded(
        plain_scenario("ledger", (FIRST, FIRST), AS_OF, {schema.name: rows}), PROJECT, state_dir, Silent()
    ) as work:
        command = ["run", "--select", "+deduplication_ledger"]
        work.dbt.run(["seed"])
        work.dbt.run(command)
        ledger = f"`{work.dataset}.deduplication_ledger`"
        right = work.tables.query(f"select * from {ledger}")
        work.tables.query(f"update {ledger} set rows_removed = rows_removed + 1, tie_count = 77 where true")
        work.tables.query(
            f"insert into {ledger} (table_name, game_date, input_checksum, survivor_checksum, rows_in, rows_removed, "
            f"rows_out) values ('{schema.table}', date '{FIRST}', 'never', 'was', 9, 1, 9)"
        )
        work.dbt.run(["run", "--select", "deduplication_ledger"])
        names = [name for name in right[0] if name not in ("run_id", "run_at")]
        found = work.tables.query(f"select {', '.join(names)} from {ledger}")
    assert found == [{name: row[name] for name in names} for row in right]


def test_another_run_that_stages_other_days_in_between_empties_and_doubles_no_day(state_dir: Path) -> None:
    # Found 2026-11-26: staging held only the days of the last run, and `_latest` lost one day and doubled another.
    first, second, third = days = DAYS[:3]
    (schema, _) = TABLES
    rows = [as_loaded(random_rows(SEED, schema, day, 1)[0]) for day in days]
    ours, theirs = (
        DbtProject(
            PROJECT,
            state_dir,
            "local",
            {"first_date": str(start), "last_date": str(end), "as_of": AS_OF.isoformat(), "run_id": f"of {start}"},
        )
        for start, end in ((first, second), (second, third))
    )
    latest, staged = f"{schema.table}_latest", f"stg_nba_analytics__{schema.table}"
    scenario = plain_scenario("turns", (first, third), AS_OF, {schema.name: rows})
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        ours.run(["run", "--select", f"+{latest}"])
        theirs.run(["run", "--select", f"+{latest}"])
        ours.run(["run", "--select", staged])
        theirs.run(["run", "--select", staged])
        ours.run(["run", "--select", latest])
        found = work.tables.query(f"select game_date, count(*) as n from `{work.dataset}.{latest}` group by game_date")
    assert {row["game_date"]: row["n"] for row in found} == dict.fromkeys(days, 1)
