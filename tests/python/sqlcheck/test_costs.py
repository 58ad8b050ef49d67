"""The bytes of statements: what they read through CTEs and views, what is billed for it, and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.api_core.exceptions import NotFound

from sqlcheck.catalog import Catalog, Table, table_of
from sqlcheck.checker import Checker
from sqlcheck.costs import facts
from sqlcheck.costs.billing import MB, Bill, Budgets, Rule, bill, billed, over_budget
from sqlcheck.costs.dry_run import DryRunError, dry_runs
from sqlcheck.costs.reads import Reads, StatementReads, TableRead
from sqlcheck.costs.sizes import Sizes, TableSize, UnknownTableError
from sqlcheck.costs.table import table
from sqlcheck.engine import Engine
from sqlcheck.partitions import NO_DAYS, Days

COLUMNS = {"day": "date", "id": "int64", "name": "string", "note": "string", "size": "numeric"}
TABLES = {"p.d.t": table_of(COLUMNS), "p.d.u": table_of(COLUMNS), "p.d.clocked": table_of({"since": "timestamp"})}
PARTITIONS = {"p.d.t": "day", "p.d.clocked": "since"}
WEEK = "day between date '1970-01-08' and date '1970-01-14'"
SEVEN = Days(7, 13)


@pytest.fixture(scope="module")
def checker(engine: Engine) -> Checker:
    return Checker(engine, Catalog(TABLES, default_project="p"))


def reads(checker: Checker, *statements: str) -> tuple[TableRead, ...]:
    """What the last statement reads; earlier ones may create views."""
    found = Reads(dict(PARTITIONS))
    before = checker.catalog
    for sql in statements:
        checked = checker.check(sql)
        assert checked.errors == []
        found.add(StatementReads("s", "model", ()), checked.trees)
        if "create view" in sql:
            checker.catalog = checker.catalog.with_table("p.d.v", Table(checked.columns or {}))
    checker.catalog = before
    return found.statements[-1].reads


def of(table_name: str, *columns: str, days: Days | None = None, is_written: bool = False) -> TableRead:
    return TableRead(f"p.d.{table_name}", columns, days, is_written)


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        (f"select name from d.t where {WEEK}", [of("t", "day", "name", days=SEVEN)]),
        (f"with q as (select * from d.t where {WEEK}) select name from q", [of("t", "day", "name", days=SEVEN)]),
        (
            "with q as (select *, concat(note, 'x') as noted from d.u) select noted, name from q where id > 1",
            [of("u", "id", "name", "note")],
        ),
        (
            "select q.day from (select day, max(name) as last from d.u group by day) as q",
            [of("u", "day")],
        ),
        ("select count(*) as n from d.u", [of("u")]),
        (
            "select a from (select name as a, note as b from d.u union all select note, name from d.u)",
            [of("u", "name"), of("u", "note")],
        ),
        (
            "select a from (select name as a, id as b from d.u union distinct select note, size from d.u)",
            [of("u", "id", "name"), of("u", "note", "size")],
        ),
        ("select u.name from d.u join d.u as o on u.id = o.size", [of("u", "id", "name"), of("u", "size")]),
        (
            "select name, (select max(o.size) from d.u as o where o.id = u.id) as most from d.u",
            [of("u", "id", "name"), of("u", "id", "size")],
        ),
        ("select name from d.t where day is null", [of("t", "day", "name", days=NO_DAYS)]),
        ("select name from d.t where day >= date '1970-01-08'", [of("t", "day", "name")]),
        ("select since from d.clocked where since >= timestamp '1970-01-02' and since < timestamp '1970-01-04'",
         [of("clocked", "since", days=Days(1, 2))]),
        ("select since from d.clocked where since >= timestamp '1970-01-02' and since <= timestamp '1970-01-04'",
         [of("clocked", "since", days=Days(1, 3))]),
        ("create table d.x as select name from d.u", [of("u", "name")]),
        ("create view d.x as select name from d.u", []),
        ("create table d.x (name string)", []),
        ("update d.u set name = 'x' where id = 1", [of("u", "id", "name", is_written=True)]),
        ("delete from d.t where day = date '1970-01-08'", [of("t", "day", days=Days(7, 7), is_written=True)]),
        ("insert into d.u (name) select note from d.t", [of("t", "note")]),
        (
            "merge d.t as o using (select * from d.u) as n on false "
            f"when not matched by source and o.{WEEK} then delete "
            "when not matched then insert (id) values (n.id)",
            [of("t", "day", days=SEVEN, is_written=True), of("u", "id")],
        ),
        (
            "merge d.t as o using d.u as n on o.id = n.id when not matched then insert (id) values (n.id)",
            [of("t", "id"), of("u", "id")],
        ),
    ],
)  # fmt: skip
def test_a_statement_reads_the_columns_and_partitions_that_its_result_needs(
    checker: Checker, sql: str, read: list[TableRead]
) -> None:
    assert sorted(reads(checker, sql), key=repr) == sorted(read, key=repr)


def test_a_view_is_read_for_the_columns_that_its_reader_needs(checker: Checker) -> None:
    view = f"create view p.d.v as select *, concat(note, 'x') as noted from d.t where {WEEK}"
    assert reads(checker, view) == ()
    assert reads(checker, view, "select name from d.v") == (of("t", "day", "name", days=SEVEN),)
    assert reads(checker, view, "with q as (select * from d.v) select noted from q") == (
        of("t", "day", "note", days=SEVEN),
    )


def test_dbts_two_steps_read_the_query_then_all_of_its_rows_and_of_the_partitions(checker: Checker) -> None:
    found = Reads(dict(PARTITIONS))
    checked = checker.check(
        f"merge d.t as o using (select * from d.u) as n on false when not matched by source and o.{WEEK} then delete "
        "when not matched then insert (id) values (n.id)"
    )
    found.add_in_two_steps(StatementReads("m", "model", (), "merge"), checked.trees[0])
    rows, merge = found.statements
    assert (rows.name, rows.sql, rows.reads) == ("m (rows)", "", (of("u", "id"),))
    assert (merge.name, merge.sql) == ("m (merge)", "merge")
    assert merge.reads == (of("t__dbt_tmp", is_written=True), of("t", "day", days=SEVEN, is_written=True))
    bytes_of = SIZES.of(merge.reads)
    assert sum(bytes_of["p.d.t__dbt_tmp"].values()) == 7 * 1000 * ROW
    assert sum(bytes_of["p.d.t"].values()) == 7 * 1000 * (ROW + 8), "all columns, and the condition's"


# A row: day, id, two texts of 12 and of 100 bytes with 2 bytes each, numeric.
ROW = 8 + 8 + 14 + 102 + 16
SIZES = Sizes(
    tables={"d.t": TableSize(1000, days=500), "d.u": TableSize(10), "d.fixed": TableSize(rows=5)},
    types={**dict.fromkeys(("p.d.t", "p.d.u", "p.d.fixed"), COLUMNS), "p.d.new": {"a": "int64"}},
    texts={"note": 100},
    text_default=12,
    checked_days=7,
)  # fmt: skip


@pytest.mark.parametrize(
    ("read", "size"),
    [
        (of("t", "day", "name", days=SEVEN), 7 * 1000 * (8 + 14)),
        (of("t", "note", days=Days(0, 0)), 1000 * 102),
        (of("t", "day"), 500 * 1000 * 8),
        (of("t", "day", days=Days(0, 10_000)), 500 * 1000 * 8),
        (of("t", "day", days=NO_DAYS), 0),
        (of("t", "day", days=Days(13, 12)), 7 * 1000 * 8),  # an empty range of a recorded statement
        (of("u", "size"), 7 * 10 * 16),
        (of("fixed", "id"), 5 * 8),
        (of("t"), 0),
    ],
)
def test_the_bytes_of_a_read(read: TableRead, size: int) -> None:
    assert sum(SIZES.of([read])[read.table].values()) == size


def test_a_column_counts_once_however_often_a_statement_names_it() -> None:
    twice = SIZES.of([of("t", "id", days=Days(0, 3)), of("t", "id", days=Days(2, 5)), of("t", "name", days=Days(0, 0))])
    assert twice == {"p.d.t": {"id": 6 * 1000 * 8, "name": 1000 * 14}}


def test_nested_types_have_the_bytes_of_their_parts() -> None:
    types = {"p.d.t": {"s": "struct<a int64, b struct<c string, d bool>>", "l": "array<date>"}}
    found = replace(SIZES, types=types).of([of("t", "s", "l", days=Days(0, 0))])
    assert found == {"p.d.t": {"s": 1000 * (8 + 14 + 1), "l": 1000 * 3 * 8}}


def test_a_table_without_statistics_is_named() -> None:
    with pytest.raises(UnknownTableError, match=r"d\.new has no statistics: add it to statistics\.yml"):
        SIZES.of([of("new", "a")])


@pytest.mark.parametrize(
    ("tables", "megabytes"),
    [([], 0), ([0], 10), ([1], 10), ([10 * MB], 10), ([10 * MB + 1], 11), ([0, 0, 0], 30), ([50 * MB, 1], 60)],
)
def test_each_table_is_billed_10_megabytes_at_least(tables: list[int], megabytes: int) -> None:
    assert billed(tables) == megabytes * MB


BUDGETS = Budgets(by_kind={"model": 20}, exceptions=(), runs=(), daily=1000 * MB, usd_per_tb=6.25)
GREEDY = StatementReads("greedy", "model", (of("t", "day", "name", "note", days=SEVEN), of("t", "note"), of("u", "id")))


def test_a_statement_over_budget_is_named_with_bytes_budget_table_and_column() -> None:
    found = bill(GREEDY, SIZES, BUDGETS)
    (text,) = over_budget([found], BUDGETS)
    assert text.startswith(
        "model greedy is billed 59 MB, its budget is 20 MB; it costs most to read d.t (49 MB, most of all its column "
        "note: 49 MB)"
    )
    small = StatementReads("small", "model", (of("t", "id", days=SEVEN), of("u", "id"), of("fixed", "id")))
    (text,) = over_budget([bill(small, SIZES, BUDGETS)], BUDGETS)
    assert "d.t (10 MB, the least for each table, and it refers to 3)" in text


def test_a_longer_history_costs_nothing_where_the_days_are_bounded() -> None:
    bounded = StatementReads("bounded", "model", (of("t", "note", days=SEVEN), of("u", "id")))
    many = SIZES.with_rows(1000)
    assert bill(bounded, many, BUDGETS) == bill(bounded, many.with_history(100), BUDGETS)
    assert bill(bounded, many, BUDGETS).billed > 600 * MB, "not the minimum"
    unbounded = StatementReads("unbounded", "model", (of("t", "note"),))
    assert bill(unbounded, SIZES.with_history(100), BUDGETS).billed > 90 * bill(unbounded, SIZES, BUDGETS).billed


def test_an_exception_and_the_number_of_runs_are_declared() -> None:
    exception = Rule("model", "gree*", 60, "why")
    rules = replace(BUDGETS, exceptions=(exception,), runs=(Rule("model", "greedy", 3, "why"),))
    found = bill(GREEDY, SIZES, rules)
    assert list(over_budget([found], rules)) == []
    assert (found.times, found.daily) == (3, 3 * 59 * MB)
    (text,) = over_budget([found], replace(rules, daily=100 * MB))
    assert text == "one daily check is billed 177 MB, its budget is 100 MB; model greedy costs most (177 MB)"


def test_a_needless_declaration_is_named() -> None:
    found = replace(bill(GREEDY, SIZES, BUDGETS), billed=10 * MB)
    (text,) = over_budget([found], replace(BUDGETS, exceptions=(Rule("model", "greedy", 60, "why"),)))
    assert "excepts model greedy, which keeps the budget of its kind" in text
    (text,) = over_budget([found], replace(BUDGETS, runs=(Rule("test", "gone", 0, "why"),)))
    assert "declares test gone, which is no statement" in text


def test_the_table_sums_a_daily_check_and_a_month() -> None:
    bills = [Bill("a", "model", 5 * MB, 20 * MB, 1), Bill("b", "suite", MB, 10 * MB, 2), Bill("c", "test", 0, 0, 1)]
    lines = [" ".join(line.split()) for line in table(bills, 6.25, with_all=True)]
    assert lines[1:3] == ["20 MB 5 MB 1 x model a", "10 MB 1 MB 2 x suite b"]
    assert lines[5:] == [
        "20 MB 5 MB 1 model",
        "20 MB 2 MB 2 suite",
        "0 MB 0 MB 0 test",
        "40 MB 7 MB 3 in all",
        "A month of daily checks is billed 1,200 MB: 0.01 USD on demand.",
    ]


def test_facts_are_kept_until_an_analysed_file_changes(tmp_path: Path) -> None:
    model = tmp_path / "models" / "m.sql"
    model.parent.mkdir()
    model.write_text("select 1")
    found = facts.Facts((replace(GREEDY, parameters=("rows",)),), {"p.d.t": COLUMNS})
    assert facts.kept(tmp_path) is None
    facts.keep(tmp_path, found)
    assert facts.kept(tmp_path) == found
    model.write_text("select 2")
    assert facts.kept(tmp_path) is None


class Client:
    """A double of bigquery.Client: the bytes and tables of each statement, or an error."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.configs: list[Any] = []

    def query(self, sql: str, job_config: Any) -> Any:
        self.configs.append(job_config)
        if isinstance(self.answers[sql], Exception):
            raise self.answers[sql]
        read, tables = self.answers[sql]
        named = [SimpleNamespace(dataset_id="d", table_id=name) for name in tables]
        return SimpleNamespace(total_bytes_processed=read, referenced_tables=named)


def test_on_bigquery_a_dry_run_says_what_a_statement_reads() -> None:
    """No test reaches BigQuery: this is a double."""
    missing = NotFound("Table d.gone was not found")  # type: ignore[no-untyped-call]
    client = Client({"large": (50 * MB + 1, ["t"]), "small": (5, ["t", "u", "w"]), "gone": missing})
    statements = [
        replace(GREEDY, name="large", sql="large", parameters=("rows",)),
        replace(GREEDY, name="small", sql="small"),
        replace(GREEDY, name="a first step", sql=""),
        replace(GREEDY, name="no table", sql="no table", reads=()),
        replace(GREEDY, name="gone", sql="gone"),
    ]
    large, small, gone = dry_runs(client, statements, BUDGETS)
    assert isinstance(large, Bill)
    assert isinstance(small, Bill)
    assert (large.processed, large.billed, large.most) == (50 * MB + 1, 51 * MB, "d.t")
    assert (small.processed, small.billed) == (5, 30 * MB)
    assert isinstance(gone, DryRunError)
    assert str(gone) == "model gone: Table d.gone was not found"
    assert all(one.dry_run and not one.use_query_cache for one in client.configs)
    assert [one.name for one in client.configs[0].query_parameters] == ["rows"]
