"""A repair on the embedded default and on Google's emulators: what it does, refuses, and leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest

from helpers.cases import DAY, KEY, OFFENSE, PLAYERS, document, evidence, failures
from helpers.platforms import Platform
from helpers.repairs import BROKEN, NIGHT, Recorded, fields_of, is_repaired, keys_of, repairer, texts_of, write
from trueup.completion.claim import CLAIMS
from trueup.completion.store import DOCUMENTS, CompletionStore, Snapshot
from trueup.errors import CompletionsError, PublishError, WarehouseError
from trueup.judge.evidence import DayEvidence
from trueup.repair.documents.apply import Repairer, repair_days
from trueup.repair.documents.steps import Step


def repair(one: Repairer, day: DayEvidence = NIGHT) -> tuple[list[Step], str]:
    return repair_days(one, [day], one.documents.read([KEY]))


def states(steps: Sequence[Step]) -> list[tuple[str, str]]:
    return [(step.subject, step.state) for step in steps]


ALL = [OFFENSE, "_completed_count", KEY]


def test_a_broken_night_is_repaired_and_phase_4_started(platform: Platform) -> None:
    write(platform, BROKEN)
    audit = Recorded()
    with repairer(platform, audit=audit) as one:
        steps, trouble = repair(one)
    assert trouble == ""
    assert states(steps) == [(subject, "applied") for subject in ALL]
    assert audit.states() == [*((subject, "started") for subject in ALL), *states(steps)]
    assert is_repaired(fields_of(platform, DOCUMENTS))
    ((message, attributes),) = platform.received()
    claim = fields_of(platform, CLAIMS)
    assert claim["state"] == "published"
    assert message == claim["message"]
    assert attributes == {"idempotency_key": f"{KEY}-{claim['claim_id']}", "game_date": KEY}
    assert message["trigger_source"] == "reconciliation"
    assert fields_of(platform, DOCUMENTS)["_triggered_at"] == claim["published_at"]


def test_the_repaired_rules_are_silent_and_a_second_repair_changes_nothing(platform: Platform) -> None:
    write(platform, BROKEN)
    with repairer(platform) as one:
        repair(one)
        before = one.documents.read([KEY])[KEY]
        assert not {rule for rule, _ in failures(before, NIGHT)} & {"DONE001", "DONE002", "TRIG001"}
        assert repair(one) == ([], "")
        assert one.documents.read([KEY])[KEY].update_time == before.update_time
    assert len(platform.received()) == 1


def test_where_phase_4_has_written_nothing_is_sent(platform: Platform) -> None:
    write(platform, BROKEN)
    with repairer(platform) as one:
        steps, _ = repair(one, evidence())
    assert {step.state for step in steps} == {"applied"}
    assert fields_of(platform, DOCUMENTS)["_triggered"] is True
    assert platform.received() == []
    with closing(platform.collection(CLAIMS)) as claims:
        assert claims.read([KEY]) == {}


def test_what_the_evidence_does_not_prove_is_refused_and_written_down(platform: Platform) -> None:
    write(platform, document(remove=(OFFENSE,), _completed_count=4).fields)
    audit = Recorded()
    with repairer(platform, audit=audit) as one:
        steps, _ = repair(one, evidence(**{OFFENSE: {"is_backfill": None}}))
    assert states(steps) == [(OFFENSE, "refused")] == audit.states()
    assert OFFENSE not in fields_of(platform, DOCUMENTS)


class Wrapped:
    """A store that lets a test act before its writes, or be gone."""

    def __init__(self, store: CompletionStore, before_update: Callable[[int], None]) -> None:
        self._store = store
        self._before_update = before_update
        self._updates = 0

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        return self._store.read(document_ids)

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        return self._store.replace(document_id, fields)

    def create(self, document_id: str, fields: Mapping[str, Any]) -> None:
        self._store.create(document_id, fields)

    def update(self, document_id: str, changes: Mapping[str, Any], update_time: datetime) -> None:
        self._updates += 1
        self._before_update(self._updates)
        self._store.update(document_id, changes, update_time)

    def close(self) -> None:
        self._store.close()


def test_a_document_that_changes_between_plan_and_apply_is_judged_again(platform: Platform) -> None:
    """The lost report arrives after all, with another count: nothing of it may be overwritten."""
    write(platform, BROKEN)
    late = {**BROKEN, OFFENSE: {"status": "success", "record_count": 56, "execution_id": "late"}, "_completed_count": 3}

    def arrive(update: int) -> None:
        if update == 1:
            write(platform, late)

    with closing(platform.collection(DOCUMENTS)) as store, repairer(platform, documents=Wrapped(store, arrive)) as one:
        steps, trouble = repair(one)
    assert trouble == ""
    assert states(steps) == [("_completed_count", "applied"), (KEY, "applied")]
    fields = fields_of(platform, DOCUMENTS)
    assert fields[OFFENSE] == late[OFFENSE]
    assert fields["_completed_count"] == 5
    assert fields["_triggered"] is True


def test_the_orchestrator_that_starts_phase_4_meanwhile_is_left_alone(platform: Platform) -> None:
    write(platform, {**BROKEN, OFFENSE: {"status": "success", "record_count": 56}, "_completed_count": 5})
    started = {**fields_of(platform, DOCUMENTS), "_triggered": True, "_trigger_reason": "all_complete"}

    class Racing(Wrapped):
        reads = 0

        def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
            self.reads += 1
            if self.reads == 2:  # after the plan, before the message
                write(platform, started)
            return super().read(document_ids)

    with (
        closing(platform.collection(DOCUMENTS)) as store,
        repairer(platform, documents=Racing(store, lambda _: None)) as one,
    ):
        steps, trouble = repair(one)
    assert (steps, trouble) == ([], "")
    assert platform.received() == []
    assert fields_of(platform, DOCUMENTS)["_trigger_reason"] == "all_complete"
    assert fields_of(platform, CLAIMS)["state"] == "released"


def test_a_document_that_never_stops_changing_is_given_up_after_a_few_times(platform: Platform) -> None:
    write(platform, BROKEN)

    def stir(update: int) -> None:
        write(platform, {**BROKEN, "stirred": {"status": "success", "record_count": update}})

    with closing(platform.collection(DOCUMENTS)) as store, repairer(platform, documents=Wrapped(store, stir)) as one:
        steps, trouble = repair(one)
    assert trouble == ""
    assert {step.state for step in steps} == {"refused"}
    assert "changed 6 times" in steps[0].reason


def test_a_start_that_another_has_just_claimed_is_left_to_them(platform: Platform) -> None:
    write(platform, BROKEN)
    with repairer(platform, topic=Gone(), owner="bob@pc/2") as bob:
        _claim_alone(bob)
    with repairer(platform) as ann:
        steps, _ = repair(ann)
    assert states(steps)[-1] == (KEY, "refused")
    assert "bob@pc/2" in steps[-1].reason
    assert platform.received() == []
    assert "_triggered" not in fields_of(platform, DOCUMENTS)


def test_a_stale_claim_is_taken_over_with_its_key_and_its_message(platform: Platform) -> None:
    write(platform, BROKEN)
    with repairer(platform, topic=Gone(), owner="bob@pc/2") as bob:
        _claim_alone(bob)
    stale = fields_of(platform, CLAIMS)
    with repairer(platform, lease=timedelta(0)) as ann:
        repair(ann)
    ((message, attributes),) = platform.received()
    assert attributes["idempotency_key"] == f"{KEY}-{stale['claim_id']}"
    assert message == stale["message"]
    assert fields_of(platform, CLAIMS)["owner"] == "ann@laptop/1"
    assert is_repaired(fields_of(platform, DOCUMENTS))


class Gone:
    """A topic that does not answer."""

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        raise PublishError("Pub/Sub does not answer.", "Run it again.")

    def close(self) -> None: ...


def test_pubsub_gone_half_way_is_reported_and_a_rerun_finishes(platform: Platform) -> None:
    write(platform, BROKEN)
    audit = Recorded()
    other = evidence()
    with repairer(platform, topic=Gone(), audit=audit) as one:
        steps, trouble = repair_days(one, [NIGHT, other], one.documents.read([KEY]))
    assert "Pub/Sub does not answer" in trouble
    assert states(steps)[:3] == [(OFFENSE, "applied"), ("_completed_count", "applied"), (KEY, "failed")]
    assert {step.state for step in steps[3:]} == {"not_done"}
    assert audit.states()[-len(steps) :] == states(steps)
    assert "_triggered" not in fields_of(platform, DOCUMENTS)
    with repairer(platform, owner="bob@pc/2") as again:
        assert repair(again)[1] == ""
    assert is_repaired(fields_of(platform, DOCUMENTS))
    assert len(platform.received()) == 1


def test_documents_gone_half_way_are_reported_and_a_rerun_finishes(platform: Platform) -> None:
    write(platform, BROKEN)

    def go(update: int) -> None:
        if update == 2:
            raise CompletionsError("Firestore does not answer.", "Try again.")

    with closing(platform.collection(DOCUMENTS)) as store, repairer(platform, documents=Wrapped(store, go)) as one:
        steps, trouble = repair(one)
    assert "Firestore does not answer" in trouble
    assert states(steps) == [(OFFENSE, "applied"), ("_completed_count", "applied"), (KEY, "failed")]
    with repairer(platform, owner="bob@pc/2") as again:
        assert repair(again)[1] == ""
    assert is_repaired(fields_of(platform, DOCUMENTS))
    sent = platform.received()
    assert len(sent) == 1, "it was written down as published: it need not be sent again"


def test_without_an_audit_nothing_is_done(platform: Platform) -> None:
    write(platform, BROKEN)

    class Unwritable(Recorded):
        def append(self, steps: Any) -> None:
            raise WarehouseError("BigQuery does not answer.")

    with repairer(platform, audit=Unwritable()) as one, pytest.raises(WarehouseError):
        repair(one)
    assert fields_of(platform, DOCUMENTS) == BROKEN


def test_an_audit_that_fails_in_the_end_is_reported_after_the_repair(platform: Platform) -> None:
    write(platform, BROKEN)

    class Failing(Recorded):
        def append(self, steps: Any) -> None:
            if self.steps:
                raise WarehouseError("BigQuery does not answer.")
            super().append(steps)

    with repairer(platform, audit=Failing()) as one:
        steps, trouble = repair(one)
    assert {step.state for step in steps} == {"applied"}
    assert "could not be written" in trouble
    assert is_repaired(fields_of(platform, DOCUMENTS))


def test_a_claim_that_cannot_be_read_is_reported_and_nothing_is_sent(platform: Platform) -> None:
    write(platform, BROKEN)
    with closing(platform.collection(CLAIMS)) as claims:
        claims.create(KEY, {"nonsense": 1})
    with repairer(platform) as one:
        _, trouble = repair(one)
    assert f"{CLAIMS}/{KEY} cannot be read" in trouble
    assert platform.received() == []


def _claim_alone(one: Repairer) -> None:
    """A claim as a starter leaves it who was killed before the message."""

    from trueup.completion.claim import take_claim
    from trueup.completion.start import start_message

    plan = one.plan(NIGHT, one.documents.read([KEY])[KEY])
    assert plan.start is not None
    assert plan.game_date == DAY
    message = start_message(plan.start.start, one.documents.read([KEY])[KEY], one.actor, one.now())
    take_claim(one.claims, KEY, message, one.owner, one.lease)


def test_messages_of_one_claim_are_the_same(platform: Platform) -> None:
    write(platform, BROKEN)
    with repairer(platform, topic=Gone(), owner="bob@pc/2") as bob:
        repair(bob)

    class Twice:
        def __init__(self) -> None:
            self._topic = platform.topic()

        def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
            self._topic.publish(message, attributes)
            return self._topic.publish(message, attributes)

        def close(self) -> None:
            self._topic.close()

    with repairer(platform, topic=Twice()) as one:
        repair(one)
    sent = platform.received()
    assert len(sent) == 2
    assert len(keys_of(sent)) == 1
    assert len(texts_of(sent)) == 1
    assert PLAYERS in fields_of(platform, DOCUMENTS)
