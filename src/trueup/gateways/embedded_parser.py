"""Caches the SQL parser of the embedded warehouse.

The warehouse parses each statement about twenty times, which is half of its work. Without this module the results are
the same, but a check takes a third longer.
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

_KEPT_TEXTS = 64
_POSITIONS = frozenset({"line", "col", "start", "end"})
# Modules of the warehouse that look at trees and never change them.
_READERS = frozenset(
    f"bqemulator.{name}"
    for name in ("catalog.ddl_sync", "jobs.ddl_result", "jobs.executor", "jobs.routine_ddl", "sql.catalog_schema")
)


def parse_each_text_once() -> None:
    """Cache the trees of the last texts. A caller that may change a tree gets a copy."""
    dialect: Any = import_module("sqlglot.dialects.dialect").Dialect
    dialect.parse = _remembering(dialect.parse)


def _remembering(parse: Callable[..., Any]) -> Callable[..., Any]:
    @lru_cache(_KEPT_TEXTS)
    def trees_of(dialect: Any, text: str) -> Any:
        trees = parse(dialect(), text)
        for tree in trees:
            for node in tree.walk() if tree else ():
                # Most of the cost of a copy is positions in the text, which nothing reads.
                kept = {key: value for key, value in (node._meta or {}).items() if key not in _POSITIONS}
                node._meta = kept or None
        return trees

    def parse_once(self: Any, text: str, **options: Any) -> Any:
        if options or self.settings:
            return parse(self, text, **options)
        kind: Any = type(self)
        trees = trees_of(kind, text)
        # The caller of sqlglot.parse_one, which is the caller of this function.
        if sys._getframe(2).f_globals.get("__name__") in _READERS:
            return trees
        return [tree and tree.copy() for tree in trees]

    return parse_once
