"""Values are unchanged after encoding and decoding, and after a query."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sqlcheck.differential_rows import Table
from sqlcheck.engine import Engine
from sqlcheck.reference import evaluate
from sqlcheck.types import TypeTextError, parse_type, type_text
from sqlcheck.values import EncodingError, Json, decode, encode


def numerics(scale: int, limit: Decimal) -> st.SearchStrategy[Decimal]:
    return st.decimals(-limit, limit, places=scale, allow_nan=False, allow_infinity=False)


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(),
    "numeric": numerics(9, Decimal("9.9E+28")),
    "bignumeric": numerics(38, Decimal("5E+38")),
    "bool": st.booleans(),
    "string": st.text(st.characters(exclude_categories=["Cs"])),
    "bytes": st.binary(),
    "date": st.dates(),
    "time": st.times(),
    "datetime": st.datetimes(),
    "timestamp": st.datetimes(timezones=st.just(UTC)),
    "json": st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("ab\"'é "),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz"), inner, max_size=3),
        max_leaves=5,
    ).map(Json.of),
}


def alike(one: Any, other: Any) -> bool:
    """Equal, with NaN equal to NaN and 1 not equal to true."""
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if isinstance(one, Mapping):
        return set(one) == set(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return type(one) is type(other) and bool(one == other)


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[str, Any]:
    """A type with a value: a scalar, an array, a struct, an array of structs; NULLs except in arrays."""
    name = draw(st.sampled_from(sorted(SCALARS)))
    value = SCALARS[name]
    shape = draw(st.sampled_from(["scalar", "array", "struct", "array of structs"]))
    struct = st.fixed_dictionaries({"one": st.none() | value, "two": st.lists(value, max_size=3).map(tuple)})
    if shape == "scalar":
        return name, draw(st.none() | value)
    if shape == "array":
        return f"array<{name}>", tuple(draw(st.lists(value, max_size=3)))
    text = f"struct<one {name}, two array<{name}>>"
    if shape == "struct":
        return text, draw(st.none() | struct)
    return f"array<{text}>", tuple(draw(st.lists(struct, max_size=3)))


@given(typed_values())
@example(("numeric", Decimal("-0.000000001")))
@example(("numeric", Decimal("99999999999999999999999999999.999999999")))
@example(("timestamp", datetime(1, 1, 1, tzinfo=UTC)))
@example(("timestamp", datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)))
@example(("timestamp", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)))
@example(("float64", -math.inf))
def test_an_encoded_value_is_decoded_unchanged(typed: tuple[str, Any]) -> None:
    text, value = typed
    kind = parse_type(text)
    assert type_text(kind) == text
    assert alike(decode(encode(value, kind), kind), value)


# BigQuery's text of each value, which proves that GoogleSQL reads our bits correctly.
TEXTS = [
    ("int64", -(2**63), "-9223372036854775808"),
    ("float64", 0.1, "0.1"),
    ("numeric", Decimal("-12.500000001"), "-12.500000001"),
    ("numeric", Decimal("99999999999999999999999999999.999999999"), "99999999999999999999999999999.999999999"),
    ("bignumeric", Decimal("1E-38"), "0.00000000000000000000000000000000000001"),
    ("bool", True, "true"),
    ("string", "naïve 🏀", "naïve 🏀"),
    ("bytes", b"abc", "abc"),
    ("date", date(2024, 2, 29), "2024-02-29"),
    ("date", date(1969, 12, 31), "1969-12-31"),
    ("time", time(23, 59, 58, 999999), "23:59:58.999999"),
    ("datetime", datetime(2026, 3, 8, 2, 30, 0, 1), "2026-03-08 02:30:00.000001"),
    ("timestamp", datetime(2026, 2, 4, 13, 0, tzinfo=UTC), "2026-02-04 13:00:00+00"),
    ("timestamp", datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "1969-12-31 23:59:59.999999+00"),
    ("timestamp", datetime(2026, 2, 4, 8, 0, tzinfo=timezone(timedelta(hours=-5))), "2026-02-04 13:00:00+00"),
]


@pytest.mark.parametrize(("text", "value", "written"), TEXTS)
def test_googlesql_reads_a_value_correctly(engine: Engine, text: str, value: Any, written: str) -> None:
    tables = {"p.d.t": Table({"x": text}, [{"x": value}])}
    assert evaluate(engine, "select cast(x as string) as x from `p`.`d`.`t`", tables).rows == [{"x": written}]


@given(typed_values())
@settings(max_examples=60, deadline=None)
def test_a_value_goes_through_the_engine_unchanged(engine: Engine, typed: tuple[str, Any]) -> None:
    text, value = typed
    result = evaluate(engine, "select x from `p`.`d`.`t`", {"p.d.t": Table({"x": text}, [{"x": value}])})
    assert result.columns == {"x": text}
    assert alike(result.rows[0]["x"], value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("int64", 2**63),
        ("int64", 1.0),
        ("int64", True),
        ("int64", "1"),
        ("bool", 1),
        ("numeric", Decimal("0.0000000001")),
        ("numeric", 1.5),
        ("string", b"x"),
        ("date", datetime(2026, 2, 3)),
        ("timestamp", datetime(2026, 2, 3)),
        ("datetime", datetime(2026, 2, 3, tzinfo=UTC)),
        ("struct<a int64, b int64>", {"a": 1}),
        ("array<int64>", ("x",)),
        ("geography", "POINT(0 0)"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(text: str, value: Any) -> None:
    with pytest.raises(EncodingError):
        encode(value, parse_type(text))


@pytest.mark.parametrize(
    "text", ["", "nonsense", "array<int64", "array int64>", "struct<a int64", "int64 int64", "int64?"]
)
def test_a_text_that_is_not_a_type_is_refused(text: str) -> None:
    with pytest.raises(TypeTextError):
        parse_type(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("INTEGER", "int64"),
        ("Float64", "float64"),
        ("STRING(20)", "string"),
        ("NUMERIC(10, 2)", "numeric"),
        ("struct<int64, b ARRAY<STRUCT<c STRING(3), d DATE>>>", "struct<int64, b array<struct<c string, d date>>>"),
    ],
)
def test_other_spellings_of_a_type_are_understood(text: str, meant: str) -> None:
    assert type_text(parse_type(text)) == meant
