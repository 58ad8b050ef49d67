"""``trueup reconcile``: judge and plan; with --fix, apply the plan and judge again."""

from dataclasses import dataclass, replace

from trueup.errors import CannotCheckError
from trueup.repair.documents.apply import Repairer, repair_days
from trueup.repair.documents.audit import RepairAudit
from trueup.repair.documents.plan import Plan, plan_repair
from trueup.repair.documents.steps import AUDIT, Actor, Step
from trueup.runs.reconcile import Judged, reconcile
from trueup.runs.variables import claim_lease, judge_settings
from trueup.runs.workplace import Workplace
from trueup.window import now


@dataclass(frozen=True)
class Repair:
    """The plans and steps of a run, and the verdicts after it. ``problem``: why the repair is incomplete, or ""."""

    judged: Judged
    plans: tuple[Plan, ...]
    steps: tuple[Step, ...] = ()
    problem: str = ""


def plan_repairs(work: Workplace, actor: Actor) -> Repair:
    """Judge every document and plan its repair. Writes only verdicts."""
    judged = reconcile(work)
    if judged.unread:
        return Repair(judged, ())
    settings = judge_settings(work.settings)
    plans = (
        plan_repair(day, judged.snapshots.get(day.game_date.isoformat()), work.reference, settings, actor.name)
        for day in judged.days
    )
    return Repair(judged, tuple(plans))


def apply_repairs(work: Workplace, planned: Repair, actor: Actor) -> Repair:
    """Apply the plans and judge again. Raises CannotCheckError only if no repair was started."""
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
            lease=claim_lease(work.settings),
            now=now,
        )
        steps, problem = repair_days(repairer, planned.judged.days, planned.judged.snapshots)
    # Phase 4 was started after the run's as_of, so the repaired documents are judged as of now.
    later = replace(work.settings, window=replace(work.settings.window, as_of=now()))
    try:
        judged = reconcile(replace(work, settings=later))
    except CannotCheckError as error:  # the steps must be told all the same
        judged = planned.judged
        problem = f"{problem} The documents could not be judged again after the repair. {error.text}".strip()
    return Repair(judged, planned.plans, tuple(steps), problem)


def repair_audit(work: Workplace, actor: Actor) -> RepairAudit:
    """The audit table of this run's warehouse."""
    return RepairAudit(work.tables, work.schemas[AUDIT], work.dataset, actor, now)
