"""Reads one cell of a scenario's CSV by the BigQuery type of its column.

Types are written as in ``_sources.yml``: ``int64``, ``array<string>``,
``struct<type string, labels struct<region string>>``.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any

from trueup.scenario.files import parse_json

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# ISO 8601 and BigQuery's export form (`2026-02-04 20:00:06.5 UTC`); fromisoformat accepts more.
_TIMESTAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<clock>\d\d:\d\d(:\d\d)?)(\.(?P<part>\d{1,6}))?"
    r" ?(?P<zone>Z|UTC|[+-]\d\d(:?\d\d)?)",
    re.ASCII,
)
_INT64 = range(-(2**63), 2**63)
_NUMERIC_LIMIT = Decimal("1e29")
_NUMERIC_STEP = Decimal("1e-9")
_EXACT = Context(prec=60)  # the default context would round 29 digits to 28


def is_known(kind: str) -> bool:
    """Whether cells of a type can be read."""
    if kind.startswith("array<"):
        return is_known(kind[6:-1])
    if kind.startswith("struct<"):
        return all(is_known(one) for one in struct_fields(kind).values())
    return kind in _SCALARS


def expected_form(kind: str) -> str:
    """The expected form of a cell, for a message."""
    if kind.startswith("array<"):
        return f"a JSON list ({kind})"
    if kind.startswith("struct<"):
        return f"a JSON object ({kind})"
    return _SCALARS[kind][1]


def struct_fields(kind: str) -> dict[str, str]:
    """The types of a struct's fields by name; empty for other types."""
    if not kind.startswith("struct<"):
        return {}
    parts, depth = [""], 0
    for character in kind[7:-1]:
        depth += (character == "<") - (character == ">")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    pairs = (part.strip().split(" ", 1) for part in parts)
    return {name: inner.strip() for name, inner in pairs}


def read_cell(kind: str, text: str) -> Any:
    """The value of a non-empty cell for a JSON load job; None for JSON null.

    NUMERIC stays text; a timestamp becomes UTC with microseconds. Raises ValueError.
    """
    if kind.startswith(("array<", "struct<")):
        return _nested(kind, parse_json(text))
    return _SCALARS[kind][0](text)


def _nested(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind.startswith("array<"):
        if not isinstance(value, list) or None in value:
            raise ValueError("expected a list without null")
        return [_nested(kind[6:-1], one) for one in value]
    if kind.startswith("struct<"):
        fields = struct_fields(kind)
        if not isinstance(value, dict) or set(value) - set(fields):
            raise ValueError(f"expected an object with the fields {', '.join(fields)}")
        return {name: _nested(fields[name], one) for name, one in value.items() if one is not None}
    if kind == "string" and not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return _SCALARS[kind][0](value if isinstance(value, str) else json.dumps(value))


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,19}", text, re.ASCII) or int(text) not in _INT64:
        raise ValueError(text)
    return int(text)


def _float(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text)


def _numeric(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    number = Decimal(text)
    # NUMERIC holds 29 digits before the point and 9 after it; BigQuery would refuse or round other numbers.
    if number.copy_abs() >= _NUMERIC_LIMIT or number != _EXACT.quantize(number, _NUMERIC_STEP):
        raise ValueError(text)
    return f"{number:f}"


def _day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text).isoformat()


def utc_timestamp(text: str) -> datetime:
    """Parse a timestamp with an offset and convert it to UTC. Raises ValueError or OverflowError."""
    found = _TIMESTAMP.fullmatch(text)
    if not found:
        raise ValueError(text)
    clock = found["clock"] if found["clock"].count(":") == 2 else f"{found['clock']}:00"
    zone = "+00:00" if found["zone"] in ("Z", "UTC") else found["zone"].replace(":", "").ljust(5, "0")
    if ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    part = (found["part"] or "").ljust(6, "0")
    return datetime.fromisoformat(f"{found['day']}T{clock}.{part}{zone}").astimezone(UTC)


def _timestamp(text: str) -> str:
    return utc_timestamp(text).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


_SCALARS: dict[str, tuple[Callable[[str], Any], str]] = {
    "string": (str, "a text"),
    "int64": (_integer, "a whole number of 64 bits"),
    "float64": (_float, "a number"),
    "numeric": (_numeric, "a number with at most 29 digits before the point and 9 after it"),
    "bool": (_bool, "true or false"),
    "date": (_day, "a date such as 2026-02-03"),
    "timestamp": (_timestamp, "a timestamp with an offset such as 2026-02-04T20:00:06Z"),
}
