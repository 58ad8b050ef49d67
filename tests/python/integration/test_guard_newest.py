"""keep_newest and the SQL keep the same rows: random groups on the embedded warehouse, by the project's own macros.

By hand, with more groups: TRUEUP_GROUPS=100000.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import jinja2
import pytest
from google.api_core.client_options import ClientOptions
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from helpers.support import PROJECT
from trueup.errors import UsageError
from trueup.gateways.embedded import PROJECT as EMBEDDED
from trueup.gateways.embedded import Endpoint
from trueup.gateways.replaced_day import DayTable
from trueup.guard import keep_newest
from trueup.guard.days import encoded
from trueup.guard.newest import ORDER, row_hash

GROUPS = int(os.environ.get("TRUEUP_GROUPS", "400"))
# One column of each type that an analytics table has.
COLUMNS = {
    "row_number": "int64",
    "game_date": "date",
    "player": "string",
    "number": "int64",
    "written_at": "timestamp",
    "minutes": "numeric",
    "share": "float64",
    "is_active": "bool",
    "tags": "array<string>",
    "counts": "array<int64>",
    "note": "string",
}
# The order must not depend on the column that tells the rows apart.
HASHED = {name: kind for name, kind in COLUMNS.items() if name != "row_number"}
KEY = ("game_date", "player", "number")
AT = datetime(2026, 2, 3, 20, 0, 6, 1, tzinfo=UTC)


def macros() -> Any:
    """The macros of the project that need no dbt."""
    names = ("portable", "row_hash", "newest_first")
    text = "".join((PROJECT / "macros" / f"{name}.sql").read_text(encoding="utf-8") for name in names)
    return jinja2.Environment().from_string(text).module


def order_of(written_at: str) -> str:
    made = macros()
    return str(made.newest_first(written_at, made.row_hash("t", HASHED)))


def random_groups(chance: random.Random, groups: int) -> list[dict[str, Any]]:
    """Groups of one to five rows: equal rows, ties, NULLs in the key, in the order and in values, and mixed types."""
    rows: list[dict[str, Any]] = []
    for group in range(groups):
        key = {"game_date": date(2026, 2, 3), "player": chance.choice(["a", "é", "😀"]), "number": group}
        if chance.random() < 0.05:
            key[chance.choice(KEY)] = None
        first = {**key, **values(chance)}
        found = [first]
        for _ in range(chance.randrange(5)):
            changed = chance.choice(["", "written_at", *list(HASHED)[3:]])
            found.append({**chance.choice(found), **({changed: values(chance)[changed]} if changed else {})})
        rows += found
    chance.shuffle(rows)
    return [{"row_number": number, **row} for number, row in enumerate(rows)]


def values(chance: random.Random) -> dict[str, Any]:
    pick = chance.choice
    moment: Any = pick([AT, AT, AT + timedelta(microseconds=1), AT - timedelta(days=1), None])
    return {
        "written_at": pick([moment, moment and moment.isoformat()]),
        "minutes": pick([Decimal("12.50"), 12, "12.5", 0, Decimal("-0.000000001"), None]),
        "share": pick([0.1, 1, 1.0, -2.5e-7, 1e20, 1 / 3, None]),
        "is_active": pick([True, False, None]),
        "tags": pick([[], None, ["x"], ["x", 'a "b"'], ["é\n"]]),
        "counts": pick([[], [1], [2**53, -1]]),
        "note": pick(["", 'naïve "quote"', "back\\slash/", "tab\tline\n", "1", None]),
    }


@pytest.fixture(scope="module")
def client(endpoint: Endpoint) -> Any:
    credentials = Credentials(token=endpoint.token)  # type: ignore[no-untyped-call, unused-ignore]
    options = ClientOptions(api_endpoint=endpoint.url)  # type: ignore[no-untyped-call, unused-ignore]
    made = bigquery.Client(project=EMBEDDED, credentials=credentials, client_options=options)
    made.create_dataset("newest", exists_ok=True)
    yield made
    made.delete_dataset("newest", delete_contents=True)


def survivors_of_sql(client: bigquery.Client, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    client.query(f"create or replace table newest.given ({columns})").result()
    loaded = DayTable(client, "newest.given").load([encoded(row) for row in rows])
    keyless = " or ".join(f"{name} is null" for name in KEY)
    ranked = f"row_number() over (partition by {', '.join(KEY)} order by {order_of('t.written_at')}, row_number) = 1"
    query = f"select row_number from `{loaded}` as t where true qualify {ranked} or {keyless}"
    return sorted(row["row_number"] for row in client.query(query).result())


def test_sql_and_python_keep_the_same_rows(client: bigquery.Client) -> None:
    rows = random_groups(random.Random(f"newest {GROUPS}"), GROUPS)
    plain = [{name: value for name, value in row.items() if name in HASHED} for row in rows]
    numbered = dict(zip(map(id, plain), (row["row_number"] for row in rows), strict=True))
    kept = keep_newest(plain, key=KEY, newest_by="written_at", columns=HASHED)
    assert sorted(numbered[id(row)] for row in kept) == survivors_of_sql(client, rows)
    assert 0 < len(kept) < len(rows)


def test_the_order_is_the_one_of_the_macro() -> None:
    text = (PROJECT / "macros/newest_first.sql").read_text(encoding="utf-8")
    (body,) = re.findall(r"\{% macro newest_first\(written_at, hash\) -%\}\n(.*)\n\{%- endmacro %\}", text)
    assert body.replace("{{ ", "{").replace(" }}", "}") == ORDER, "correct ORDER in src/trueup/guard/newest.py"


def test_the_survivors_do_not_depend_on_the_order_of_the_rows() -> None:
    chance = random.Random(3)
    rows = [{name: row[name] for name in HASHED} for row in random_groups(chance, 60)]
    hashes = []
    for _ in range(3):
        chance.shuffle(rows)
        kept = keep_newest(rows, key=KEY, newest_by="written_at", columns=HASHED)
        hashes.append(sorted(row_hash(row, HASHED) for row in kept))
    assert hashes[0] == hashes[1] == hashes[2]


def test_the_newest_survives_not_the_first_and_null_is_oldest_without_declared_columns() -> None:
    rows: list[dict[str, Any]] = [
        {"player": "a", "at": None, "points": 1},
        {"player": "a", "at": AT, "points": 2},
        {"player": "a", "at": AT + timedelta(seconds=18), "points": 3},
        {"player": "b", "at": None, "points": 4},
        {"player": None, "at": AT, "points": 5},
        {"player": None, "at": AT, "points": 5},
    ]
    assert [row["points"] for row in keep_newest(rows, key=("player",), newest_by="at")] == [3, 4, 5, 5]
    assert keep_newest([], key=("player",), newest_by="at") == []


@pytest.mark.parametrize(
    ("row", "more", "said"),
    [
        ({"at": datetime(2026, 2, 3)}, {}, "no timestamp"),
        ({"at": 5}, {}, "Row 2 has at 5"),
        ({"points": "three"}, {}, "no int64"),
        ({"points": True}, {}, "no int64"),
        ({}, {"key": "player"}, "as a tuple"),
        ({}, {"key": ("goals",)}, "no column goals"),
        ({}, {"newest_by": "is_active"}, "no order"),
        ({"points": object()}, {"rows": 1}, "object"),
        ({}, {"columns": {"player": "geography"}}, "geography"),
        ({}, {"columns": {"player": "string", "at": "timestamp"}}, "not in columns"),
        ({}, {"columns": {"player": None}}, "columns is"),
        ({}, {"columns": 5}, "columns is"),
        ({}, {"key": 5}, "key is 5"),
        ({}, {"key": ([],)}, "key is"),
        ({}, {"newest_by": []}, "newest_by is"),
        ({"points": 2**70}, {}, "no int64"),
        ({"player": "\ud800"}, {}, "no string"),
        ({5: 1}, {}, "column 5"),
        ({"points": [[]]}, {"rows": 1}, "list"),
        ({"at": "yesterday"}, {"rows": 1}, "columns"),
        ({"at": "10"}, {"rows": 1}, "columns"),
        ({"at": "2026-02-04T20:00:00"}, {"rows": 1}, "columns"),
    ],
)
def test_a_wrong_value_or_argument_is_named(row: dict[str, Any], more: dict[str, Any], said: str) -> None:
    good = {"player": "a", "at": AT, "points": 1, "is_active": True}
    rows = [{**good, **row}] if more.pop("rows", 2) == 1 else [good, {**good, **row}]
    with pytest.raises(UsageError) as raised:
        keep_newest(rows, **{"key": ("player",), "newest_by": "at", **more})
    assert said in raised.value.text


@pytest.mark.parametrize("rows", [None, 5, [()], [None], ["a"], {"player": "a"}])
def test_what_is_no_row_is_named(rows: Any) -> None:
    with pytest.raises(UsageError):
        keep_newest(rows, key=("player",), newest_by="at")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2026-02-04T20:00:00Z", "2026-02-04T20:00:00.500Z"),
        ("2026-02-04T20:00:00+00:00", "2026-02-04T15:30:00-05:00"),
    ],
)
def test_texts_of_moments_are_compared_as_moments_without_declared_columns(older: str, newer: str) -> None:
    rows = [{"player": "a", "at": one} for one in (None, newer, older)]
    assert keep_newest(rows, key=("player",), newest_by="at") == [rows[1]]
    as_texts = {"player": "string", "at": "string"}
    assert keep_newest(rows, key=("player",), newest_by="at", columns=as_texts) == [rows[2]]
