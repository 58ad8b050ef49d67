"""What BigQuery bills for a statement on demand, how often a daily check runs it, and its budget.

Charges are rounded up to the megabyte, with at least 10 MB for each table that a query refers to, and for each query
(https://cloud.google.com/bigquery/pricing#on_demand_pricing). A megabyte is 2^20 bytes.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from sqlcheck.costs.reads import StatementReads
from sqlcheck.costs.sizes import Sizes

MB = 2**20
TB = 2**40
_LEAST = 10 * MB
BUDGETS = Path(__file__).with_name("budgets.yml")


@dataclass(frozen=True)
class Bill:
    """The bytes of one run of a statement. ``times``: how often a daily check runs it; ``most``: what costs most."""

    name: str
    kind: str
    processed: int
    billed: int
    times: int
    most: str = ""

    @property
    def daily(self) -> int:
        """Billed for one daily check."""
        return self.billed * self.times


@dataclass(frozen=True)
class Rule:
    """A declaration for the statements of a kind whose name matches a pattern. ``value``: times, or megabytes."""

    kind: str
    name: str
    value: int
    reason: str

    def applies(self, kind: str, name: str) -> bool:
        """Whether it is about this statement."""
        return self.kind == kind and fnmatch(name, self.name)


@dataclass(frozen=True)
class Budgets:
    """The budgets: megabytes of one run of a statement, by kind and with exceptions, and of one daily check."""

    by_kind: Mapping[str, int]
    exceptions: Sequence[Rule]
    runs: Sequence[Rule]
    daily: int
    usd_per_tb: float

    def of(self, kind: str, name: str) -> int:
        """The budget of one run of a statement, in bytes."""
        found = next((one.value for one in self.exceptions if one.applies(kind, name)), self.by_kind.get(kind, 0))
        return found * MB

    def times(self, kind: str, name: str) -> int:
        """How often one daily check runs a statement."""
        return next((one.value for one in self.runs if one.applies(kind, name)), 1)


def read_budgets(path: Path = BUDGETS) -> Budgets:
    """The budgets that the file declares."""
    given: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))

    def rules(key: str, value: str) -> tuple[Rule, ...]:
        return tuple(Rule(one["kind"], one["name"], one[value], one["reason"]) for one in given[key])

    return Budgets(
        by_kind=given["megabytes"],
        exceptions=rules("exceptions", "megabytes"),
        runs=rules("runs", "times"),
        daily=given["daily_megabytes"] * MB,
        usd_per_tb=given["usd_per_tb"],
    )


def billed(table_bytes: Iterable[float]) -> int:
    """The billed bytes of a query that reads so many bytes of each table."""
    return math.ceil(sum(max(one, _LEAST) for one in table_bytes) / MB) * MB


def bill(statement: StatementReads, sizes: Sizes, budgets: Budgets) -> Bill:
    """The bill of one statement. Raises UnknownTableError."""
    columns = sizes.of(statement.reads)
    tables = {name: sum(one.values()) for name, one in columns.items()}
    return Bill(
        name=statement.name,
        kind=statement.kind,
        processed=math.ceil(sum(tables.values())),
        billed=billed(tables.values()),
        times=budgets.times(statement.kind, statement.name),
        most=_most(columns, tables),
    )


def over_budget(bills: Sequence[Bill], budgets: Budgets) -> Iterator[str]:
    """One sentence for each statement over its budget, for the whole check, and for each needless declaration."""
    for one in bills:
        budget = budgets.of(one.kind, one.name)
        if one.billed > budget:
            yield (
                f"{one.kind} {one.name} is billed {megabytes(one.billed)}, its budget is {megabytes(budget)}; "
                f"it costs most to read {one.most}. Read less, or declare an exception in {BUDGETS.name}"
            )
    total = sum(one.daily for one in bills)
    if total > budgets.daily:
        most = max(bills, key=lambda one: one.daily)
        yield (
            f"one daily check is billed {megabytes(total)}, its budget is {megabytes(budgets.daily)}; "
            f"{most.kind} {most.name} costs most ({megabytes(most.daily)})"
        )
    for rule in (*budgets.exceptions, *budgets.runs):
        if not any(rule.applies(one.kind, one.name) for one in bills):
            yield f"{BUDGETS.name} declares {rule.kind} {rule.name}, which is no statement: remove it"
    for rule in budgets.exceptions:
        matched = [one for one in bills if rule.applies(one.kind, one.name)]
        if matched and all(one.billed <= budgets.by_kind.get(one.kind, 0) * MB for one in matched):
            yield f"{BUDGETS.name} excepts {rule.kind} {rule.name}, which keeps the budget of its kind: remove it"


def megabytes(count: int) -> str:
    """Bytes as whole megabytes: ``1,234 MB``."""
    return f"{math.ceil(count / MB):,} MB"


def _most(columns: Mapping[str, Mapping[str, float]], tables: Mapping[str, float]) -> str:
    """The table of which most bytes are read, and its largest column."""
    if not tables:
        return "nothing"
    table = max(tables, key=lambda one: tables[one])
    of_table = f"{table.split('.', 1)[1]} ({megabytes(max(math.ceil(tables[table]), _LEAST))}"
    if tables[table] <= _LEAST:
        return f"{of_table}, the least for each table, and it refers to {len(tables)})"
    column = max(columns[table], key=lambda one: columns[table][one])
    return f"{of_table}, most of all its column {column}: {megabytes(math.ceil(columns[table][column]))})"
