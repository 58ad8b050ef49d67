"""Caches the SQL parser of the embedded warehouse.

The warehouse parses each statement about twenty times, which is half of its work. Without this module the results are
the same, but a check takes a third longer.
"""

import re
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

from trueup.gateways.embedded_translation import template_of

_KEPT_TEXTS = 64
_POSITIONS = frozenset({"line", "col", "start", "end"})
# Modules of the warehouse that look at trees and never change them. All but the first read no dates and ids in them (of
# an export they do: trueup makes none).
_OF_CREATED = "bqemulator.catalog.ddl_sync"
_READERS = frozenset(
    [
        _OF_CREATED,
        "bqemulator.jobs.ddl_result",
        "bqemulator.jobs.executor",
        "bqemulator.jobs.routine_ddl",
        "bqemulator.sql.catalog_schema",
    ]
)
_CREATES = re.compile(r"(?>\s|/\*.*?\*/|--[^\n]*\n)*+create\b", re.DOTALL | re.IGNORECASE)


def parse_each_text_once() -> None:
    """Cache the trees of the last texts. A caller that may change a tree gets a copy."""
    dialect: Any = import_module("sqlglot.dialects.dialect").Dialect
    dialect.parse = _remembering(dialect.parse)


def _remembering(parse: Callable[..., Any]) -> Callable[..., Any]:
    @lru_cache(_KEPT_TEXTS)
    def trees_of(dialect: Any, text: str) -> Any:
        return _without_positions(parse(dialect(), text))

    def shapes_of(dialect: Any, text: str) -> Any:
        """The trees of the template, which other texts have, too."""
        template = template_of(text)[0]
        try:
            return trees_of(dialect, template)
        except Exception:
            if template == text:
                raise
            return trees_of(dialect, text)  # its error is the one to be told

    def parse_once(self: Any, text: str, **options: Any) -> Any:
        if options or self.settings:
            return parse(self, text, **options)
        kind: Any = type(self)
        # The caller of sqlglot.parse_one, which is the caller of this function.
        reader = sys._getframe(2).f_globals.get("__name__")
        if reader not in _READERS:
            return [tree and tree.copy() for tree in trees_of(kind, text)]
        if reader == _OF_CREATED and _CREATES.match(text):
            return trees_of(kind, text)
        return shapes_of(kind, text)

    return parse_once


def _without_positions(trees: list[Any]) -> list[Any]:
    """Most of the cost of a copy is positions in the text, which nothing reads."""
    for tree in trees:
        for node in tree.walk() if tree else ():
            kept = {key: value for key, value in (node._meta or {}).items() if key not in _POSITIONS}
            node._meta = kept or None
    return trees
