"""What a repair meets in the field: no documents, no permission, giants, junk, and servers that go away."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest

from contract.test_repair import ALL, claim_alone
from helpers.cases import AS_OF, FIVE, KEY, REFERENCE, UNPLAYED, evidence
from helpers.doubles import nth
from helpers.emulators import Google, firestore_emulator, pubsub_emulator
from helpers.platforms import Embedded, Platform
from helpers.repairs import BROKEN, NIGHT, Recorded, fields_of, is_repaired, night_on, repair, repairer, states, write
from trueup.completion.store import DOCUMENTS
from trueup.errors import PublishError
from trueup.gateways.firestore import FirestoreCompletions
from trueup.gateways.pubsub import PubSubTopic
from trueup.judge.case import JudgeSettings
from trueup.judge.evidence import DayEvidence
from trueup.repair.documents.apply import repair_days
from trueup.runs.reconcile import NO_DOCUMENTS, Judged, judge_days


class Refusing(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Refuses what its account may not do, and hands the rest on to a real server."""

    def __init__(self, server: str = "", refused: str = "") -> None:
        self._channel = grpc.insecure_channel(server) if server else None
        self._refused = refused

    def service(self, details: Any) -> Any:
        method = details.method
        if self._channel is None or method.endswith(self._refused):

            def refuse(_: bytes, context: Any) -> bytes:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "Missing or insufficient permissions.")
                raise AssertionError

            return grpc.unary_unary_rpc_method_handler(refuse)
        if method.endswith("BatchGetDocuments"):
            stream = self._channel.unary_stream(method)
            metadata = details.invocation_metadata
            return grpc.unary_stream_rpc_method_handler(lambda data, _: stream(data, metadata=metadata))
        call = self._channel.unary_unary(method)
        return grpc.unary_unary_rpc_method_handler(lambda data, _: call(data, metadata=details.invocation_metadata))


@contextmanager
def refusing(server: str = "", refused: str = "") -> Iterator[str]:
    """A server that says PERMISSION_DENIED to everything, or to one method of a real one; its address."""
    front = grpc.server(ThreadPoolExecutor(4), handlers=[Refusing(server, refused)])
    port = front.add_insecure_port("127.0.0.1:0")
    front.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        front.stop(None)


def judge_one(platform: Platform, day: DayEvidence = NIGHT) -> Judged:
    return judge_days([day], lambda name: closing(platform.collection(name)), REFERENCE, JudgeSettings(as_of=AS_OF))


def test_a_project_without_the_collection_is_findings_and_a_hint_where_to_look(platform: Platform) -> None:
    judged = judge_one(platform)
    assert {one.rule for one in judged.verdicts if one.outcome == "failed"} == {"DONE007"}
    assert judged.is_without_documents
    assert "TRUEUP_FIRESTORE_PROJECT" in NO_DOCUMENTS
    assert repair(platform, *judged.days) == ([], "")


def test_where_no_game_was_played_no_document_is_no_hint(platform: Platform) -> None:
    assert not judge_one(platform, evidence(game_day=UNPLAYED)).is_without_documents


def test_no_permission_to_read_is_could_not_check(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as address:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
        judged = judge_days(
            [NIGHT], lambda name: closing(FirestoreCompletions("p", name)), REFERENCE, JudgeSettings(as_of=AS_OF)
        )
    assert "no permission" in judged.unread
    assert "roles/datastore.viewer" in judged.unread
    assert {one.outcome for one in judged.verdicts} == {"not_run"}


def test_no_permission_to_write_is_reported_and_nothing_else_is_done(
    google: Google, google_emulators: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(google, BROKEN)
    audit = Recorded()
    with refusing(google_emulators["FIRESTORE_EMULATOR_HOST"], "Commit") as address:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", address)
        steps, trouble = repair(google, audit=audit)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", google_emulators["FIRESTORE_EMULATOR_HOST"])
    assert "roles/datastore.user" in trouble
    assert states(steps) == [(subject, "failed") for subject in ALL]
    assert audit.states()[-3:] == states(steps)
    assert fields_of(google, DOCUMENTS) == BROKEN
    assert google.received() == []


def test_no_permission_to_publish_says_which_role_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as address:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        with closing(PubSubTopic("p", "t")) as topic, pytest.raises(PublishError) as raised:
            topic.publish({}, {})
    assert "roles/pubsub.publisher" in raised.value.hint


def test_a_document_of_a_mebibyte_is_repaired_and_keeps_all_of_it(platform: Platform) -> None:
    giant = {**BROKEN, "_log": "x" * 1_040_000}
    write(platform, giant)
    steps, trouble = repair(platform)
    assert trouble == ""
    assert {step.state for step in steps} == {"applied"}
    fields = fields_of(platform, DOCUMENTS)
    assert fields.pop("_log") == giant["_log"]
    assert is_repaired(fields)


def junk(chance: random.Random, depth: int = 0) -> Any:
    """Any value that a document can hold."""
    kinds = [
        None, True, False, 0, -7, 2**63 - 1, 0.5, float("inf"), "", "success", "✔", b"\x00\xff",
        datetime(2026, 2, 4, chance.randrange(24), tzinfo=UTC), "2026-02-04T20:00:00Z", "2026-02-04",
    ]  # fmt: skip
    pick = chance.randrange(len(kinds) + (2 if depth < 3 else 0))
    if pick < len(kinds):
        return kinds[pick]
    if pick == len(kinds):
        return [one for one in (junk(chance, depth + 1) for _ in range(3)) if not isinstance(one, list)]
    keys = chance.sample(["status", "completed_at", "record_count", "entities_changed", "players", "a.b", "ü"], 4)
    return {key: junk(chance, depth + 1) for key in keys}


def random_document(chance: random.Random) -> dict[str, Any]:
    """A broken night's document, with anything at all in place of and beside its fields."""
    fields = {key: value for key, value in BROKEN.items() if chance.random() < 0.9}
    names = [*FIVE, *BROKEN, "_triggered", "_triggered_at", "stranger", "PlayerGameSummaryProcessor", "with.dot"]
    for name in chance.sample(names, chance.choice([0, 0, 1, 2, 5])):
        fields[name] = junk(chance)
    return fields


def test_random_documents_never_fail_a_repair(platform: Platform) -> None:
    count = 2_000 if isinstance(platform, Embedded) else 100
    chance = random.Random(20260203)
    days = [night_on(date(2000, 1, 1) + timedelta(days=number)) for number in range(count)]
    ids = [day.game_date.isoformat() for day in days]
    with closing(platform.collection(DOCUMENTS)) as store:
        for one in ids:
            store.replace(one, random_document(chance))
        before = store.read(ids)
        began = time.monotonic()
        with repairer(platform) as whole:
            steps, trouble = repair_days(whole, days, before)
        assert time.monotonic() - began < 120
        after = store.read(ids)
    assert trouble == ""
    assert {step.state for step in steps} <= {"applied", "refused"}
    assert sum(step.state == "applied" for step in steps) > count / 2
    for one in ids:
        assert set(before[one].fields) <= set(after[one].fields)
        if before[one].fields.get("_triggered") is True:
            assert after[one].fields["_triggered"] is True


def test_a_pubsub_that_dies_half_way_is_reported_and_a_rerun_on_the_next_one_finishes(
    google_emulators: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", google_emulators["FIRESTORE_EMULATOR_HOST"])
    project = f"p-{uuid.uuid4().hex[:12]}"
    with pubsub_emulator() as address:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        platform = Google(project)
        write(platform, BROKEN)
        topic = platform.topic()
    steps, trouble = repair(platform, topic=topic)  # its server is gone by now
    assert "may not have been started" in trouble
    assert states(steps) == [(ALL[0], "applied"), (ALL[1], "applied"), (KEY, "failed")]
    with pubsub_emulator() as address:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        platform = Google(project)
        assert repair(platform, owner="bob@pc/2")[1] == ""
        assert len(platform.received()) == 1
    assert is_repaired(fields_of(platform, DOCUMENTS))


def test_a_firestore_that_dies_half_way_is_reported_with_what_was_done(
    google_emulators: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", google_emulators["PUBSUB_EMULATOR_HOST"])
    audit = Recorded()
    with ExitStack() as alive:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", alive.enter_context(firestore_emulator()))
        platform = Google(f"p-{uuid.uuid4().hex[:12]}")
        write(platform, BROKEN)
        # The report and the count are written; the mark is next.
        steps, trouble = repair(platform, NIGHT, evidence(), meanwhile=nth(2, alive.close, "update"), audit=audit)
    assert "does not answer" in trouble
    assert states(steps)[:3] == [(ALL[0], "applied"), (ALL[1], "applied"), (KEY, "failed")]
    assert audit.states()[: len(ALL)] == [(subject, "started") for subject in ALL]
    assert len(platform.received()) == 1, "phase 4 was started: the next run only marks it"


@pytest.mark.parametrize(
    "damage",
    [
        {"state": "BOGUS"},
        {"state": "published", "published_at": "yesterday"},
        {"state": "published", "published_at": None},
        {"claim_id": ""},
        {"owner": 3},
        {"message": {}},
        {"message": {"game_date": KEY}},
        {"message.game_date": "2026-02-01"},
        {"message.trigger_reason": None},
        {"message.entities_changed": "all"},
    ],
    ids=str,
)
def test_a_damaged_claim_is_refused_and_nothing_is_sent(platform: Platform, damage: Mapping[str, Any]) -> None:
    write(platform, BROKEN)
    with repairer(platform, owner="gone@pc/1") as first:
        claim_alone(first)
        stored = first.claims.read([KEY])[KEY]
        changes: dict[str, Any] = {"state": "released"}
        for name, value in damage.items():
            field, _, inner = name.partition(".")
            changes[field] = {**stored.fields["message"], inner: value} if inner else value
        first.claims.update(KEY, changes, stored.update_time)
    steps, problem = repair(platform)
    assert f"phase4_claims/{KEY}" in problem
    assert states(steps)[-1] == (KEY, "failed")
    assert platform.received() == []
    assert fields_of(platform, DOCUMENTS).get("_triggered") is not True
