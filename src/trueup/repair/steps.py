"""What became of a repair, step by step: the shape of the table ``repair_audit``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

from trueup.completions import encode_document
from trueup.repair.plan import REPAIRED_RULES, Plan

Outcome = Literal["started", "applied", "refused", "failed", "not_done"]
SET_FIELD = "set field"
START = "start phase 4"
AUDIT = "trueup.repair_audit"


@dataclass(frozen=True)
class Step:
    """One step of a repair. ``outcome``:

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
    outcome: Outcome
    before: Any = None
    after: Any = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


class AuditLog(Protocol):
    """Where every step is written down, before it is done and after."""

    def append(self, steps: Iterable[Step]) -> None:
        """Add the steps. Raises WarehouseError when that cannot be done."""


def planned_steps(plan: Plan, outcome: Outcome, reason: str = "") -> list[Step]:
    """All that the plan changes, as steps of this outcome."""
    steps = [
        Step(plan.game_date, edit.rule, edit.field, SET_FIELD, outcome, edit.old, edit.new, edit.evidence, reason)
        for edit in plan.edits
    ]
    if plan.start:
        steps.append(
            Step(
                plan.game_date,
                plan.start.rule,
                plan.document_id,
                START,
                outcome,
                after={"_triggered": True},
                evidence=plan.start.evidence,
                reason=reason,
            )
        )
    return steps


def refused_steps(plan: Plan) -> list[Step]:
    """The findings that could have been repaired and were not, for the evidence does not prove it."""
    return [
        Step(plan.game_date, one.rule, one.subject, _ACTIONS[one.rule], "refused", reason=one.reason)
        for one in plan.left
        if one.rule in REPAIRED_RULES
    ]


_ACTIONS = {"DONE001": SET_FIELD, "DONE002": SET_FIELD, "TRIG001": START}


def value_text(value: Any) -> str:
    """A document's value as JSON text, moments as in scenario files."""
    return json.dumps(encode_document({"": value})[""], ensure_ascii=False, sort_keys=True)
