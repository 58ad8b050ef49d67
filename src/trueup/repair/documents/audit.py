"""The table ``repair_audit``: every step of every repair, with its actor and time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from trueup.repair.documents.steps import Actor, Step, value_text
from trueup.schemas import TableSchema


class AuditTables(Protocol):
    """The operations of the warehouse that the audit needs."""

    def create_table(self, schema: TableSchema, dataset: str) -> None:
        """Create a table unless it exists."""

    def load(self, dataset: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows."""

    def rows_between(
        self, model: str, columns: Sequence[str], first_date: date, last_date: date
    ) -> list[dict[str, Any]]:
        """The named columns on the given days."""


@dataclass(frozen=True)
class RepairAudit:
    """The audit table, for one run. Every method raises WarehouseError."""

    tables: AuditTables
    schema: TableSchema
    dataset: str
    actor: Actor
    now: Callable[[], datetime]

    def append(self, steps: Iterable[Step]) -> None:
        """See AuditLog."""
        rows = [self._row(step) for step in steps]
        if rows:
            self.tables.create_table(self.schema, self.dataset)
            self.tables.load(self.dataset, self.schema.table, rows)

    def history(self, first_date: date, last_date: date) -> list[dict[str, Any]]:
        """Every step on the documents of the given days, oldest first."""
        self.tables.create_table(self.schema, self.dataset)
        rows = self.tables.rows_between(self.schema.table, list(self.schema.columns), first_date, last_date)
        return sorted(rows, key=lambda row: (row["recorded_at"], row["game_date"], row["rule"], row["subject"]))

    def _row(self, step: Step) -> dict[str, Any]:
        return {
            **vars(step),
            **{name: value_text(getattr(step, name)) for name in ("before", "after", "evidence")},
            "game_date": step.game_date.isoformat(),
            "run_id": self.actor.run_id,
            "recorded_at": self.now().isoformat(),
            "actor": self.actor.name,
        }
