"""The layout of a finding's detail (JSON of any shape): texts, lists, pairs and tables. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from trueup.completion.encoding import parse_timestamp
from trueup.reporting.page import wording

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)")
# Shown elsewhere: the page in Data Docs is a separate link.
_SHOWN_ELSEWHERE = frozenset({"data_docs"})
# The values of these keys are words of trueup, not names of the platform.
_WORDS = frozenset({"cause", "state"})


@dataclass(frozen=True)
class Text:
    """A value as text; timestamps in Eastern time."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Items:
    """A list with items other than texts and numbers."""

    items: tuple[Node, ...]
    kind: str = "items"


@dataclass(frozen=True)
class Pairs:
    """Names and values."""

    pairs: tuple[tuple[str, Node], ...]
    kind: str = "pairs"


@dataclass(frozen=True)
class Grid:
    """A table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Node, ...], ...]
    kind: str = "grid"


Node = Text | Items | Pairs | Grid


def lay_out(detail: Mapping[str, Any]) -> tuple[tuple[str, Node], ...]:
    """Names and values of a detail. Empty values are left out; null is shown as unknown."""
    return tuple(
        (wording.plain(str(key)), _node(value, str(key)))
        for key, value in detail.items()
        if key not in _SHOWN_ELSEWHERE and value not in ("", [], {})
    )


def _node(value: Any, key: str = "", is_inner: bool = False) -> Node:
    if isinstance(value, str):
        return Text(wording.plain(value)) if key in _WORDS else _from_text(value)
    if isinstance(value, Mapping):
        return Pairs(tuple((wording.plain(str(name)), _node(one, str(name))) for name, one in value.items()))
    if isinstance(value, Sequence):
        return _from_list(value, is_inner)
    return Text(_scalar(value, key))


def _from_text(value: str) -> Node:
    with suppress(ValueError, OverflowError):
        if value[:1] in ("{", "["):
            return _node(json.loads(value))
        if _TIMESTAMP.fullmatch(value):
            return Text(wording.eastern(parse_timestamp(value)))
    return Text(value)


def _from_list(values: Sequence[Any], is_inner: bool) -> Node:
    if values and all(isinstance(one, Mapping) for one in values):
        if is_inner:
            return Items(tuple(_node(one) for one in values))
        names = list(dict.fromkeys(str(name) for one in values for name in one))
        rows = tuple(tuple(_node(row.get(name), name, is_inner=True) for name in names) for row in values)
        return Grid(tuple(wording.plain(name) for name in names), rows)
    if all(one is None or isinstance(one, str | int | float) for one in values):
        return Text(", ".join(_scalar(one, "") for one in values) or "none")
    return Items(tuple(_node(one) for one in values))


def _scalar(value: Any, key: str) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        # Years and ids get no rounding and no thousands separators.
        return wording.number(value) if key.endswith(("_count", "_rows", "_copies", "value")) else f"{value}"
    return str(value)
