"""Applies repairs. Every write has the condition that the document has not changed since it was judged.

A changed document is read and judged again, up to _ATTEMPTS times. After a crash at any point, the next run continues.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trueup.completion.claim import Claim, HeldError, send_claimed, start_marks, take_claim
from trueup.completion.start import Phase4Topic, start_message
from trueup.completion.store import CompletionStore, Snapshot
from trueup.errors import CannotCheckError, ConflictError
from trueup.judge.case import JudgeSettings
from trueup.judge.evidence import DayEvidence
from trueup.repair.documents.plan import Plan, plan_repair
from trueup.repair.documents.steps import AuditLog, Step, planned_steps, refused_steps
from trueup.results.reference import Reference

_ATTEMPTS = 6
_LONGEST_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Repairer:
    """What a repair needs. ``owner``: unique to this run; ``lease``: when others may take over an unfinished claim."""

    documents: CompletionStore
    claims: CompletionStore
    topic: Phase4Topic
    audit: AuditLog
    reference: Reference
    settings: JudgeSettings
    actor: str
    owner: str
    lease: timedelta
    now: Callable[[], datetime]
    pause: Callable[[float], None] = time.sleep

    def plan(self, day: DayEvidence, snapshot: Snapshot | None) -> Plan:
        """Plan the repair of one date for this version of its document."""
        return plan_repair(day, snapshot, self.reference, self.settings, self.actor)


def repair_days(
    repairer: Repairer, days: Sequence[DayEvidence], snapshots: Mapping[str, Snapshot]
) -> tuple[list[Step], str]:
    """Repair every date, in order. Returns the steps with their states, and why the repair is incomplete (or "").

    Planned steps are written to the audit table first. If that fails, nothing is repaired.
    """
    plans = [repairer.plan(day, snapshots.get(day.game_date.isoformat())) for day in days]
    repairer.audit.append(step for plan in plans for step in planned_steps(plan, "started"))
    done: list[Step] = []
    problem = ""
    for day, plan in zip(days, plans, strict=True):
        if problem:
            done += planned_steps(plan, "not_done", "an earlier step failed")
            continue
        done += refused_steps(plan)
        if plan.is_empty:
            continue
        try:
            for step in _repair(repairer, day, snapshots[plan.document_id]):
                done.append(step)
        except CannotCheckError as error:
            problem = error.text
            done += [replace(step, state="failed", reason=problem) for step in _not_among(plan, done)]
    try:
        repairer.audit.append(done)
    except CannotCheckError as error:
        unwritten = "The audit table has the planned steps, but their results could not be written."
        problem = f"{problem} {unwritten} {error.text}".strip()
    return done, problem


def _repair(repairer: Repairer, day: DayEvidence, snapshot: Snapshot) -> Iterator[Step]:
    """Plan, write and read again until the plan is empty. Yields each step when it is done."""
    current: Snapshot | None = snapshot
    conflicts = 0
    while not (plan := repairer.plan(day, current)).is_empty:
        assert current is not None
        try:
            if plan.edits:
                changes = {edit.field: edit.new for edit in plan.edits}
                repairer.documents.update(plan.document_id, changes, current.update_time)
                yield from planned_steps(replace(plan, start=None), "applied")
            else:
                yield _start(repairer, plan, current)
        except HeldError as held:
            yield from planned_steps(plan, "refused", str(held))
            return
        except ConflictError:
            conflicts += 1
            if conflicts == _ATTEMPTS:
                yield from planned_steps(plan, "refused", f"the document changed {conflicts} times during the repair")
                return
            # Full jitter, so that colliding runs do not collide again.
            repairer.pause(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.05 * 2**conflicts)))
        current = repairer.documents.read([plan.document_id]).get(plan.document_id)


def _start(repairer: Repairer, plan: Plan, snapshot: Snapshot) -> Step:
    """Claim, publish, mark the claim as published, mark the document. In this order the message is never lost; it may
    be sent twice, but with the same key.
    """
    assert plan.start is not None
    message = start_message(plan.start.start, snapshot, repairer.actor, repairer.now())
    claim = take_claim(repairer.claims, plan.document_id, message, repairer.owner, repairer.lease)
    if claim.state != "published":
        claim = _publish(repairer, snapshot, claim)
    marks = start_marks(claim)
    repairer.documents.update(plan.document_id, marks, snapshot.update_time)
    return replace(
        planned_steps(replace(plan, edits=()), "applied")[0],
        before={name: snapshot.fields.get(name) for name in marks},
        after={**marks, "idempotency_key": claim.idempotency_key},
    )


def _publish(repairer: Repairer, snapshot: Snapshot, claim: Claim) -> Claim:
    """Send the message if the document is still as it was judged."""
    document_id = snapshot.document_id

    def is_unchanged() -> bool:
        now_there = repairer.documents.read([document_id]).get(document_id)
        return now_there is not None and now_there.update_time == snapshot.update_time

    return send_claimed(repairer.claims, document_id, claim, repairer.topic.publish, is_unchanged)


def _not_among(plan: Plan, done: Sequence[Step]) -> list[Step]:
    """The planned steps that were not applied before the failure."""
    keys = {(step.game_date, step.rule, step.subject, step.action) for step in done}
    return [
        step
        for step in planned_steps(plan, "failed")
        if (step.game_date, step.rule, step.subject, step.action) not in keys
    ]
