"""The hash that breaks ties is the same in Python as in Google's own implementation of the SQL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jinja2
import pytest

from helpers.support import PROJECT
from sqlcheck.reference import Reference
from trueup.guard.newest import row_hash

TEXTS = ("", "a", "\u2028\u2029", "\x7f\x80\x85", '\\"/', "\b\f\n\r\t\x01\x1f", "é😀", "\ufeff", "</script>", "'")


def literal(text: str) -> str:
    return "'" + "".join(f"\\U{ord(one):08x}" for one in text) + "'"


@pytest.mark.parametrize(
    ("kind", "cases"),
    [
        ("string", [(literal(text), text) for text in TEXTS]),
        ("int64", [(str(one), one) for one in (0, 2**53, 2**53 + 1, -(2**53) - 1, -(2**63) + 1, 2**63 - 1)]),
        ("float64", [(repr(one), one) for one in (0.1, 1e20, -2.5e-7, 1 / 3, 5e-324, 1.7976931348623157e308)]),
        (
            "numeric",
            [(f"numeric '{one}'", Decimal(one)) for one in ("0", "-0", "100", "12.50", "-0.000000001", "1e20")],
        ),
        (
            "timestamp",
            [(f"timestamp '{one}'", one) for one in ("2026-02-03 20:00:06.000001+00", "0001-01-01 00:00:00Z")],
        ),
        ("date", [("date '0001-01-01'", "0001-01-01"), ("date '2026-02-03'", "2026-02-03")]),
        ("bool", [("true", True), ("false", False), ("cast(null as bool)", None)]),
        ("array<string>", [("['a', '\"\\n']", ["a", '"\n']), ("cast([] as array<string>)", [])]),
        ("array<int64>", [("[1, 9007199254740993]", [1, 2**53 + 1])]),
        ("array<date>", [("[date '2026-02-03']", ["2026-02-03"])]),
    ],
)
def test_the_hash_of_a_row_is_that_of_the_macro(reference: Reference, kind: str, cases: list[tuple[str, Any]]) -> None:
    text = "".join(
        (PROJECT / "macros" / f"{name}.sql").read_text(encoding="utf-8") for name in ("portable", "row_hash")
    )
    hashed = jinja2.Environment().from_string(text).module.row_hash("t", {"v": kind, "n": "int64"})  # type: ignore[attr-defined]
    given = " union all ".join(f"select {sql} as v, {number} as n" for number, (sql, _) in enumerate(cases))
    found = reference.query(f"select t.n, {hashed} as row_hash from ({given}) as t", {})
    columns = {"v": kind, "n": "int64"}
    wanted = {number: row_hash({"v": value, "n": number}, columns) for number, (_, value) in enumerate(cases)}
    assert {row["n"]: row["row_hash"] for row in found.rows} == wanted
