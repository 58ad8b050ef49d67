"""Aggregates whose result grows with their input are found, and those that a limit or one value bounds are not."""

from __future__ import annotations

import pytest

from sqlcheck.catalog import Catalog, table_of
from sqlcheck.checker import Checker
from sqlcheck.engine import Engine
from sqlcheck.growth import ARRAY_SUBQUERY, Bounded, Growth, growing

ROWS = table_of({"day": "date", "name": "string", "names": "array<string>"})


@pytest.fixture(scope="module")
def rows(engine: Engine) -> Checker:
    return Checker(engine, Catalog({"p.d.t": ROWS}, default_project="p"))


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select string_agg(name, '' order by name) as x from d.t", {"string_agg": 1}),
        ("select day, to_hex(sha256(string_agg(name))) as x from d.t group by day", {"string_agg": 1}),
        ("select array_agg(distinct name) as x from d.t", {"array_agg": 1}),
        ("with q as (select * from d.t) select array_concat_agg(names) as x from q", {"array_concat_agg": 1}),
        ("select array_agg(t) as x, string_agg(name) as y from d.t as t", {"array_agg": 1, "string_agg": 1}),
        ("select string_agg(name) over (partition by day) as x from d.t", {"string_agg": 1}),
        ("select array(select name from d.t) as x", {ARRAY_SUBQUERY: 1}),
        ("select a from (select string_agg(name) as a from d.t) group by a", {"string_agg": 1}),
        ("create view d.v as select string_agg(name) as x from d.t", {"string_agg": 1}),
        # Bounded by a limit, by the size of the result's type, or by the size of one value.
        ("select string_agg(name, '' order by name limit 5) as x from d.t", {}),
        ("select array_agg(name ignore nulls order by day limit 1)[offset(0)] as x from d.t", {}),
        ("select array(select name from d.t limit 5) as x", {}),
        ("select max(name) as x, count(distinct name) as y, approx_top_count(name, 3) as z from d.t", {}),
        ("select (select string_agg(one) from unnest(t.names) as one) as x from d.t as t", {}),
        ("select array(select upper(one) from unnest(t.names) as one) as x from d.t as t", {}),
        ("select name from d.t where name in (select name from d.t) and exists (select 1 from d.t)", {}),
    ],
)  # fmt: skip
def test_a_growing_aggregate_is_distinguished_from_a_bounded_one(
    rows: Checker, sql: str, found: dict[str, int]
) -> None:
    checked = rows.check(sql)
    assert checked.errors == []
    assert dict(growing(checked.trees)) == found


def test_a_declaration_covers_only_its_number_of_one_function_in_its_statement(rows: Checker) -> None:
    trees = rows.check("select string_agg(name) as x, string_agg(name, ';') as y from d.t").trees

    def faults(name: str, *declared: Bounded) -> list[str]:
        return [function for function, _ in Growth(declared).faults(name, trees)]

    assert faults("m") == ["string_agg"]
    assert faults("m", Bounded("m", "string_agg", 2, "a roster")) == []
    assert faults("m", Bounded("m", "string_agg", 1, "a roster")) == ["string_agg"]
    assert faults("m", Bounded("m", "array_agg", 2, "a roster")) == ["string_agg"]
    assert faults("other", Bounded("m", "string_agg", 2, "a roster")) == ["string_agg"]


def test_a_declaration_that_nothing_needs_is_reported(rows: Checker) -> None:
    needed, needless = Bounded("m", "string_agg", 1, "a roster"), Bounded("m", "array_agg", 1, "a roster")
    growth = Growth([needed, needless])
    assert list(growth.faults("m", rows.check("select string_agg(name) as x from d.t").trees)) == []
    (text,) = growth.unused
    assert "array_agg of m, which no statement has" in text
