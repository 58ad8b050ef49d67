"""What a statement of GoogleSQL does with which tables, for the strict stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

# Of these statements, the first table is written.
_WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)


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


def _act(tree: exp.Expression, project: str) -> Act:
    target, kind = "", type(tree).__name__.lower()
    changed: exp.Expression | None = None
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


def _tables(tree: exp.Expression) -> Iterator[exp.Table]:
    """The tables of a statement, without the names of its CTEs and of arrays."""
    named = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.db and table.name.lower() not in named | {""}:
            yield table


def _name(table: exp.Table, project: str) -> str:
    return f"{table.catalog or project}.{table.db}.{table.name}"
