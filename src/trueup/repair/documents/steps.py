"""The steps of a repair, as in the table ``repair_audit``."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

from trueup.completion.encoding import encode_document
from trueup.repair.documents.plan import REPAIRED_RULES, Plan

StepState = Literal["started", "applied", "refused", "failed", "not_done"]
SET_FIELD = "set field"
START = "start phase 4"
AUDIT = "trueup.repair_audit"
_ACTIONS = {"DONE001": SET_FIELD, "DONE002": SET_FIELD, "TRIG001": START}


@dataclass(frozen=True)
class Step:
    """One step of a repair. ``state``:

    started   written before the repair; if no other state follows, the run was interrupted
    applied   done and confirmed by the store
    refused   not done: the evidence does not prove it, or another run changed or claimed the document
    failed    a store did not answer; the next run finds out whether it was done
    not_done  not tried, because an earlier step failed
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
    """Who repairs. ``name`` is user@host; ``run_id`` is unique to this run."""

    name: str
    run_id: str

    @property
    def owner(self) -> str:
        """The owner of this run's claims."""
        return f"{self.name}/{self.run_id}"


class AuditLog(Protocol):
    """The log of every step, before and after it is done."""

    def append(self, steps: Iterable[Step]) -> None:
        """Append the steps. Raises WarehouseError."""


def value_text(value: Any) -> str:
    """A document's value as JSON text, with timestamps as in scenario files."""
    return json.dumps(encode_document({"": value})[""], ensure_ascii=False, sort_keys=True)


def planned_steps(plan: Plan, state: StepState, reason: str = "") -> list[Step]:
    """All changes of the plan, as steps in this state."""
    steps = [
        Step(plan.game_date, edit.rule, edit.field, SET_FIELD, state, edit.old, edit.new, edit.evidence, reason)
        for edit in plan.edits
    ]
    if plan.start:
        steps.append(
            Step(
                plan.game_date,
                plan.start.rule,
                plan.document_id,
                START,
                state,
                after={"_triggered": True},
                evidence=plan.start.evidence,
                reason=reason,
            )
        )
    return steps


def refused_steps(plan: Plan) -> list[Step]:
    """The repairable findings that are not repaired because the evidence does not prove the repair."""
    return [
        Step(plan.game_date, one.rule, one.subject, _ACTIONS[one.rule], "refused", reason=one.reason)
        for one in plan.left
        if one.rule in REPAIRED_RULES
    ]
