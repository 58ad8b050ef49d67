"""Evaluates compiled models without building them: each is one statement, in which the models that it reads are CTEs.

Rows that are known already (of seeds, of models that were evaluated before) are given to a statement as a parameter.
So each source is read where it is needed, and nothing is written.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from trueup.results.compiled import CompiledModel

# BigQuery takes requests of 10 MB. Rows that need more are not given: their model stands in the statement again.
_MOST_GIVEN = 1_000_000
_AT_ONCE = 4

Query = Callable[[str, Mapping[str, str]], list[dict[str, Any]]]
Values = list[list[Any]]


@dataclass(frozen=True)
class _Given:
    """Rows that are known. ``columns``: types by name; ``rows``: as JSON, a list of lists."""

    columns: Mapping[str, str]
    rows: str

    def cte(self, name: str) -> str:
        """The CTE that reads the rows from the parameter ``name``."""
        cells = (
            f"cast(json_value(given, '$[{place}]') as {kind}) as `{column}`"
            for place, (column, kind) in enumerate(self.columns.items())
        )
        return f"{_alias(name)} as (\nselect {', '.join(cells)} from unnest(json_query_array(@{name})) as given\n)"


class Evaluation:
    """Models of one window. ``sql``: the SQL of a model; ``query``: sends a statement with its parameters.

    ``rows``: those of each model that was evaluated.
    """

    def __init__(self, models: Mapping[str, CompiledModel], sql: Callable[[str], str], query: Query) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self._models = models
        self._sql = sql
        self._query = query
        self._given: dict[str, _Given] = {}
        self._relations = {name: model.relation for name, model in models.items()}

    def give(self, name: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]], relation: str = "") -> None:
        """The rows of a model or seed, in the order of ``columns`` (types by name). ``relation``: of a seed."""
        values = [[plain_value(value) for value in row] for row in rows]
        self._given[name] = _Given(columns, json.dumps(values, ensure_ascii=False))
        if relation:
            self._relations[name] = relation

    def give_model(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """The rows of a model, in the order of its columns."""
        self.give(name, self._models[name].columns, rows)

    def take_back(self, name: str) -> None:
        """Read a model again whose rows were given."""
        self._given.pop(name, None)

    def columns(self, name: str) -> list[str]:
        """The columns of a model."""
        return list(self._models[name].columns)

    def values(self, name: str) -> Values:
        """The rows of a model as lists of plain values, in the order of its columns. They are not kept."""
        return values_of(self._read(name), self.columns(name))

    def evaluate(self, *names: str) -> None:
        """Evaluate these models at once; keep their rows, and give them to the later ones."""
        with ThreadPoolExecutor(_AT_ONCE, "evaluating") as pool:
            found = list(pool.map(self._read, names))
        for name, rows in zip(names, found, strict=True):
            self.rows[name] = rows
            columns = self._models[name].columns
            values = values_of(rows, columns)
            if len(json.dumps(values)) <= _MOST_GIVEN:
                self.give_model(name, values)

    def selected(self, name: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """The named columns of a model that was evaluated."""
        return [{one: row[one] for one in columns} for row in self.rows[name]]

    def _read(self, name: str) -> list[dict[str, Any]]:
        """The rows of a model, by one statement."""
        needed = list(dict.fromkeys(self._needed(name)))
        parameters = {one: self._given[one].rows for one in needed if one in self._given}
        return self._query(f"with {', '.join(map(self._cte, needed))}\n\nselect * from {_alias(name)}", parameters)

    def _needed(self, name: str) -> Iterator[str]:
        """What a model reads, each after what it reads itself; last the model."""
        if name not in self._given:
            for one in self._models[name].reads:
                yield from self._needed(one)
        yield name

    def _cte(self, name: str) -> str:
        if name in self._given:
            return self._given[name].cte(name)
        sql = self._sql(name)
        for one in self._models[name].reads:
            sql = sql.replace(self._relations[one], _alias(one))
        return f"{_alias(name)} as (\n{sql}\n)"


def values_of(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Values:
    """Rows as lists of values that JSON knows, in the order of the columns."""
    names = list(columns)
    return [[plain_value(row[name]) for name in names] for row in rows]


def plain_value(value: Any) -> Any:
    """A value as JSON knows it; its text can be cast back to its type."""
    if isinstance(value, date):  # a datetime, too
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _alias(name: str) -> str:
    """The name of a CTE: another than those inside the models."""
    return f"pulse_{name}"
