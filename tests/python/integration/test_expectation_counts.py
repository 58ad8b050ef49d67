"""Exact counts for each date and expectation, on a table made directly in the embedded warehouse: no dbt.

Found by planting 78 wrong rows on each of two dates: Great Expectations asks for 20 rows of all dates together, in no
order, and trueup split these by date. One date said 20 rows, the other passed.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpers.doubles import around
from helpers.replaying import Silent, sent_by
from helpers.support import PROJECT
from trueup.errors import UsageError, WarehouseError
from trueup.expectations.verdicts import Validator
from trueup.gateways.connection import embedded_connection
from trueup.gateways.embedded import PROJECT as CLOUD_PROJECT
from trueup.gateways.embedded import Endpoint
from trueup.gateways.expectations import GreatExpectations
from trueup.gateways.warehouse import Warehouse
from trueup.results.reference import load_reference
from trueup.results.verdict import Verdict
from trueup.runs.expectations import open_examiner
from trueup.runs.workplace import Workplace
from trueup.schemas import TableSchema
from trueup.settings import Settings
from trueup.window import Window

DATASET = "expectation_counts"
FIRST = date(2026, 1, 5)
DAYS = tuple(FIRST + timedelta(days=offset) for offset in range(5))
WINDOW = Window(DAYS[0], DAYS[-1], datetime(2026, 1, 11, tzinfo=UTC))
COLUMNS = {
    "game_date": "date",
    "game_id": "string",
    "row_number": "int64",
    "points": "int64",
    "share": "float64",
    "team": "string",
    "note": "string",
}
SCHEMA = TableSchema(DATASET, "players", COLUMNS, "game_date", True, False, {})
Row = dict[str, Any]
PLAYERS = f"`{CLOUD_PROJECT}.{DATASET}.players`"


COLUMN = "expect_column_values_to_"
UNIQUE = "expect_compound_columns_to_be_unique"


@dataclass(frozen=True)
class Rule:
    """One expectation of the test's suite, and what it means, in plain Python.

    ``wrong``: a value that is not as expected; ``is_wrong``: of a cell that is not NULL.
    """

    says: str
    kind: str
    column: str
    more: dict[str, Any]
    wrong: Any
    is_wrong: Callable[[Any], bool]

    def config(self) -> dict[str, Any]:
        kwargs = {"column": self.column, **self.more}
        return {"type": COLUMN + self.kind, "kwargs": kwargs, "severity": "critical", "description": self.says}


RULES = (
    Rule("Points are few", "be_between", "points", {"min_value": -9, "max_value": 60}, 61, lambda v: not -9 <= v <= 60),
    Rule("Points are not negative", "be_between", "points", {"min_value": 0}, -1, lambda v: v < 0),
    Rule("A share is at most 1", "be_between", "share", {"max_value": 1}, 1.5, lambda v: not v <= 1),
    Rule("team is known", "be_in_set", "team", {"value_set": ["BOS", "NYK"]}, "LAX", lambda v: v == "LAX"),
    Rule("note is a word", "match_regex", "note", {"regex": r"^[a-z]+\z"}, "7 \"'\\", lambda v: not v.isalpha()),
)
NOTED = Rule("note is there", "not_be_null", "note", {}, None, lambda v: v is None)
NAMED = {
    "type": UNIQUE,
    "kwargs": {"column_list": ["game_date", "game_id", "row_number"], "ignore_row_if": "any_value_is_missing"},
    "severity": "critical",
    "description": "game_date, game_id, row_number name one row",
}
SAYS_NAMED = str(NAMED["description"])
RIGHT: Row = {"points": 20, "share": 0.5, "team": "BOS", "note": "fine"}
RAW: dict[str, Any] = {
    "name": "players",
    "meta": {"rule": "EXP002", "table": "players", "keys": ["game_id", "row_number"]},
    "expectations": [*(one.config() for one in (*RULES, NOTED)), NAMED],
}


@pytest.fixture(scope="module")
def warehouse(endpoint: Endpoint) -> Iterator[Warehouse]:
    with Warehouse(embedded_connection(endpoint, DATASET, CLOUD_PROJECT)) as opened:
        opened.client.create_dataset(f"{CLOUD_PROJECT}.{DATASET}", exists_ok=True)
        yield opened
        opened.drop_dataset(DATASET)


def fill(warehouse: Warehouse, rows: Sequence[Row]) -> None:
    warehouse.query(f"drop table if exists {PLAYERS}")
    warehouse.create_table(SCHEMA, DATASET)
    warehouse.load(DATASET, "players", rows)


def workplace(warehouse: Warehouse, folder: Path, *suites: Mapping[str, Any]) -> Workplace:
    (folder / "expectations").mkdir(exist_ok=True)
    for raw in suites:
        (folder / "expectations" / f"{raw['name']}.json").write_text(json.dumps(raw), encoding="utf-8")

    def validator() -> Validator:
        return GreatExpectations(warehouse, folder / "data_docs", WINDOW.as_of)

    nothing = cast(Any, None)
    return Workplace(
        settings=Settings(folder, folder, "local", WINDOW, None),
        project=CLOUD_PROJECT,
        dataset=DATASET,
        dbt=nothing,
        tables=warehouse,
        schemas={},
        reference=load_reference(PROJECT / "seeds"),
        completions=nothing,
        repair_stores=nothing,
        validator=validator,
        listener=Silent(),
    )


@pytest.fixture
def work(warehouse: Warehouse, tmp_path: Path) -> Workplace:
    return workplace(warehouse, tmp_path, RAW)


def judged(work: Workplace, **more: Any) -> dict[date, Verdict]:
    return {one.game_date: one for one in open_examiner(work).examine_data(**more).verdicts}


def rows_of(day: date, count: int, **cells: Any) -> list[Row]:
    key = {"game_date": day.isoformat(), "game_id": f"{day:%Y%m%d}_BOS_NYK"}
    return [{**key, "row_number": number, **RIGHT, **cells} for number in range(count)]


def counts(verdict: Verdict) -> dict[str, tuple[int, int]]:
    """Of each expectation that failed, how many rows are not as expected, and how many were examined."""
    failed = verdict.detail.get("failed_expectations", [])
    return {one["expectation"]: (one["unexpected_count"], one["examined_count"]) for one in failed}


def some_rows(chance: random.Random) -> list[Row]:
    """Days with none to 250 rows, of which up to 200 are not as an expectation says, and up to 200 are NULL there."""
    rows: list[Row] = []
    for day in DAYS:
        of_day = rows_of(day, chance.choice([0, 1, chance.randint(2, 250), 250]))
        for rule in (*RULES, NOTED):
            for value in (rule.wrong, None):
                for row in chance.sample(of_day, min(len(of_day), chance.choice([0, 0, 1, chance.randint(0, 200)]))):
                    row[rule.column] = value
        for row in chance.sample(of_day, min(len(of_day), chance.choice([0, 0, chance.randint(0, 40)]))):
            row["row_number"] = chance.choice([None, 1, 2])
        rows += of_day
    chance.shuffle(rows)
    return rows


def faults_of(row: Row, shared: Counter[tuple[Any, ...]]) -> set[str]:
    """The oracle: what is wrong with one row."""
    found = {one.says for one in RULES if row[one.column] is not None and one.is_wrong(row[one.column])}
    found |= {NOTED.says} if row["note"] is None else set()
    return found | ({SAYS_NAMED} if shared[key_of(row)] > 1 else set())


def key_of(row: Row) -> tuple[Any, ...]:
    return (str(row["game_date"]), row["game_id"], row["row_number"])


def examined_count(says: str, rows: Sequence[Row]) -> int:
    if says == NOTED.says:
        return len(rows)
    column = "row_number" if says == SAYS_NAMED else next(one.column for one in RULES if one.says == says)
    return sum(row[column] is not None for row in rows)


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_exact_for_each_date_and_expectation(warehouse: Warehouse, work: Workplace, seed: int) -> None:
    chance = random.Random(seed)
    rows = some_rows(chance)
    fill(warehouse, rows)
    verdicts = judged(work)
    shared = Counter(key_of(row) for row in rows if row["row_number"] is not None)
    for day, verdict in verdicts.items():
        of_day = [row for row in rows if row["game_date"] == day.isoformat()]
        faults = [faults_of(row, shared) for row in of_day]
        totals = Counter(says for found in faults for says in found)
        assert counts(verdict) == {says: (count, examined_count(says, of_day)) for says, count in totals.items()}
        wrong = sum(map(bool, faults))
        assert verdict.outcome == ("failed" if wrong else "passed" if of_day else "not_run")
        assert (verdict.observed or 0, verdict.is_blocking) == (wrong, False)
        for told in verdict.detail.get("failed_expectations", []):
            assert len(told["examples"]) == min(5, told["unexpected_count"])
            assert all(shows(told["expectation"], example) for example in told["examples"])
    failed = [one for one in verdicts.values() if one.outcome == "failed"]
    if failed:
        verdict = chance.choice(failed)
        assert len(warehouse.query(verdict.query)) == verdict.observed


def shows(says: str, example: Row) -> bool:
    """Whether an example is of a row that is not as expected."""
    if says == SAYS_NAMED:
        return bool(example["rows_per_game_date_game_id_row_number"] > 1)
    rule = next(one for one in (*RULES, NOTED) if one.says == says)
    return rule.is_wrong(example[rule.column]) if rule is NOTED else bool(rule.is_wrong(example[rule.column]))


def test_78_wrong_rows_on_each_of_two_dates_are_78_on_each(warehouse: Warehouse, work: Workplace) -> None:
    wrong = [row for day in DAYS[:2] for row in rows_of(day, 78, points=-1)]
    fill(warehouse, [*wrong, *rows_of(DAYS[2], 78)])
    verdicts = judged(work)
    assert [verdicts[day].outcome for day in DAYS] == ["failed", "failed", "passed", "not_run", "not_run"]
    assert [counts(verdicts[day]) for day in DAYS[:2]] == [{"Points are not negative": (78, 78)}] * 2


def test_a_number_that_is_none_is_not_as_expected(warehouse: Warehouse, work: Workplace) -> None:
    fill(warehouse, rows_of(FIRST, 9))
    for number, value in enumerate(("nan", "inf", "-inf")):
        where = f"game_date = date '{FIRST}' and row_number = {number}"
        warehouse.query(f"update {PLAYERS} set share = cast('{value}' as float64) where {where}")
    verdict = judged(work)[FIRST]
    assert (verdict.outcome, counts(verdict)) == ("failed", {"A share is at most 1": (3, 9)})
    examples = verdict.detail["failed_expectations"][0]["examples"]
    assert [one["share"] for one in examples] == ["nan", "inf", "-inf"]


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        pytest.param("update {} set points = -1 where {} and row_number = 7", "finds 3 rows", id="a wrong row more"),
        pytest.param("update {} set points = 1 where {} and row_number = 1", "finds 1 rows", id="a wrong row less"),
        pytest.param("update {} set points = 1 where {}", "finds 0 rows", id="none any more"),
        pytest.param("delete from {} where {} and row_number = 9", "9 of 10 rows", id="a row less"),
    ],
)
def test_where_great_expectations_sees_other_rows_than_were_counted_nothing_is_said(
    warehouse: Warehouse, work: Workplace, change: str, fact: str
) -> None:
    fill(warehouse, rows_of(FIRST, 10))
    day = f"game_date = date '{FIRST}'"
    warehouse.query(f"update {PLAYERS} set points = -1 where {day} and row_number < 2")

    def move(_: str, sql: str, *more: object) -> None:
        if "count(*) as row_count" in sql:
            warehouse.query(change.format(PLAYERS, day))

    verdict = judged(replace(work, tables=around(warehouse, after=move)))[FIRST]
    assert (verdict.outcome, verdict.is_blocking) == ("not_run", True)
    assert fact in verdict.reason


def test_a_suite_that_is_met_takes_three_statements_and_no_row(warehouse: Warehouse, work: Workplace) -> None:
    fill(warehouse, rows_of(FIRST, 10))
    sent = [text for text, _ in sent_by(warehouse, lambda: judged(work))]
    assert len(sent) == 3
    assert not [one for one in sent if one.startswith(("select game_date, game_id", "SELECT `"))]
    fill(warehouse, rows_of(FIRST, 10, points=-1))
    sent = [text for text, _ in sent_by(warehouse, lambda: judged(work))]
    # The examples; and Great Expectations again, with the values and the keys, for its pages.
    assert len(sent) == 3 + 1 + 2 + 2, [text[:200] for text, _ in sent_by(warehouse, lambda: judged(work))]


COUNTED = {**RAW, "meta": {**RAW["meta"], "counted_games_only": True}}


def name_uncounted(warehouse: Warehouse, *names: tuple[date, str | None]) -> None:
    table = f"`{CLOUD_PROJECT}.{DATASET}.uncounted_games`"
    warehouse.query(f"drop table if exists {table}")
    warehouse.query(f"create table {table} (game_date date, game_id string) partition by game_date")
    for day, name in names:
        game = "null" if name is None else f"'{name}'"
        warehouse.query(f"insert into {table} (game_date, game_id) values (date '{day}', {game})")


@pytest.mark.parametrize("game_id", ["20260105_BOS_NYK", None])
def test_rows_of_games_that_do_not_count_are_no_fault(
    warehouse: Warehouse, tmp_path: Path, game_id: str | None
) -> None:
    uncounted = rows_of(FIRST, 6, points=-1)
    others = [
        *rows_of(FIRST, 3, points=-1, game_id="20260105_LAX_NYK"),
        *rows_of(FIRST, 2, points=-1, game_id=None),
        *rows_of(DAYS[1], 4, points=-1, game_id="20260105_BOS_NYK"),
    ]
    fill(warehouse, [*uncounted, *others, *rows_of(DAYS[2], 1, game_id="20260107_BOS_NYK")])
    name_uncounted(warehouse, (FIRST, game_id), (DAYS[2], "20260107_BOS_NYK"), (date(2025, 1, 1), "20260105_LAX_NYK"))
    verdicts = judged(workplace(warehouse, tmp_path, COUNTED))
    count = 5 if game_id else 11
    assert counts(verdicts[FIRST]) == {"Points are not negative": (count, count)}
    assert len(warehouse.query(verdicts[FIRST].query)) == count
    # Another date's row is no row of that game, and a day of nothing but such games has nothing to examine.
    assert counts(verdicts[DAYS[1]]) == {"Points are not negative": (4, 4)}
    assert (verdicts[DAYS[2]].outcome, verdicts[DAYS[2]].is_blocking) == ("not_run", False)


def test_where_every_game_counts_no_statement_leaves_any_out(warehouse: Warehouse, tmp_path: Path) -> None:
    fill(warehouse, rows_of(FIRST, 6))
    name_uncounted(warehouse, (date(2025, 1, 1), "20250101_BOS_NYK"))
    sent = sent_by(warehouse, lambda: judged(workplace(warehouse, tmp_path, COUNTED)))
    assert len(sent) == 3
    assert sum("uncounted_games" in text for text, _ in sent) == 1


@pytest.mark.parametrize("unbuilt", ["players", "uncounted_games"])
def test_a_suite_that_reads_what_was_not_built_blocks(warehouse: Warehouse, tmp_path: Path, unbuilt: str) -> None:
    fill(warehouse, rows_of(FIRST, 6))
    name_uncounted(warehouse)
    verdict = judged(workplace(warehouse, tmp_path, COUNTED), unbuilt=frozenset({unbuilt}))[FIRST]
    assert (verdict.outcome, verdict.is_blocking) == ("not_run", True)
    assert verdict.reason == f"the model {unbuilt} was not built"


def blocked(verdicts: Mapping[date, Verdict]) -> list[date]:
    assert all(one.outcome == "not_run" for one in verdicts.values() if one.is_blocking)
    return [day for day, one in verdicts.items() if one.is_blocking]


def test_a_table_that_must_have_rows_on_each_date_could_not_be_checked_without(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    fill(warehouse, rows_of(FIRST, 2))
    work = workplace(warehouse, tmp_path, {**RAW, "meta": {**RAW["meta"], "needs_rows_each_date": True}})
    verdicts = judged(work)
    assert verdicts[FIRST].outcome == "passed"
    assert blocked(verdicts) == list(DAYS[1:])
    # What a command does not write it does not miss.
    assert blocked(judged(work, unwritten=frozenset({"players"}))) == []


def test_a_table_can_need_rows_where_another_has_them(warehouse: Warehouse, tmp_path: Path) -> None:
    fill(warehouse, rows_of(FIRST, 2))
    outcomes = f"`{CLOUD_PROJECT}.{DATASET}.outcomes`"
    warehouse.query(f"create or replace table {outcomes} as select date '{DAYS[1]}' as game_date, 'failed' as outcome")
    warehouse.query(f"insert into {outcomes} (game_date, outcome) values (date '{DAYS[2]}', 'passed')")
    needs = {"table": "outcomes", "condition": "outcome = 'failed'"}
    work = workplace(warehouse, tmp_path, {**RAW, "meta": {**RAW["meta"], "needs_rows_where": needs}})
    assert blocked(judged(work)) == [DAYS[1]]


def test_a_table_that_is_not_there_blocks_and_another_is_examined(warehouse: Warehouse, tmp_path: Path) -> None:
    fill(warehouse, rows_of(FIRST, 2))
    lost = {**RAW, "name": "lost", "meta": {**RAW["meta"], "table": "lost"}}
    verdicts = open_examiner(workplace(warehouse, tmp_path, RAW, lost)).examine_data().verdicts
    assert {(one.subject, one.outcome, one.is_blocking) for one in verdicts if one.game_date == FIRST} == {
        ("players", "passed", False),
        ("lost", "not_run", True),
    }


def test_great_expectations_that_cannot_be_set_up_blocks(warehouse: Warehouse, work: Workplace) -> None:
    fill(warehouse, rows_of(FIRST, 2))

    def broken() -> Validator:
        raise WarehouseError("no usable credentials")

    verdict = judged(replace(work, validator=broken))[FIRST]
    assert (verdict.outcome, verdict.is_blocking, verdict.reason) == ("not_run", True, "no usable credentials")


def test_great_expectations_is_opened_once_and_not_where_no_suite_is_run(warehouse: Warehouse, work: Workplace) -> None:
    fill(warehouse, rows_of(FIRST, 2))
    opened = []

    def counted() -> Validator:
        opened.append(1)
        return work.validator()

    counting = replace(work, validator=counted)
    left_out = open_examiner(counting, "it is not asked for")
    left_out.prepare()
    assert {(one.outcome, one.is_blocking) for one in left_out.examine_data().verdicts} == {("not_run", False)}
    assert opened == []
    examiner = open_examiner(counting)
    examiner.prepare()
    assert examiner.examine_data().verdicts[0].outcome == "passed"
    examiner.examine_report()
    assert examiner.publish() == ()
    assert opened == [1]


def test_a_declared_suite_that_is_gone_stops_the_check(work: Workplace, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    declared = "models: [{name: players, config: {meta: {suite: EXP002}}}]"
    (tmp_path / "models" / "players.yml").write_text(declared, encoding="utf-8")
    open_examiner(work)
    (tmp_path / "models" / "teams.yml").write_text(declared.replace("players", "teams"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"teams .* EXP002"):
        open_examiner(work)


@pytest.mark.parametrize(
    ("meta", "expectation", "said"),
    [
        ({"rule": "EXP999"}, {}, "unknown rule EXP999"),
        ({}, {"kwargs": {"column": "team", "value_set": {"$PARAMETER": "codes"}}}, "unknown parameter codes"),
    ],
)
def test_a_suite_that_asks_for_what_there_is_not_is_named(
    warehouse: Warehouse, tmp_path: Path, meta: Row, expectation: Row, said: str
) -> None:
    known = {"type": f"{COLUMN}be_in_set", "kwargs": {"column": "team", "value_set": ["BOS"]}}
    one = {**known, "severity": "critical", "description": "x", **expectation}
    raw = {**RAW, "meta": {**RAW["meta"], **meta}, "expectations": [one]}
    with pytest.raises(UsageError, match=said):
        open_examiner(workplace(warehouse, tmp_path, raw))
