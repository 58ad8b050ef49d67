"""Converts a plan to steps."""

from __future__ import annotations

from trueup.repair.documents.plan import REPAIRED_RULES, Plan
from trueup.repair.documents.steps import SET_FIELD, START, Step, StepState

_ACTIONS = {"DONE001": SET_FIELD, "DONE002": SET_FIELD, "TRIG001": START}


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
