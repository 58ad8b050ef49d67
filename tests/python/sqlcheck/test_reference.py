"""The reference runs a query or gives the reason why not; no query ends the tool."""

from __future__ import annotations

import os
import signal
from decimal import Decimal

import pytest

from sqlcheck.differential_rows import Table
from sqlcheck.reference import Reference, ReferenceFailedError

ROWS = Table({"n": "int64", "at": "timestamp"}, [{"n": 1, "at": None}, {"n": 2, "at": None}])
ENDLESS = "select count(*) as n from unnest(generate_array(1, 3000)) a, unnest(generate_array(1, 3000)) b" + (
    ", unnest(generate_array(1, 3000)) c"
)


@pytest.mark.parametrize(
    "sql",
    [
        "select sum(n) as n from `my-p`.`d`.`t`",
        "select sum(n) as n from `my-p.d.t`",
        "select sum(t.n) as n from `my-p`.`d`.`t`",
        "select sum(one.n) as n from `my-p`.`d`.`t` as one",
        "with t as (select n from `my-p`.d.t) select sum(t.n) as n from t",
        "select (select sum(n) from `my-p`.`d`.`t`) as n",
        "/* naïve 🏀 */ select 0 + max(one.n) + min(two.n) as n from `my-p`.d.t as one cross join `my-p.d.t` as two",
        "select any_value(n) + 1 as n from `my-p`.d.t where n in (select n from `my-p`.d.t where n = 2)",
    ],
)
def test_tables_are_found_however_they_are_named(reference: Reference, sql: str) -> None:
    assert reference.query(sql, {"my-p.d.t": ROWS}).rows == [{"n": 3}]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("cast(2.5 as int64)", 3),
        ("cast(-2.5 as int64)", -3),
        ("cast(numeric '12.50' as string)", "12.5"),
        ("cast(0.0 as string)", "0"),
        ("to_json_string(struct(timestamp '2026-02-04 13:00:00+00' as t))", '{"t":"2026-02-04T13:00:00Z"}'),
        ("string(timestamp(datetime '2026-03-08 03:30:00', 'America/New_York'), 'UTC')", "2026-03-08 07:30:00+00"),
        ("string(timestamp(datetime '2026-11-01 01:30:00', 'America/New_York'), 'UTC')", "2026-11-01 05:30:00+00"),
        ("round(numeric '2.5')", Decimal(3)),
        ("date_diff(date '2026-03-01', date '2026-02-27', day)", 2),
    ],
)
def test_it_computes_as_bigquery_documents(reference: Reference, expression: str, value: object) -> None:
    assert reference.query(f"select {expression} as x", {}).rows == [{"x": value}]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select approx_count_distinct(n) as n from `p`.d.t", "APPROX_COUNT_DISTINCT"),
        ("select nothing from `p`.d.t", "nothing"),
        ("select 1 from `p`.d.other", "other"),
        ("select from", "Syntax error"),
        ("select 1 / 0 as n", "division by zero"),
        ("select n from `p`.d.t qualify", "Syntax error"),
    ],
)
def test_a_query_that_it_cannot_run_has_a_reason(reference: Reference, sql: str, said: str) -> None:
    before = reference.process_id
    with pytest.raises(ReferenceFailedError, match=f"(?i){said}"):
        reference.query(sql, {"p.d.t": ROWS})
    assert reference.query("select 1 as n", {}).rows == [{"n": 1}]
    assert reference.process_id == before


def test_a_value_that_does_not_fit_its_type_is_reported_with_its_column(reference: Reference) -> None:
    with pytest.raises(ReferenceFailedError, match="column n: 'x'"):
        reference.query("select 1 as n from `p`.d.t", {"p.d.t": Table({"n": "int64"}, [{"n": "x"}])})


def test_an_endless_query_times_out_and_the_next_one_runs() -> None:
    with Reference() as reference:
        assert reference.query("select 1 as n", {}).rows == [{"n": 1}]
        first = reference.process_id
        with pytest.raises(ReferenceFailedError, match=r"no answer within 0\.5 s"):
            reference.query(ENDLESS, {}, seconds=0.5)
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        assert reference.query("select 2 as n", {}).rows == [{"n": 2}]


def test_a_process_that_dies_is_a_reason_and_the_next_query_gets_a_new_one() -> None:
    with Reference() as reference:
        assert reference.query("select 1 as n", {}).rows == [{"n": 1}]
        os.kill(reference.process_id, signal.SIGKILL)
        with pytest.raises(ReferenceFailedError, match=r"ended \(exit code -9\)"):
            reference.query("select 1 as n", {})
        assert reference.query("select 2 as n", {}).rows == [{"n": 2}]
