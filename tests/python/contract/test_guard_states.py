"""Reports, redeliveries, failures, kills and reconciliations in any order: what must hold after each of them.

By hand, with more runs: TRUEUP_NIGHTS=2000.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
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
from trueup.completion import claim
from trueup.completion.claim import Claim
from trueup.completion.document import FAILURES, Document, read_document
from trueup.completion.store import DOCUMENTS
from trueup.gateways.firestore import FirestoreCompletions
from trueup.guard import Completions, starting
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
KILLS = [0, *range(22, 12, -1), 0, *range(12, 0, -1), 0]
KILL = st.sampled_from(KILLS)


class Topic:
    """The topic of phase 4, in memory. It is killed with the one that sends, before or after the message is stored."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, str]] = []

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        self.sent.append({**attributes, "message": json.dumps(message, sort_keys=True)})
        return "1"

    def problem(self) -> str:
        return ""

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
    machine: Any = partial(Night, google, monkeypatch)
    run_state_machine_as_test(  # type: ignore[no-untyped-call, unused-ignore]
        machine,
        settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )  # fmt: skip


# --- each safeguard is needed -----------------------------------------------------------------------------------------


def kill_the_last_report_everywhere(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last report of a night, killed before or after each of its calls; then it comes again, and others do."""
    for call in range(max(KILLS) + 1):
        night = Night(google, monkeypatch)
        acts: list[Callable[[], Any]] = [
            partial(night.begin, 4),
            partial(night.deliver, FIVE[4], call),
            partial(night.deliver, FIVE[4], 0),
            partial(night.fail, FIVE[0], 0),
            partial(night.reconcile, 0),
        ]
        for act in acts:
            act()
            night.nothing_is_lost()
            night.phase_4_is_started_once()


def test_a_kill_of_the_last_report_at_any_call_keeps_what_must_hold(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_the_last_report_everywhere(google, monkeypatch)


def without_claims(patch: pytest.MonkeyPatch) -> None:
    """Whoever finds the night complete sends the message."""

    def claimed(claims: Any, key: str, message: Mapping[str, Any], owner: str, lease: Any) -> Claim:
        return Claim(uuid.uuid4().hex, owner, "claimed", message, datetime.now(UTC))

    patch.setattr(starting, "take_claim", claimed)
    patch.setattr(claim, "set_state", lambda claims, key, one, state: replace(one, published_at=datetime.now(UTC)))


def message_of_the_second_one(patch: pytest.MonkeyPatch) -> None:
    """Whoever takes a claim over sends a message of its own."""
    read = claim._read_claim
    patch.setattr(claim, "_read_claim", lambda snapshot, like: replace(read(snapshot, like), message=like))


def marked_before_it_is_sent(patch: pytest.MonkeyPatch) -> None:
    start = starting.Starter.start

    def marked(self: Any, key: str) -> bool:
        snapshot = self.documents.read([key])[key]
        self.documents.update(key, {"_triggered": True}, snapshot.update_time)
        self.publish(self._message(snapshot, read_document(snapshot, self.roster)), {"idempotency_key": key})
        return start(self, key)

    patch.setattr(starting.Starter, "start", marked)


def failure_takes_the_delivery_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Document, "has_delivered", lambda self, name: False)
    patch.setattr(Document, "delivered", lambda self, roster: _delivered_by_status(self, roster))


def _delivered_by_status(document: Document, roster: Any) -> tuple[str, ...]:
    return tuple(
        sorted(name for name, one in document.reports.items() if one.is_delivered and name in roster.processors)
    )


def failure_is_kept_nowhere(patch: pytest.MonkeyPatch) -> None:
    merge = FirestoreCompletions.merge

    def forgetful(self: Any, key: str, fields: Mapping[str, Any], paths: Any) -> None:
        if FAILURES not in fields:
            merge(self, key, fields, paths)

    patch.setattr(FirestoreCompletions, "merge", forgetful)
    patch.setattr(Completions, "_show_failure", lambda self, report, snapshot: snapshot)


def counted_before_it_is_stored(patch: pytest.MonkeyPatch) -> None:
    store, read = Completions._store, Completions._read

    def early(self: Any, report: Any) -> None:
        found = self._documents.read([report.document_id]).get(report.document_id)
        store(self, report)
        patch.setattr(Completions, "_read", lambda self, key: found or read(self, key))

    patch.setattr(Completions, "_store", early)


def start_is_not_waited_for(patch: pytest.MonkeyPatch) -> None:
    """A report that finds another one at the start ends well, so that nobody comes back after a kill."""

    def careless(self: Any, key: str) -> bool:
        with suppress(Exception):
            return start(replace(self, patience=timedelta(0)), key)
        return False

    start = starting.Starter.start
    patch.setattr(starting.Starter, "start", careless)


@pytest.mark.parametrize(
    "plant",
    [
        without_claims,
        message_of_the_second_one,
        marked_before_it_is_sent,
        failure_takes_the_delivery_back,
        failure_is_kept_nowhere,
        counted_before_it_is_stored,
        start_is_not_waited_for,
    ],
)
def test_without_one_of_the_safeguards_something_does_not_hold(
    google: Google, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        kill_the_last_report_everywhere(google, monkeypatch)
