"""Tables are compared as multisets of rows, and every kind of difference is found."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sqlcheck.differential_exceptions import ExceptionsError, read_exceptions
from sqlcheck.differential_rows import Table, differences, differing_columns, with_meaning

NOON = datetime(2026, 2, 4, 12, tzinfo=UTC)


def table(*values: Any, kind: str = "int64") -> Table:
    return Table({"x": kind}, [{"x": value} for value in values])


def pairs(*rows: tuple[Any, Any]) -> Table:
    return Table({"x": "string", "y": "string"}, [{"x": x, "y": y} for x, y in rows])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (table(1, 2, 2, None), table(2, None, 2, 1)),
        (table(0.1 + 0.2), table(0.3)),
        (table(math.nan, math.inf), table(math.inf, math.nan)),
        (table(1.0, 1.0 + 1e-12, 2.0), table(2.0, 1.0 + 1e-12, 1.0)),
        (table(Decimal("12.50")), table(Decimal("12.5"))),
        (table((1, None)), table((1, None))),
        (table({"a": 1, "b": 0.3}), table({"a": 1, "b": 0.1 + 0.2})),
        (table(), table()),
        (
            Table({"x": "int64", "y": "bool"}, [{"x": 1, "y": True}]),
            Table({"y": "bool", "x": "int64"}, [{"y": True, "x": 1}]),
        ),
    ],
)
def test_equal_multisets_do_not_differ(ours: Table, theirs: Table) -> None:
    assert differences(ours, theirs) == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (table(1), table(1, 1)),
        (table(2), table(3)),
        (table(None), table(0)),
        (table(""), table(None)),
        (table(1), table(True)),
        (table(1), table(1.0)),
        (table("1"), table(1)),
        (table(0.3), table(0.3001)),
        (table(math.nan), table(None)),
        (table(math.inf), table(-math.inf)),
        (table(1.0, 2.0), table(1.0, 1.0)),
        (table(Decimal("1.000000001")), table(Decimal("1"))),
        (table(NOON), table(NOON.replace(microsecond=1))),
        (table((1, 2)), table((2, 1))),
        (table({"a": 1}), table({"b": 1})),
        (table('{"a":100}'), table('{"a":100.0}')),
        (table(1), table()),
    ],
)
def test_different_multisets_differ_both_ways(ours: Table, theirs: Table) -> None:
    assert differences(ours, theirs)
    assert differences(theirs, ours)
    assert differing_columns(ours, theirs) == ["x"]


def test_columns_and_types_are_compared_too() -> None:
    ours = Table({"a": "int64", "b": "float64"}, [])
    a, c, b = differences(ours, Table({"b": "numeric", "c": "int64"}, []))
    assert "column a " in a
    assert "column c " in c
    assert all(fact in b for fact in ("column b ", "float64", "numeric"))


def test_a_difference_is_shown_from_its_start_on_both_sides() -> None:
    same = "a long beginning that is the same on both sides " * 3
    text = "\n".join(differences(pairs((same + "here", "key")), pairs((same + "there", "key"))))
    assert "here" in text.split("reference ")[0]
    assert "there" in text.split("reference ")[1]
    assert "where y=key" in text


def test_json_is_compared_parsed_only_if_listed() -> None:
    ours, theirs = table('{"a":100.0,"b":[null]}', None), table('{"a": 100, "b": [null]}', None)
    assert differences(ours, theirs)
    assert differences(with_meaning(ours, "x"), with_meaning(theirs, "x")) == []
    for other in ('{"a":100.1,"b":[null]}', '{"":100,"b":[null]}', '{"b":[null],"a":100}', '{"a":"100","b":[null]}'):
        assert differences(with_meaning(ours, "x"), with_meaning(table(other, None), "x")), other


@pytest.mark.parametrize(
    "text",
    [
        "not_executed: [{model: m}]",
        "not_executed: [{model: m, reason: ' '}]",
        "as_json: [{model: m, reason: r}]",
        "as_json: [{columns: [c], reason: r}]",
        "as_json: [{model: m, columns: [c, c], reason: r}]",
        "tolerated: []",
    ],
)
def test_an_exception_without_its_reason_or_object_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "exceptions.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExceptionsError):
        read_exceptions(path)
