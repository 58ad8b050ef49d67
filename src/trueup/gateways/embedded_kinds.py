"""Caches of what kind the statements of the embedded warehouse are.

It reads the whole text of each statement twice to see that it is one statement, and of which kind. Neither depends on
the dates and ids in it. Without this module the results are the same, but a pulse takes a third longer.
"""

import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from trueup.gateways.embedded_translation import template_of


def know_each_kind_once() -> None:
    """Cache the answers by template, in memory."""
    executor: Any = import_module("bqemulator.jobs.executor")
    executor.parse_script = scripts_once(executor.parse_script)
    executor.classify_statement_type = kinds_once(executor.classify_statement_type)


def scripts_once(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """``parse`` for a text whose template was a single statement without a script around it; else ``parse`` itself."""
    ast: Any = import_module("bqemulator.scripting.ast")
    single: set[str] = set()

    def parsed(source: str) -> Any:
        key = _key(source)
        if key in single:
            return ast.Script((ast.SqlStmt(source.strip()),))
        script = parse(source)
        if script == ast.Script((ast.SqlStmt(source.strip()),)):
            single.add(key)
        return script

    return parsed


def kinds_once(classify: Callable[[str], str]) -> Callable[[str], str]:
    """``classify``, once for each template."""
    known: dict[str, str] = {}

    def classified(source: str) -> str:
        key = _key(source)
        if key not in known:
            known[key] = classify(source)
        return known[key]

    return classified


def _key(source: str) -> str:
    return hashlib.sha256(template_of(source)[0].encode(errors="replace")).hexdigest()
