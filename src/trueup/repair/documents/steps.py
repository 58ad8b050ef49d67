"""What became of a repair, step by step: the shape of the table ``repair_audit``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

from trueup.completion.encoding import encode_document

StepState = Literal["started", "applied", "refused", "failed", "not_done"]
SET_FIELD = "set field"
START = "start phase 4"
AUDIT = "trueup.repair_audit"


@dataclass(frozen=True)
class Step:
    """One step of a repair. ``state``:

    started   written down before anything is done: where nothing else follows, the run was interrupted
    applied   done, and seen to be done
    refused   not done: the evidence does not prove it, or another has changed or claimed it
    failed    a store did not answer; whether it was done shows the next run
    not_done  not tried after a failure before it
    """

    game_date: date
    rule: str
    subject: str
    action: str
    state: StepState
    before: Any = None
    after: Any = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Actor:
    """Who repairs: ``name`` for people (user@host), ``run_id`` for this run and no other."""

    name: str
    run_id: str

    @property
    def owner(self) -> str:
        """The name that this run's claims bear."""
        return f"{self.name}/{self.run_id}"


class AuditLog(Protocol):
    """Where every step is written down, before it is done and after."""

    def append(self, steps: Iterable[Step]) -> None:
        """Add the steps. Raises WarehouseError when that cannot be done."""


def value_text(value: Any) -> str:
    """A document's value as JSON text, moments as in scenario files."""
    return json.dumps(encode_document({"": value})[""], ensure_ascii=False, sort_keys=True)
