"""Many nights in one warehouse, each on a different day, checked by one run of dbt."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from golden import NIGHTS
from golden.golden import write
from helpers.support import PROJECT
from trueup.scenario.scenario import Scenario, load_scenario
from trueup.schemas import read_table_schemas

_DAY = re.compile(r"(?<![^\W_])(\d{4})(-?)(\d{2})\2(\d{2})(?=\b|[T_])")
_LEAGUE_ID = re.compile(r"\b(00\d25)(\d{5})\b")

_written = TemporaryDirectory(prefix="golden-")

Tables = dict[str, tuple[dict[str, Any], ...]]
Documents = dict[str, dict[str, Any]]


@functools.cache
def folder_of(name: str) -> Path:
    """The folder of a golden night, written on first use."""
    folder = Path(_written.name) / name
    write(NIGHTS[name](), folder)
    return folder


def scenario_of(name: str, rules: frozenset[str] = frozenset()) -> Scenario:
    """A golden night as trueup reads it."""
    return load_scenario(folder_of(name), read_table_schemas(PROJECT / "models"), rules)


def moved(value: Any, days: int, games: int = 0) -> Any:
    """A value with its days (2026-02-03, 20260203) moved by ``days``, and the numbers of its league game ids (as
    0022500501) increased by ``games``, so that no two nights share a game.
    """
    if isinstance(value, Mapping):
        return {moved(key, days, games): moved(one, days, games) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(moved(one, days, games) for one in value)
    if not isinstance(value, str):
        return value

    def later(found: re.Match[str]) -> str:
        year, dash, month, day = found.groups()
        return f"{date(int(year), int(month), int(day)) + timedelta(days):%Y{dash}%m{dash}%d}"

    def other(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) + games:05d}"

    return _LEAGUE_ID.sub(other, _DAY.sub(later, value))


def together(parts: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> tuple[Tables, Documents]:
    """The tables and documents of several nights in one."""
    tables: Tables = {}
    documents: Documents = {}
    for rows_by_table, raw_by_collection in parts:
        for name, rows in rows_by_table.items():
            tables[name] = (*tables.get(name, ()), *rows)
        for collection, raw in raw_by_collection.items():
            documents[collection] = {**documents.get(collection, {}), **raw}
    return tables, documents


def placed(scenario: Scenario, days: int, games: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A scenario's tables and documents, moved by ``days``."""
    return moved(scenario.tables, days, games), moved(scenario.documents, days, games)
