"""``trueup reconcile`` as a whole: judge, plan, and with --fix carry out and judge again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from trueup.repair.documents.apply import Repairer, repair_days
from trueup.repair.documents.audit import RepairAudit
from trueup.repair.documents.plan import Plan, plan_repair
from trueup.repair.documents.steps import AUDIT, Actor, Step
from trueup.runs.reconcile import Judged, reconcile
from trueup.runs.variables import judge_settings
from trueup.runs.workplace import Workplace
from trueup.window import now


@dataclass(frozen=True)
class Repair:
    """What a run of ``trueup reconcile`` found, would do, and did. ``judged`` is the state in the end;
    ``trouble``: why not all was done ("" when it was).
    """

    judged: Judged
    plans: tuple[Plan, ...]
    steps: tuple[Step, ...] = ()
    trouble: str = ""


def plan_repairs(work: Workplace, actor: Actor) -> Repair:
    """Judge every document and plan its repair; nothing is written but the verdicts."""
    judged = reconcile(work)
    if judged.unread:
        return Repair(judged, ())
    settings = judge_settings(work.settings)
    plans = (
        plan_repair(day, judged.snapshots.get(day.game_date.isoformat()), work.reference, settings, actor.name)
        for day in judged.days
    )
    return Repair(judged, tuple(plans))


def carry_out(work: Workplace, planned: Repair, actor: Actor) -> Repair:
    """Carry out the plans and judge again. Raises CannotCheckError where nothing was begun."""
    with work.repair_stores() as stores:
        repairer = Repairer(
            documents=stores.documents,
            claims=stores.claims,
            topic=stores.topic,
            audit=repair_audit(work, actor),
            reference=work.reference,
            settings=judge_settings(work.settings),
            actor=actor.name,
            owner=actor.owner,
            lease=timedelta(minutes=float(work.settings.variable("claim_lease_minutes"))),
            now=now,
        )
        steps, trouble = repair_days(repairer, planned.judged.days, planned.judged.snapshots)
    return Repair(reconcile(work), planned.plans, tuple(steps), trouble)


def repair_audit(work: Workplace, actor: Actor) -> RepairAudit:
    """The audit table of this run's warehouse."""
    return RepairAudit(work.tables, work.schemas[AUDIT], work.dataset, actor, now)
