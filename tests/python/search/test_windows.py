"""For any vars, the macro check_window and the command line mean the same days, or both refuse them."""

from __future__ import annotations

import datetime as datetimes
import re
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import pytz  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.support import PROJECT
from trueup.errors import UsageError
from trueup.window import make_window

NOW = datetime(2026, 2, 4, 3, 30, tzinfo=UTC)
ZONE = "America/New_York"
MACROS = (PROJECT / "macros" / "check_window.sql").read_text(encoding="utf-8")


class Returned(BaseException):
    def __init__(self, value: Any) -> None:
        self.value = value


def refuse(message: str) -> None:
    raise UsageError(message)


def give(value: Any) -> None:
    raise Returned(value)


VARS: dict[str, str] = {}


def macros() -> dict[str, Any]:
    """The macros of the file as functions, without dbt. They read VARS."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals.update(
        modules=SimpleNamespace(datetime=datetimes, re=re, pytz=pytz),
        var=lambda name, default=None: VARS.get(name, default),
        exceptions=SimpleNamespace(raise_compiler_error=refuse),
        run_started_at=NOW,
        **{"return": give},
    )
    for name, parameters, body in re.findall(r"{% macro (\w+)\((.*?)\) %}(.*?){% endmacro %}", MACROS, re.DOTALL):
        template = environment.from_string(body)
        names = [one.strip() for one in parameters.split(",") if one.strip()]

        def call(*values: Any, template: jinja2.Template = template, names: list[str] = names) -> Any:
            try:
                return template.render(dict(zip(names, values, strict=True)))
            except Returned as returned:
                return returned.value

        environment.globals[name] = call
    return environment.globals


MACRO = macros()["check_window"]


def dbt_window(variables: dict[str, str]) -> tuple[date, date, datetime] | str:
    """The window of dbt, or its error."""
    VARS.clear()
    VARS.update({"platform_time_zone": ZONE, **variables})
    try:
        found = MACRO()
    except UsageError as error:
        return error.message
    return found["first_date"], found["last_date"], found["as_of"]


DAYS = st.one_of(
    st.dates(date(2020, 1, 1), date(2029, 1, 1)).map(str),
    st.dates().map(str),
    st.from_regex(r"\d{4}-?(\d{2}|W\d{2})-?\d{1,2}", fullmatch=True),
    st.text(max_size=11),
)
MOMENTS = st.one_of(
    st.datetimes(datetime(2020, 1, 1), datetime(2029, 1, 1), timezones=st.just(ZoneInfo("Asia/Tokyo"))).map(
        datetime.isoformat
    ),
    st.from_regex(r"20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-6]\d(:[0-6]\d)?(Z|[+-][01]\d:?[0-5]\d|)", fullmatch=True),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.text(max_size=25),
)


@settings(max_examples=400, deadline=None)
@given(st.none() | DAYS, st.none() | DAYS, st.none() | MOMENTS)
@example("20260203", None, None)
@example(None, "9999-12-31", None)
@example("2026-02-30", None, None)
@example(None, None, "20260204T160000Z")
@example(None, None, "2026-02-04t16:00:00z")
@example(None, None, "2026-02-04T16:00:00+24:00")
@example(None, None, "0001-01-01T00:00:00+14:00")
@example("1900-01-01", "2199-12-31", None)
@example("２０２６-02-03", None, None)
def test_the_days_are_the_same(first: str | None, last: str | None, as_of: str | None) -> None:
    named = {"first_date": first, "last_date": last, "as_of": as_of}
    variables = {name: value for name, value in named.items() if value}
    found = dbt_window(variables)
    try:
        window = make_window(first or None, last or None, None, as_of or None, NOW, ZoneInfo(ZONE))
    except UsageError:
        assert isinstance(found, str)
        assert any(name in found for name in (*variables, "days"))
    else:
        assert found == (window.first_date, window.last_date, window.as_of)
