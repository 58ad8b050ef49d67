"""What a statement of GoogleSQL does with which tables, for the strict stand-in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import sqlglot
from sqlglot import exp

# Of these statements, the first table is written.
_WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)

_CONTRACTED = re.compile(r"create\s+(?:or\s+replace\s+)?table\s+(?:if\s+not\s+exists\s+)?[\w`.-]+\s*\(", re.IGNORECASE)
_AS_QUERY = re.compile(
    r"\s*(?:partition\s+by|cluster\s+by|options|as)\b.*?\bas\s*\(|\s*as\b", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Act:
    """One statement. ``kind``: select, create table, replace table, create view, replace view, drop, alter, or a DML
    verb. ``target``: ``project.dataset.table`` that it changes, or ""; ``reads``: the tables and views that it reads.
    """

    kind: str
    target: str
    reads: frozenset[str]


def acts_of(sql: str, project: str) -> tuple[Act, ...]:
    """The statements of a job, in order. ``project``: that of names without one."""
    return tuple(_act(tree, project) for tree in sqlglot.parse(sql, dialect="bigquery") if tree)


def declared_columns(sql: str) -> tuple[dict[str, str], str]:
    """The columns that ``create table t (…) as select`` declares, by name with their type, and the statement without
    them, which the embedded warehouse needs. No columns: the statement itself.
    """
    found = _CONTRACTED.search(sql)
    if not found:
        return {}, sql
    begin = found.end() - 1
    end = _closing(sql, begin)
    if not _AS_QUERY.match(sql[end + 1 :]):  # the parenthesis is the query's, or there is no query
        return {}, sql
    (tree,) = sqlglot.parse(f"create table t {sql[begin : end + 1]}", dialect="bigquery")
    columns = {one.name: one.kind.sql("bigquery").lower() for one in cast(Any, tree).find_all(exp.ColumnDef)}
    return columns, sql[:begin] + sql[end + 1 :]


def _closing(text: str, begin: int) -> int:
    """The place of the parenthesis that closes the one at ``begin``, outside of quotes."""
    depth, quote = 0, ""
    for place in range(begin, len(text)):
        letter = text[place]
        if quote:
            if letter == quote and text[place - 1] != "\\":
                quote = ""
        elif letter in "'\"`":
            quote = letter
        else:
            depth += (letter == "(") - (letter == ")")
            if depth == 0:
                return place
    raise ValueError("a parenthesis is not closed")


def _act(tree: Any, project: str) -> Act:
    target, kind = "", type(tree).__name__.lower()
    changed: Any = None
    if isinstance(tree, exp.Create):
        changed = tree.this.find(exp.Table) if tree.this else None
        kind = f"{'replace' if tree.args.get('replace') else 'create'} {str(tree.kind).lower()}"
    elif isinstance(tree, exp.Drop | exp.Alter | exp.TruncateTable):
        changed = tree.find(exp.Table)
    elif isinstance(tree, _WRITES):
        changed = tree.this.find(exp.Table) if tree.this else None
    if isinstance(changed, exp.Table):
        target = _name(changed, project)
    reads = {_name(one, project) for one in _tables(tree) if one is not changed}
    if isinstance(tree, exp.Update | exp.Delete | exp.Merge):
        reads.add(target)
    return Act(kind, target, frozenset(reads))


def _tables(tree: Any) -> Iterator[exp.Table]:
    """The tables of a statement, without the names of its CTEs and of arrays."""
    named = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.db and table.name.lower() not in named | {""}:
            yield table


def _name(table: exp.Table, project: str) -> str:
    return f"{table.catalog or project}.{table.db}.{table.name}"
