"""Reports of any number of processors at once, on Google's emulators: nothing is lost, and phase 4 is started once."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from helpers.cases import FIVE, KEY, OFFENSE, PLAYERS, REFERENCE, evidence, failures
from helpers.doubles import Killed
from helpers.emulators import Google
from helpers.repairs import fields_of, keys_of, night_on, repairer, write
from trueup.completion.claim import CLAIMS, take_claim
from trueup.completion.document import FAILURES, Document, read_document
from trueup.completion.roster import Roster, RosterEntry
from trueup.completion.rule import CompletionRule
from trueup.completion.store import DOCUMENTS
from trueup.errors import CompletionsError, PublishError, UnfinishedReportError, UsageError
from trueup.gateways import firestore as gateway
from trueup.gateways.firestore import FirestoreCompletions
from trueup.gateways.pubsub import PubSubTopic
from trueup.guard import Completions, Outcome, starting
from trueup.repair.documents.apply import repair_days

# One worker: the emulators are expensive.

EARLY, LATE = datetime(2026, 2, 4, 11, tzinfo=UTC), datetime(2026, 2, 4, 12, tzinfo=UTC)


@pytest.fixture
def topic(google: Google) -> Iterator[Any]:
    with closing(google.topic()) as made:
        yield made


def guard(google: Google, publish: Any, **more: Any) -> Completions:
    return Completions(firestore.Client(project=google.project), REFERENCE.roster, publish, **more)


def deliver(one: Completions, processor: str, key: str = KEY, **more: Any) -> Outcome:
    return one.report(key, processor, **{"status": "success", "record_count": 56, **more})


def found(google: Google, key: str = KEY) -> dict[tuple[str, str], Any]:
    """What the judge finds wrong with the document an hour from now, if phase 4 writes now."""
    now = datetime.now(UTC)
    day = evidence(phase4={"first_written_at": now, "last_written_at": now})
    with closing(google.collection(DOCUMENTS)) as store:
        return failures(store.read([key])[key], day, now + timedelta(hours=1))


@pytest.mark.parametrize("seed", range(3))
def test_five_reports_in_any_order_start_phase_4_with_the_last(google: Google, topic: PubSubTopic, seed: int) -> None:
    one = guard(google, topic.publish)
    outcomes = [deliver(one, name) for name in random.Random(seed).sample(FIVE, 5)]
    assert outcomes == [*(Outcome(done, False, False) for done in (1, 2, 3, 4)), Outcome(5, True, True)]
    assert deliver(one, PLAYERS) == Outcome(5, True, False)
    (message, attributes) = google.received()[0]
    assert attributes["idempotency_key"] == f"{KEY}-{fields_of(google, CLAIMS)['claim_id']}"
    assert (message["trigger_reason"], message["upstream_processors_count"]) == ("all_complete", 5)
    assert message["data_freshness_verified"] is False
    assert found(google) == {}


def test_twenty_writers_at_once_lose_nothing_and_start_each_date_once(google: Google, topic: PubSubTopic) -> None:
    one = guard(google, topic.publish)
    keys = ["2026-02-01", "2026-02-02", KEY]
    reports = [(key, name) for key in keys for name in FIVE] * 4
    random.Random(1).shuffle(reports)
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda report: deliver(one, report[1], report[0]), reports))
    assert sum(outcome.has_started_next for outcome in outcomes) == len(keys)
    for key in keys:
        fields = fields_of(google, DOCUMENTS, key)
        assert (fields["_completed_count"], fields["_triggered"]) == (5, True)
        assert set(FIVE) <= set(fields)
    assert found(google) == {}
    sent = google.received()
    assert len(sent) == len(keys_of(sent)) == len(keys)


def test_a_late_writer_of_a_smaller_count_does_not_lower_it(
    google: Google, topic: PubSubTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that reports first writes its count last."""
    one = guard(google, topic.publish)
    has_read, may_count = threading.Event(), threading.Event()
    merge = FirestoreCompletions.merge

    def slow_count(self: Any, document_id: str, fields: Mapping[str, Any], paths: Any) -> None:
        if "_completed_count" in fields and threading.current_thread().name.startswith("slow"):
            has_read.set()
            assert may_count.wait(10)
        merge(self, document_id, fields, paths)

    monkeypatch.setattr(FirestoreCompletions, "merge", slow_count)
    with ThreadPoolExecutor(1, thread_name_prefix="slow") as pool:
        first = pool.submit(deliver, one, PLAYERS)
        assert has_read.wait(10)
        assert deliver(one, OFFENSE).completed_count == 2
        may_count.set()
        assert first.result().completed_count == 1
    assert fields_of(google, DOCUMENTS)["_completed_count"] == 2


def test_reports_and_reconciliations_at_once_start_phase_4_once(google: Google, topic: PubSubTopic) -> None:
    """A night that is complete and not started: both start it, at the same moment."""
    nights = [night_on(date(2026, 1, 5) + timedelta(days=number)) for number in range(12)]
    keys = [night.game_date.isoformat() for night in nights]
    entry = {"status": "success", "record_count": 56, "completed_at": EARLY}
    for key in keys:
        write(google, {**dict.fromkeys(FIVE, entry), "_completed_count": 5}, key)
    one, ready = guard(google, topic.publish), threading.Barrier(4)

    def reconcile(owner: str) -> None:
        with repairer(google, owner=owner) as by:
            ready.wait()
            for night, key in zip(nights, keys, strict=True):
                repair_days(by, [night], by.documents.read([key]))

    def report(name: str) -> list[Outcome]:
        ready.wait()
        return [deliver(one, name, key, completed_at=EARLY) for key in keys]

    with ThreadPoolExecutor(4) as pool:
        repairs = [pool.submit(reconcile, f"r{number}@host/{number}") for number in range(2)]
        reports = [pool.submit(report, name) for name in (PLAYERS, OFFENSE)]
        for ended in repairs:
            ended.result()
        outcomes = [outcome for ended in reports for outcome in ended.result()]
    sent = google.received()
    assert len(sent) == len(keys_of(sent)) == len(keys), "one message a date, whoever sent it"
    assert all(fields_of(google, DOCUMENTS, key)["_triggered"] is True for key in keys)
    # A claim that a reconciliation released is sent by the guard with the reconciliation's message.
    by_guard = [message for message, _ in sent if message["trigger_source"] == "guard"]
    assert len(by_guard) <= sum(outcome.has_started_next for outcome in outcomes) <= len(keys)


# Failures


def test_a_failure_after_a_delivery_is_kept_beside_it(google: Google, topic: PubSubTopic) -> None:
    one = guard(google, topic.publish)
    for name in FIVE:
        deliver(one, name, completed_at=EARLY)
    after = one.report(KEY, PLAYERS, status="failed", execution_id="run-2", completed_at=LATE)
    assert after == Outcome(5, True, False)
    fields = fields_of(google, DOCUMENTS)
    assert fields[PLAYERS] == {"status": "success", "record_count": 56, "completed_at": EARLY}
    assert fields[FAILURES] == {PLAYERS: {"status": "failed", "execution_id": "run-2", "completed_at": LATE}}
    assert ("DONE005", PLAYERS) in found(google)

    deliver(one, PLAYERS, completed_at=LATE + timedelta(minutes=1))
    assert ("DONE005", PLAYERS) not in found(google), "a later delivery supersedes it"
    one.report(KEY, PLAYERS, status="failed", execution_id="run-2", completed_at=LATE)
    assert ("DONE005", PLAYERS) not in found(google), "its message came again"


def test_a_failure_alone_is_the_processors_entry(google: Google, topic: PubSubTopic) -> None:
    one = guard(google, topic.publish)
    assert one.report(KEY, "PlayerGameSummaryProcessor", status="failed") == Outcome(0, False, False)
    assert fields_of(google, DOCUMENTS)[PLAYERS]["status"] == "failed"
    assert ("DONE005", PLAYERS) in found(google)
    assert deliver(one, PLAYERS).completed_count == 1
    assert ("DONE005", PLAYERS) not in found(google)


def test_a_failure_that_was_not_copied_to_the_entry_is_read(google: Google, topic: PubSubTopic) -> None:
    write(google, {FAILURES: {PLAYERS: {"status": "failed", "completed_at": EARLY}}})
    with closing(google.collection(DOCUMENTS)) as store:
        document = read_document(store.read([KEY])[KEY], REFERENCE.roster)
    assert isinstance(document, Document)
    assert not document.has_delivered(PLAYERS)
    assert ("DONE005", PLAYERS) in found(google)


# Kills and failing publishers


def killing(monkeypatch: pytest.MonkeyPatch, call: int, is_after: bool) -> None:
    """Kills the report before or after its Nth call to Firestore: after, its reply is lost."""
    calls = count(1)
    for name in ("read", "merge", "create", "update"):
        method = getattr(FirestoreCompletions, name)

        def told(self: Any, *arguments: Any, _method: Any = method, **named: Any) -> Any:
            is_last = next(calls) == call
            if is_last and not is_after:
                raise Killed
            result = _method(self, *arguments, **named)
            if is_last:
                raise Killed
            return result

        monkeypatch.setattr(FirestoreCompletions, name, told)


@pytest.mark.parametrize("is_after", [False, True])
def test_a_report_that_is_killed_anywhere_is_finished_when_it_comes_again(
    google: Google, topic: PubSubTopic, monkeypatch: pytest.MonkeyPatch, is_after: bool
) -> None:
    one = guard(google, topic.publish, lease=timedelta(0))
    for call in count(1):
        key = f"2026-02-{call:02}"
        for name in FIVE[1:]:
            deliver(one, name, key)
        with monkeypatch.context() as patched:
            killing(patched, call, is_after)
            try:
                deliver(one, PLAYERS, key)
                was_killed = False
            except Killed:
                was_killed = True
        again = deliver(one, PLAYERS, key)
        assert (again.completed_count, again.is_complete) == (5, True)
        fields = fields_of(google, DOCUMENTS, key)
        assert (fields["_completed_count"], fields["_triggered"]) == (5, True)
        sent = google.received()
        assert len(keys_of(sent)) == 1, f"killed at call {call}"
        assert len(sent) <= 1 + was_killed
        if not was_killed:
            assert call > 8
            return


def test_another_one_that_is_starting_phase_4_is_told_and_its_lease_is_waited_for(
    google: Google, topic: PubSubTopic
) -> None:
    one = guard(google, topic.publish, patience=timedelta(seconds=0.2), lease=timedelta(seconds=3))
    for name in FIVE[1:]:
        deliver(one, name)
    message = {"game_date": KEY, "timestamp": "2026-02-04T12:00:00+00:00", "trigger_reason": "all_complete"}
    message |= {"mode": "overnight", "correlation_id": "c", "trigger_source": "guard", "triggered_by": "dead"}
    message |= {"upstream_processors_count": 5, "entities_changed": {}, "is_incremental": False}  # type: ignore[dict-item]
    message |= {"data_freshness_verified": False, "missing_tables": []}  # type: ignore[dict-item]
    with closing(google.collection(CLAIMS)) as claims:
        take_claim(claims, KEY, message, "dead", timedelta(minutes=5))
    with pytest.raises(UnfinishedReportError, match="dead has been starting it"):
        deliver(one, PLAYERS)
    assert fields_of(google, DOCUMENTS)["_completed_count"] == 5, "the report is stored and counted"
    time.sleep(3)
    assert deliver(one, PLAYERS) == Outcome(5, True, True)
    ((sent, _),) = google.received()
    assert sent["triggered_by"] == "dead", "the message of the claim is sent"


def test_a_failing_publisher_is_told_and_the_next_report_sends_the_same_message(
    google: Google, topic: PubSubTopic
) -> None:
    tried: list[Mapping[str, str]] = []

    def fail(message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        tried.append(attributes)
        raise RuntimeError("no route")

    one = guard(google, fail)
    for name in FIVE[1:]:
        deliver(one, name)
    with pytest.raises(PublishError, match="no route") as raised:
        deliver(one, PLAYERS)
    assert "Report again" in raised.value.hint
    assert "_triggered" not in fields_of(google, DOCUMENTS)
    assert deliver(guard(google, topic.publish), OFFENSE).has_started_next
    assert keys_of(google.received()) == {tried[0]["idempotency_key"]}


def test_the_graceful_rule_starts_without_the_others_and_names_them(google: Google, topic: PubSubTopic) -> None:
    one = guard(google, topic.publish, rule=CompletionRule("graceful", 0.6))
    started = [deliver(one, name).has_started_next for name in (PLAYERS, "upcoming_player_game_context", OFFENSE)]
    assert started == [False, False, True]
    ((message, _),) = google.received()
    assert message["trigger_reason"] == "graceful"
    assert message["missing_tables"] == ["team_defense_game_summary", "upcoming_team_game_context"]


# Runs of other modes


SAME_DAY = "upcoming_player_game_context", "upcoming_team_game_context"


def test_runs_before_the_games_are_complete_for_their_own_mode(google: Google, topic: PubSubTopic) -> None:
    one = guard(google, topic.publish)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda name: deliver(one, name, mode="same_day"), SAME_DAY))
    assert sum(outcome.has_started_next for outcome in outcomes) == 1
    ((message, _),) = google.received()
    assert (message["mode"], message["upstream_processors_count"]) == ("same_day", 2)


@pytest.mark.parametrize("nightly", [{}, {"mode": "overnight"}])
@pytest.mark.parametrize("seed", range(4))
def test_a_run_before_the_games_never_makes_the_night_smaller(
    google: Google, topic: PubSubTopic, nightly: dict[str, Any], seed: int
) -> None:
    """Found 2026-11: a redelivered same_day report completed the night, and phase 4 started with two of five."""
    one = guard(google, topic.publish)
    reports: list[tuple[str, dict[str, Any]]] = [(name, nightly) for name in (PLAYERS, *SAME_DAY)]
    reports += [(SAME_DAY[0], {"mode": "same_day"})] * 2
    chance = random.Random(seed)
    chance.shuffle(reports)
    for name, mode in [(SAME_DAY[0], {"mode": "same_day"}), *reports]:
        assert not deliver(one, name, **mode).has_started_next
    rest = [deliver(one, name, **nightly) for name in FIVE if name not in (PLAYERS, *SAME_DAY)]
    assert [outcome.has_started_next for outcome in rest] == [False, True]
    ((message, _),) = google.received()
    assert (message["mode"], message["upstream_processors_count"]) == ("overnight", 5)
    assert found(google) == {}


def test_a_nightly_report_between_count_and_start_stops_the_start(
    google: Google, topic: PubSubTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, start = guard(google, topic.publish), starting.Starter.start

    def later(self: Any, key: str) -> bool:
        monkeypatch.setattr(starting.Starter, "start", start)
        deliver(one, PLAYERS)
        return start(self, key)

    deliver(one, SAME_DAY[0], mode="same_day")
    monkeypatch.setattr(starting.Starter, "start", later)
    assert not deliver(one, SAME_DAY[1], mode="same_day").has_started_next
    assert google.received() == []


def test_an_older_failure_that_comes_again_does_not_replace_a_later_one(google: Google, topic: PubSubTopic) -> None:
    one, at = guard(google, topic.publish), datetime(2026, 2, 4, 12, tzinfo=UTC)
    for status, hour in (("success", 2), ("failed", 3), ("failed", 1)):
        deliver(one, PLAYERS, status=status, completed_at=at + timedelta(hours=hour))
    assert fields_of(google, DOCUMENTS)[FAILURES][PLAYERS]["completed_at"] == at + timedelta(hours=3)
    assert ("DONE005", PLAYERS) in found(google)


@pytest.mark.parametrize("returned", [None, "", 7, object()])
def test_a_publisher_that_returns_no_id_has_not_started_phase_4(google: Google, returned: object) -> None:
    one = guard(google, lambda *_: returned)
    for name in FIVE[:4]:
        deliver(one, name)
    with pytest.raises(PublishError, match="not the id of a stored message"):
        deliver(one, FIVE[4])
    assert fields_of(google, DOCUMENTS).get("_triggered") is None
    assert fields_of(google, CLAIMS)["state"] == "released"


def test_a_publisher_that_takes_longer_than_the_patience_has_started_phase_4(google: Google) -> None:
    def slow(*_: object) -> str:
        with suppress(UnfinishedReportError):  # another report changes the document meanwhile
            deliver(one, PLAYERS)
        time.sleep(0.3)
        return "1"

    one = guard(google, slow, patience=timedelta(seconds=0.2))
    outcomes = [deliver(one, name) for name in FIVE]
    assert [outcome.has_started_next for outcome in outcomes] == [False, False, False, False, True]
    assert fields_of(google, DOCUMENTS)["_triggered"] is True


# Bad input


def test_metadata_is_refreshed_by_a_duplicate_and_the_rest_is_kept(google: Google, topic: PubSubTopic) -> None:
    write(google, {"_note": "kept", PLAYERS: {"status": "success", "reconciled_by": "ann"}})
    one = guard(google, topic.publish)
    outcome = deliver(one, PLAYERS, mode="same_day")
    assert outcome == Outcome(1, False, False)
    fields = fields_of(google, DOCUMENTS)
    assert {fields["_note"], fields["_mode"]} == {"kept", "same_day"}
    assert "reconciled_by" not in fields[PLAYERS], "the processor has reported itself"
    assert datetime.now(UTC) - fields["_last_update"] < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({OFFENSE: "done"}, f"{OFFENSE} is 'done'"),
        ({"_completed_count": "three"}, "_completed_count is 'three'"),
        ({FAILURES: []}, FAILURES),
    ],
)
def test_in_a_document_of_another_shape_the_report_is_stored_and_nothing_derived(
    google: Google, topic: PubSubTopic, fields: dict[str, Any], said: str
) -> None:
    write(google, fields)
    with pytest.raises(UnfinishedReportError, match="The report is stored") as raised:
        deliver(guard(google, topic.publish), PLAYERS)
    assert said in raised.value.message
    after = fields_of(google, DOCUMENTS)
    assert after.pop(PLAYERS)["record_count"] == 56
    assert after == {**fields, "_mode": "overnight"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"processor": "player_gamesummary"}, "no processor 'player_gamesummary'"),
        ({"processor": None}, "no processor None"),
        ({"game_date": "2026-02-30"}, "'2026-02-30'"),
        ({"game_date": "20260203"}, "'20260203'"),
        ({"game_date": EARLY}, "expected a date"),
        ({"record_count": -1}, "record_count is -1"),
        ({"record_count": 2.5}, "record_count is 2.5"),
        ({"record_count": True}, "record_count is True"),
        ({"record_count": 2**63}, "expected a count"),
        ({"status": " "}, "status"),
        ({"status": None}, "status"),
        ({"mode": "weekly"}, "no mode 'weekly'"),
        ({"mode": {}}, "no mode {}"),
        ({"completed_at": datetime(2026, 2, 4)}, "time zone"),
        ({"completed_at": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))}, "years 1 to 9999"),
        ({"record_count": 10**5000}, "too long to print"),
        ({"processor": 10**5000}, "too long to print"),
        ({"execution_id": "\ud800"}, "execution_id"),
        ({"entities_changed": {"players": ["a" * 70_000]}}, "70,0"),
        ({"execution_id": 5}, "execution_id"),
        ({"is_incremental": "yes"}, "is_incremental"),
        ({"entities_changed": {"players": "a"}}, "entities_changed.players"),
        ({"entities_changed": {"games": []}}, "entities_changed"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_written(changes: dict[str, Any], said: str) -> None:
    # A project that does not exist: a write would be an error of another type.
    client = firestore.Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call, unused-ignore]
    given = {"game_date": KEY, "processor": PLAYERS, "status": "success", **changes}
    with pytest.raises(UsageError) as raised:
        Completions(client, REFERENCE.roster, lambda message, attributes: "1").report(**given)
    assert said in raised.value.message


def test_a_wrong_client_roster_or_publisher_is_told() -> None:
    client = firestore.Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call, unused-ignore]
    asynchronous = firestore.AsyncClient(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call, unused-ignore]
    for arguments in (
        (client, Roster(), print),
        (client, REFERENCE.roster, None),
        (asynchronous, REFERENCE.roster, print),
        (None, REFERENCE.roster, print),
        (client, Roster((RosterEntry("overnight", "_x", "x", True),)), print),
    ):
        with pytest.raises(UsageError):
            Completions(*arguments)
    settings: dict[str, Any]
    for settings in (
        {"rule": "graceful"}, {"patience": 5}, {"lease": 60}, {"lease": timedelta(seconds=-1)}, {"actor": "\ud800"},
        {"actor": None},
    ):  # fmt: skip
        with pytest.raises(UsageError):
            Completions(client, REFERENCE.roster, lambda *_: "1", **settings)
    for name, share in (("seeds", 0.6), ("graceful", float("nan")), ("graceful", 2)):
        with pytest.raises(UsageError):
            CompletionRule(name, share)  # type: ignore[arg-type]


def test_a_firestore_that_is_not_there_is_told_within_seconds(
    monkeypatch: pytest.MonkeyPatch, topic: PubSubTopic
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setattr(gateway, "_MERGE_RETRY", Retry(predicate=gateway._MERGE_RETRY._predicate, timeout=1.0))
        one = Completions(firestore.Client(project="p"), REFERENCE.roster, topic.publish)
        with pytest.raises(CompletionsError, match="does not answer"):
            deliver(one, PLAYERS)
