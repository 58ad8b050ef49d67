"""A repair on the embedded default and on Google's emulators: what it does, refuses, and leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from helpers.cases import DAY, KEY, OFFENSE, PLAYERS, document, evidence, failures
from helpers.doubles import around, nth, raising
from helpers.platforms import Platform
from helpers.repairs import (
    BROKEN,
    NIGHT,
    Recorded,
    fields_of,
    is_repaired,
    keys_of,
    repair,
    repairer,
    states,
    texts_of,
    write,
)
from trueup.completion.claim import CLAIMS, take_claim
from trueup.completion.start import start_message
from trueup.completion.store import DOCUMENTS
from trueup.errors import CompletionsError, PublishError, WarehouseError
from trueup.repair.documents.apply import Repairer

ALL = [OFFENSE, "_completed_count", KEY]
AUDIT_GONE = raising(WarehouseError("BigQuery does not answer."))


@pytest.fixture
def broken(platform: Platform) -> Platform:
    """A platform with the broken night."""
    write(platform, BROKEN)
    return platform


class Gone:
    """A topic that does not answer."""

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        raise PublishError("Pub/Sub does not answer.", "Run it again.")

    def close(self) -> None: ...


def claim_alone(one: Repairer) -> None:
    """A claim as a starter leaves it who was killed before the message."""
    plan = one.plan(NIGHT, one.documents.read([KEY])[KEY])
    assert plan.start is not None
    assert plan.game_date == DAY
    message = start_message(plan.start.start, one.documents.read([KEY])[KEY], one.actor, one.now())
    take_claim(one.claims, KEY, message, one.owner, one.lease)


def test_a_broken_night_is_repaired_and_phase_4_started(broken: Platform) -> None:
    audit = Recorded()
    steps, trouble = repair(broken, audit=audit)
    assert trouble == ""
    assert states(steps) == [(subject, "applied") for subject in ALL]
    assert audit.states() == [*((subject, "started") for subject in ALL), *states(steps)]
    assert is_repaired(fields_of(broken, DOCUMENTS))
    ((message, attributes),) = broken.received()
    claim = fields_of(broken, CLAIMS)
    assert claim["state"] == "published"
    assert message == claim["message"]
    assert attributes == {"idempotency_key": f"{KEY}-{claim['claim_id']}", "game_date": KEY}
    assert message["trigger_source"] == "reconciliation"
    assert fields_of(broken, DOCUMENTS)["_triggered_at"] == claim["published_at"]


def test_the_repaired_rules_are_silent_and_a_second_repair_changes_nothing(broken: Platform) -> None:
    repair(broken)
    with closing(broken.collection(DOCUMENTS)) as store:
        before = store.read([KEY])[KEY]
        assert not {rule for rule, _ in failures(before, NIGHT)} & {"DONE001", "DONE002", "TRIG001"}
        assert repair(broken) == ([], "")
        assert store.read([KEY])[KEY].update_time == before.update_time
    assert len(broken.received()) == 1


def test_where_phase_4_has_written_nothing_is_sent(broken: Platform) -> None:
    steps, _ = repair(broken, evidence())
    assert {step.state for step in steps} == {"applied"}
    assert fields_of(broken, DOCUMENTS)["_triggered"] is True
    assert broken.received() == []
    with closing(broken.collection(CLAIMS)) as claims:
        assert claims.read([KEY]) == {}


def test_what_the_evidence_does_not_prove_is_refused_and_written_down(platform: Platform) -> None:
    write(platform, document(remove=(OFFENSE,), _completed_count=4).fields)
    audit = Recorded()
    steps, _ = repair(platform, evidence(**{OFFENSE: {"is_backfill": None}}), audit=audit)
    assert states(steps) == [(OFFENSE, "refused")] == audit.states()
    assert OFFENSE not in fields_of(platform, DOCUMENTS)


def test_a_document_that_changes_between_plan_and_apply_is_judged_again(broken: Platform) -> None:
    """The lost report arrives after all, with another count: nothing of it may be overwritten."""
    late = {**BROKEN, OFFENSE: {"status": "success", "record_count": 56, "execution_id": "late"}, "_completed_count": 3}
    steps, trouble = repair(broken, meanwhile=nth(1, lambda: write(broken, late), "update"))
    assert trouble == ""
    assert states(steps) == [("_completed_count", "applied"), (KEY, "applied")]
    fields = fields_of(broken, DOCUMENTS)
    assert fields[OFFENSE] == late[OFFENSE]
    assert fields["_completed_count"] == 5
    assert fields["_triggered"] is True


def test_the_orchestrator_that_starts_phase_4_meanwhile_is_left_alone(platform: Platform) -> None:
    write(platform, {**BROKEN, OFFENSE: {"status": "success", "record_count": 56}, "_completed_count": 5})
    started = {**fields_of(platform, DOCUMENTS), "_triggered": True, "_trigger_reason": "all_complete"}
    # The second reading comes after the plan and before the message.
    assert repair(platform, meanwhile=nth(2, lambda: write(platform, started), "read")) == ([], "")
    assert platform.received() == []
    assert fields_of(platform, DOCUMENTS)["_trigger_reason"] == "all_complete"
    assert fields_of(platform, CLAIMS)["state"] == "released"


def test_a_document_that_never_stops_changing_is_given_up_after_a_few_times(broken: Platform) -> None:
    counts = count()

    def stir(called: str, *_: object) -> None:
        if called == "update":
            write(broken, {**BROKEN, "stirred": {"status": "success", "record_count": next(counts)}})

    steps, trouble = repair(broken, meanwhile=stir)
    assert trouble == ""
    assert {step.state for step in steps} == {"refused"}
    assert "changed 6 times" in steps[0].reason


def test_a_start_that_another_has_just_claimed_is_left_to_them(broken: Platform) -> None:
    with repairer(broken, owner="bob@pc/2") as bob:
        claim_alone(bob)
    steps, _ = repair(broken)
    assert states(steps)[-1] == (KEY, "refused")
    assert "bob@pc/2" in steps[-1].reason
    assert broken.received() == []
    assert "_triggered" not in fields_of(broken, DOCUMENTS)


def test_a_stale_claim_is_taken_over_with_its_key_and_its_message(broken: Platform) -> None:
    with repairer(broken, owner="bob@pc/2") as bob:
        claim_alone(bob)
    stale = fields_of(broken, CLAIMS)
    repair(broken, lease=timedelta(0))
    ((message, attributes),) = broken.received()
    assert attributes["idempotency_key"] == f"{KEY}-{stale['claim_id']}"
    assert message == stale["message"]
    assert fields_of(broken, CLAIMS)["owner"] == "ann@laptop/1"
    assert is_repaired(fields_of(broken, DOCUMENTS))


def test_pubsub_gone_half_way_is_reported_and_a_rerun_finishes(broken: Platform) -> None:
    audit = Recorded()
    steps, trouble = repair(broken, NIGHT, evidence(), topic=Gone(), audit=audit)
    assert "Pub/Sub does not answer" in trouble
    assert states(steps)[:3] == [(OFFENSE, "applied"), ("_completed_count", "applied"), (KEY, "failed")]
    assert {step.state for step in steps[3:]} == {"not_done"}
    assert audit.states()[-len(steps) :] == states(steps)
    assert "_triggered" not in fields_of(broken, DOCUMENTS)
    assert repair(broken, owner="bob@pc/2")[1] == ""
    assert is_repaired(fields_of(broken, DOCUMENTS))
    assert len(broken.received()) == 1


def test_documents_gone_half_way_are_reported_and_a_rerun_finishes(broken: Platform) -> None:
    gone = raising(CompletionsError("Firestore does not answer.", "Try again."))
    steps, trouble = repair(broken, meanwhile=nth(2, gone, "update"))
    assert "Firestore does not answer" in trouble
    assert states(steps) == [(OFFENSE, "applied"), ("_completed_count", "applied"), (KEY, "failed")]
    assert repair(broken, owner="bob@pc/2")[1] == ""
    assert is_repaired(fields_of(broken, DOCUMENTS))
    assert len(broken.received()) == 1, "it was written down as published: it need not be sent again"


def test_without_an_audit_nothing_is_done(broken: Platform) -> None:
    with pytest.raises(WarehouseError):
        repair(broken, audit=around(Recorded(), nth(1, AUDIT_GONE)))
    assert fields_of(broken, DOCUMENTS) == BROKEN


def test_an_audit_that_fails_in_the_end_is_reported_after_the_repair(broken: Platform) -> None:
    steps, trouble = repair(broken, audit=around(Recorded(), nth(2, AUDIT_GONE)))
    assert {step.state for step in steps} == {"applied"}
    assert "could not be written" in trouble
    assert is_repaired(fields_of(broken, DOCUMENTS))


def test_a_claim_that_cannot_be_read_is_reported_and_nothing_is_sent(broken: Platform) -> None:
    with closing(broken.collection(CLAIMS)) as claims:
        claims.create(KEY, {"nonsense": 1})
    assert f"{CLAIMS}/{KEY} cannot be read" in repair(broken)[1]
    assert broken.received() == []


def test_messages_of_one_claim_are_the_same(broken: Platform) -> None:
    repair(broken, topic=Gone(), owner="bob@pc/2")

    class Twice:
        def __init__(self) -> None:
            self._topic = broken.topic()

        def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
            self._topic.publish(message, attributes)
            return self._topic.publish(message, attributes)

        def close(self) -> None:
            self._topic.close()

    repair(broken, topic=Twice())
    sent = broken.received()
    assert len(sent) == 2
    assert len(keys_of(sent)) == 1
    assert len(texts_of(sent)) == 1
    assert PLAYERS in fields_of(broken, DOCUMENTS)
