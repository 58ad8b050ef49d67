"""Reports, redeliveries, failures, kills and reconciliations in any order: what must hold after each of them.

By hand, with more runs: TRUEUP_NIGHTS=2000.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from google.cloud import firestore
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from helpers.cases import FIVE, NO_ROWS, REFERENCE
from helpers.doubles import Killed
from helpers.emulators import Google
from helpers.repairs import night_on, repairer
from trueup.completion.document import FAILURES, Document, read_document
from trueup.completion.store import DOCUMENTS
from trueup.gateways.firestore import FirestoreCompletions
from trueup.guard import Completions
from trueup.judge.case import JudgeSettings
from trueup.judge.evidence import DayEvidence
from trueup.repair.documents.apply import repair_days

# One worker: the emulators are expensive.

RUNS = int(os.environ.get("TRUEUP_NIGHTS", "12"))
STEPS = 12
LEASE = timedelta(seconds=0.2)
NUMBERS = count()
METHODS = ("read", "merge", "create", "update")
WHAT = st.sampled_from(["deliver", "deliver", "deliver", "fail", "reconcile"])
# Nights begin with the first processors, and hypothesis prefers the first values: so the last ones come first.
PROCESSOR = st.sampled_from(FIVE[::-1])
# Before or after each of the ten calls of a report that starts phase 4; 0: not at all.
KILL = st.sampled_from([0, *range(22, 12, -1), 0, *range(12, 0, -1), 0])


class Topic:
    """The topic of phase 4, in memory. It is killed with the one that sends, before or after the message is stored."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, str]] = []

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        self.sent.append({**attributes, "message": json.dumps(message, sort_keys=True)})
        return "1"

    def close(self) -> None: ...


class Night(RuleBasedStateMachine):
    def __init__(self, google: Google, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.google, self.patch = google, patch
        self.day = date(2026, 1, 1) + timedelta(days=next(NUMBERS))
        self.key = self.day.isoformat()
        self.topic = Topic()
        client = firestore.Client(project=google.project)
        self.completions = Completions(client, REFERENCE.roster, self.topic.publish, lease=LEASE)
        self.store = google.collection(DOCUMENTS)
        self.delivered: set[str] = set()
        self.failed: set[str] = set()
        self.kills = 0
        self.is_settled = True

    @initialize(already=st.sampled_from([4, 4, 3, 0]))
    def begin(self, already: int) -> None:
        for processor in FIVE[:already]:
            self.deliver(processor, 0)

    def killed_at(self, call: int, act: Any) -> bool:
        """Whether the act was killed: before or after its Nth call to Firestore (0: never)."""
        calls, place, is_after = count(1), (call + 1) // 2, call % 2 == 0
        with self.patch.context() as patched:
            for name in METHODS:
                method = getattr(FirestoreCompletions, name)

                def told(one: Any, *given: Any, _method: Any = method, **named: Any) -> Any:
                    is_last = call > 0 and next(calls) == place
                    if is_last and not is_after:
                        raise Killed
                    result = _method(one, *given, **named)
                    if is_last:
                        raise Killed
                    return result

                patched.setattr(FirestoreCompletions, name, told)
            try:
                act()
            except Killed:
                self.kills += 1
                return True
        return False

    # One rule: as three rules, whole nights have reconciliations only (each night switches rules off).
    @rule(what=WHAT, processor=PROCESSOR, call=KILL)
    def step(self, what: str, processor: str, call: int) -> None:
        if what == "deliver":
            self.deliver(processor, call)
        elif what == "fail":
            self.fail(processor, call)
        else:
            self.reconcile(call)

    def deliver(self, processor: str, call: int) -> None:
        ends: list[Any] = []
        report = {"status": "success", "record_count": 56}
        was_killed = self.killed_at(
            call,
            lambda: ends.append(self.completions.report(self.key, processor, **report)),  # type: ignore[arg-type]
        )
        self.is_settled = not was_killed
        if not was_killed:
            self.delivered.add(processor)
            document = self.document()
            assert document is not None
            (outcome,) = ends
            assert outcome.completed_count == len(document.delivered(REFERENCE.roster))
            assert outcome.is_complete is (outcome.completed_count == len(FIVE))
            assert document.is_triggered is outcome.is_complete

    def fail(self, processor: str, call: int) -> None:
        was_killed = self.killed_at(call, lambda: self.completions.report(self.key, processor, status="failed"))
        self.is_settled = not was_killed
        if not was_killed:
            self.failed.add(processor)

    def reconcile(self, call: int) -> None:
        document = self.document()
        if document is None:
            return
        now = datetime.now(UTC) + timedelta(hours=2)
        night = night_on(self.day)
        rows = {
            name: one if document.has_delivered(name) else replace(one, **NO_ROWS)
            for name, one in night.processors.items()
        }

        def act() -> None:
            with repairer(self.google, owner=f"r@host/{self.kills}", lease=LEASE, topic=self.topic) as made:
                by = replace(made, settings=JudgeSettings(as_of=now))
                evidence = DayEvidence(night.game_day, rows, night.phase4)
                repair_days(by, [evidence], by.documents.read([self.key]))

        self.killed_at(call, act)

    def document(self) -> Document | None:
        found = self.store.read([self.key]).get(self.key)
        if found is None:
            return None
        document = read_document(found, REFERENCE.roster)
        assert isinstance(document, Document)
        return document

    @invariant()
    def nothing_is_lost(self) -> None:
        document = self.document()
        if document is None:
            assert not self.delivered | self.failed
            return
        assert self.delivered <= set(document.delivered(REFERENCE.roster))
        assert self.failed <= set(self.store.read([self.key])[self.key].fields.get(FAILURES, {}))
        if self.is_settled:
            assert (document.completed_count or 0) == len(document.delivered(REFERENCE.roster))

    @invariant()
    def phase_4_is_started_once(self) -> None:
        assert len({one["idempotency_key"] for one in self.topic.sent}) <= 1
        assert len({one["message"] for one in self.topic.sent}) <= 1, "one key, one message"
        assert len(self.topic.sent) <= 1 + self.kills
        document = self.document()
        if document is not None and document.is_triggered:
            assert self.topic.sent
            assert len(document.delivered(REFERENCE.roster)) == len(FIVE)


def test_a_night_of_any_steps_keeps_what_must_hold(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = list(HealthCheck)
    machine: Any = partial(Night, google, monkeypatch)
    run_state_machine_as_test(  # type: ignore[no-untyped-call, unused-ignore]
        machine,
        settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, deadline=None, suppress_health_check=checks, database=None
        ),
    )
