"""Caches the SQL parser of the embedded warehouse.

The warehouse parses each statement about fifty times, which is half of its work. Without this module the results are
the same, but a check takes a quarter longer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

_KEPT_TEXTS = 64
_ATOMS = (str, int, bool, float, type(None))


def parse_each_text_once() -> None:
    """Cache the trees of the last texts. Returns copies, because the warehouse changes them."""
    dialect: Any = import_module("sqlglot.dialects.dialect").Dialect
    core: Any = import_module("sqlglot.expressions.core")
    dialect.parse = _remembering(dialect.parse)
    core.deepcopy = _copying_nodes(core.Expression, core.deepcopy)


def _remembering(parse: Callable[..., Any]) -> Callable[..., Any]:
    @lru_cache(_KEPT_TEXTS)
    def trees_of(dialect: Any, text: str) -> Any:
        return parse(dialect(), text)

    def parse_once(self: Any, text: str, **options: Any) -> Any:
        if options or self.settings:
            return parse(self, text, **options)
        kind: Any = type(self)
        return [tree and tree.copy() for tree in trees_of(kind, text)]

    return parse_once


def _copying_nodes(node: Any, deepcopy: Callable[..., Any]) -> Callable[..., Any]:
    """A faster deepcopy for trees, which does not copy their texts and numbers."""

    def copied(value: Any, memo: Any = None) -> Any:
        if type(value) is dict:
            return {key: one if type(one) in _ATOMS else deepcopy(one) for key, one in value.items()}
        if type(value) is list:
            return [one if type(one) in _ATOMS else deepcopy(one) for one in value]
        return value.__deepcopy__(memo) if isinstance(value, node) else deepcopy(value, memo)

    return copied
