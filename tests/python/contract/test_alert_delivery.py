"""Alerts over real HTTP and both stores: none is lost or repeated, and failures are reported."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from helpers.alert_cases import MORNING, finding, outcome, report
from helpers.emulators import Google
from helpers.platforms import Embedded, Platform
from helpers.receivers import (
    PATIENCE,
    SECRET,
    Received,
    Receiver,
    answer,
    courier,
    drip,
    hang_up,
    never_answer,
    receiver,
    results,
)
from helpers.support import PROJECT
from trueup.completion.store import CompletionStore, Snapshot
from trueup.errors import CompletionsError, ConflictError
from trueup.gateways.webhook import WebhookPoster
from trueup.reporting.alerts.channels import AlertSettings, Delivery
from trueup.reporting.alerts.deliver import preview, send_alerts
from trueup.reporting.alerts.post import Answer
from trueup.reporting.alerts.state import ALERTS, Sent, document_id, sent_fields
from trueup.results.report import Report

# One worker: the emulators are expensive.

STATE = document_id("webhook", "prod")
LATER = MORNING + timedelta(hours=1)
NEXT_DAY = MORNING + timedelta(days=1)
MOST_CALLS = 12


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def embedded(tmp_path: Path) -> Embedded:
    """For tests in which the store makes no difference."""
    return Embedded(tmp_path / "alerts.db")


def send(platform: Platform, there: Receiver, one: Report, owner: str = "run-1", **more: Any) -> Delivery:
    (delivery,) = send_alerts(one, there.settings(), courier(platform.collection, owner, **more))
    assert_no_secret(delivery)
    return delivery


def assert_no_secret(delivery: Delivery) -> None:
    for secret in (*SECRET.split("/"), "q0secret", "services"):
        assert secret not in delivery.reason


def state(platform: Platform, document: str = STATE) -> dict[str, Any]:
    store = platform.collection(ALERTS)
    try:
        found = store.read([document]).get(document)
        return dict(found.fields) if found else {}
    finally:
        store.close()


def write_state(platform: Platform, fields: Mapping[str, Any]) -> None:
    store = platform.collection(ALERTS)
    store.replace(STATE, fields)
    store.close()


# What is sent when


def test_a_new_finding_is_sent_once(platform: Platform, there: Receiver) -> None:
    assert send(platform, there, report(finding())).result == "sent"
    assert send(platform, there, report(finding(), as_of=LATER)).result == "nothing_new"
    (one,) = there.received
    assert one.subjects("new") == ["player_game_summary"]
    assert one.key == one.body["message_id"]
    assert one.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_finding_is_sent_when_it_is_new_worse_resolved_and_back(platform: Platform, there: Receiver) -> None:
    nights = [
        report(finding()),
        report(finding(observed=90.0), as_of=LATER),
        report(finding(observed=10.0), as_of=LATER),
        report(outcomes=[outcome(said="not_run", examined_count=0)], as_of=LATER),
        report(as_of=LATER),
        report(as_of=LATER),
        report(finding(), as_of=LATER),
    ]
    assert [send(platform, there, one).result for one in nights] == [
        "sent",
        "sent",
        "nothing_new",
        "nothing_new",
        "sent",
        "nothing_new",
        "sent",
    ]
    kinds = [[name for name in ("new", "worse", "resolved") if one.body[name]] for one in there.received]
    assert kinds == [["new"], ["worse"], ["resolved"], ["new"]]
    assert there.received[-1].body["new"][0]["note"].startswith("again")
    assert len(set(there.keys)) == 4


def test_a_healthy_report_is_sent_once_a_day(platform: Platform, there: Receiver) -> None:
    days = [report(), report(as_of=LATER), report(as_of=NEXT_DAY)]
    assert [send(platform, there, one).result for one in days] == ["sent", "nothing_new", "sent"]
    assert [one.body["status"] for one in there.received] == ["healthy", "healthy"]
    assert len(set(there.keys)) == 2


def test_targets_and_channels_have_separate_states(platform: Platform, there: Receiver) -> None:
    both = there.settings(slack=there.url)
    by = courier(platform.collection)
    assert results(report(finding()), both, by) == ["sent", "sent"]
    assert results(report(finding(), target="local"), both, by) == ["sent", "sent"]
    assert results(report(finding(), as_of=LATER), both, by) == ["nothing_new", "nothing_new"]
    assert len(set(there.keys)) == 4


def test_a_new_address_continues_with_the_state_which_has_no_address(platform: Platform) -> None:
    with receiver() as old, receiver("/moved") as new:
        send(platform, old, report(finding()))
        assert send(platform, new, report(finding(), as_of=LATER)).result == "nothing_new"
        assert not new.received
        assert "127.0.0.1" not in str(state(platform))


def test_a_report_older_than_the_last_one_sent_is_not_sent(platform: Platform, there: Receiver) -> None:
    send(platform, there, report(as_of=LATER))
    late = send(platform, there, report(finding(), as_of=MORNING))
    assert late.result == "nothing_new"
    assert LATER.isoformat() in late.reason


def test_a_report_from_the_future_does_not_block_later_ones(platform: Platform, there: Receiver) -> None:
    future = datetime.now(MORNING.tzinfo) + timedelta(days=400)
    send(platform, there, report(as_of=future))
    assert send(platform, there, report(finding(), as_of=MORNING)).result == "sent"


def test_two_thousand_findings_fit_into_a_document(platform: Platform, there: Receiver) -> None:
    many = [finding(subject=f"nbac_a_table_with_quite_a_long_name_indeed_{one:05}") for one in range(2100)]
    assert send(platform, there, report(*many)).result == "sent"
    assert send(platform, there, report(*many, as_of=LATER)).result == "nothing_new"
    others = [replace(one, fingerprint=one.fingerprint[::-1]) for one in many]
    assert send(platform, there, report(*others, as_of=LATER)).result == "sent"
    assert there.received[0].body["counts"]["new"] == 2000
    assert there.received[0].body["counts"]["unwatched"] == 100


# Receivers that fail


def assert_sent_by_the_next_run(platform: Platform, there: Receiver, first: Delivery) -> Received:
    """The next run sends it, together with the changes since."""
    assert first.result == "not_sent"
    assert "webhook at 127.0.0.1" in first.reason
    already = len(there.received)
    assert send(platform, there, report(finding(), finding(subject="b"), as_of=LATER), "run-2").result == "sent"
    assert send(platform, there, report(finding(), finding(subject="b"), as_of=LATER), "run-3").result == "nothing_new"
    (one,) = there.received[already:]
    assert one.subjects("new") == ["b", "player_game_summary"]
    return one


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_unreachable_receiver_is_reported_and_gets_the_message_later(platform: Platform, there: Receiver) -> None:
    away = Receiver(f"http://127.0.0.1:{closed_port()}/{SECRET}")
    first = send(platform, away, report(finding()))
    assert "no connection" in first.reason
    assert_sent_by_the_next_run(platform, there, first)


def test_an_unknown_host_is_reported(embedded: Embedded) -> None:
    first = send(embedded, Receiver(f"http://no-such-host.invalid/{SECRET}"), report(finding()))
    assert first.result == "not_sent"
    assert "no-such-host.invalid" in first.reason


def test_a_failed_encryption_is_reported(embedded: Embedded, there: Receiver) -> None:
    plain = Receiver(there.url.replace("http:", "https:"))
    first = send(embedded, plain, report(finding()))
    assert "encryption" in first.reason
    assert_sent_by_the_next_run(embedded, there, first)


def test_no_debug_log_holds_the_secret(embedded: Embedded, there: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    send(embedded, there, report(finding()))
    assert SECRET not in caplog.text
    requests.post(there.url, json={"new": []}, headers={"Idempotency-Key": "x"}, timeout=5)
    assert SECRET in caplog.text, "requests of others are still logged"


def test_a_500_is_reported_and_not_tried_again_by_the_same_run(platform: Platform, there: Receiver) -> None:
    there.behaviours = [answer(500, "oh dear")]
    first = send(platform, there, report(finding()))
    assert len(there.received) == 1
    assert "500 (oh dear)" in first.reason
    assert_sent_by_the_next_run(platform, there, first)


def test_a_receiver_that_always_fails_is_reported_every_time(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [answer(500)] * 4
    for _ in range(4):
        assert send(embedded, there, report(finding())).result == "not_sent"
    assert len(set(there.keys)) == 1, "the same changes have the same key"
    assert send(embedded, there, report(finding())).result == "sent"


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_that_asks_for_a_retry_is_tried_again(platform: Platform, there: Receiver, status: int) -> None:
    there.behaviours = [answer(status)]
    assert send(platform, there, report(finding())).result == "sent"
    assert len(there.received) == 2
    assert len(set(there.keys)) == 1


def test_retry_after_in_seconds_is_respected(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [answer(429, Retry_After="1")]
    began = time.monotonic()
    assert send(embedded, there, report(finding())).result == "sent"
    assert 1.0 <= time.monotonic() - began < 2.5


def test_retry_after_as_a_date_is_relative_to_the_receivers_clock(embedded: Embedded, there: Receiver) -> None:
    def an_hour(handler: Any) -> None:
        # Its clock is years behind ours.
        handler.send_response_only(429)
        handler.send_header("Date", "Tue, 03 Feb 2015 10:00:00 GMT")
        handler.send_header("Retry-After", "Tue, 03 Feb 2015 11:00:00 GMT")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    there.behaviours = [an_hour]
    first = send(embedded, there, report(finding()))
    assert "3600 s" in first.reason
    assert len(there.received) == 1, "an hour is too long to wait"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_reported_and_not_tried_again(embedded: Embedded, there: Receiver, status: int) -> None:
    there.behaviours = [answer(status, "invalid_payload")]
    first = send(embedded, there, report(finding()))
    assert f"{status} (invalid_payload)" in first.reason
    assert "TRUEUP_WEBHOOK" in first.reason
    assert len(there.received) == 1
    assert_sent_by_the_next_run(embedded, there, first)


def test_a_refusal_that_repeats_the_secret_is_reported_without_its_text(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [answer(404, f"no webhook at /services/{SECRET}")]
    assert "404:" in send(embedded, there, report(finding())).reason


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_is_not_followed(embedded: Embedded, there: Receiver, status: int) -> None:
    there.behaviours = [answer(status, Location=there.url)]
    first = send(embedded, there, report(finding()))
    assert f"redirects ({status})" in first.reason
    assert len(there.received) == 1
    assert_sent_by_the_next_run(embedded, there, first)


# Receivers that may have the message


@pytest.mark.parametrize("behaviour", [never_answer, hang_up, drip(b"HTTP/1.1 200 OK\r\nX-Long: ")])
def test_a_message_that_may_have_arrived_is_sent_again_with_the_same_key(
    platform: Platform, there: Receiver, behaviour: Any
) -> None:
    there.behaviours = [behaviour]
    began = time.monotonic()
    short = replace(PATIENCE, budget_seconds=1.5, lease_seconds=0.0)
    first = send(platform, there, report(finding()), patience=short)
    assert time.monotonic() - began < 4.0
    assert first.result == "not_sent"
    assert "may have arrived" in first.reason

    second = send(platform, there, report(finding(), finding(subject="b"), as_of=LATER), "run-2")
    assert second.result == "sent"
    assert "an earlier run" in second.reason
    assert there.keys[0] == there.keys[1] != there.keys[2]
    assert there.received[0].body == there.received[1].body
    assert there.received[2].subjects("new") == ["b"]
    assert send(platform, there, report(finding(), finding(subject="b"), as_of=LATER)).result == "nothing_new"


def test_a_slow_body_after_a_2xx_status_is_sent(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")]
    began = time.monotonic()
    assert send(embedded, there, report(finding())).result == "sent"
    assert time.monotonic() - began < 1.0


def test_a_slow_body_after_a_4xx_status_is_refused(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [drip(b"HTTP/1.1 400 Bad\r\nContent-Length: 1000\r\n\r\n")]
    first = send(embedded, there, report(finding()), patience=replace(PATIENCE, budget_seconds=0.5))
    assert "400" in first.reason


def test_an_endless_refusal_is_not_read_to_its_end(embedded: Embedded, there: Receiver) -> None:
    written = []

    def endless(handler: Any) -> None:
        handler.send_response(400)
        handler.end_headers()
        for _ in range(200):  # megabytes, of which the sockets take only a part
            handler.wfile.write(b"x" * 1_000_000)
            written.append(1)

    there.behaviours = [endless]
    first = send(embedded, there, report(finding()))
    assert "400 (xxx" in first.reason
    assert len(first.reason) < 500
    assert len(written) < 50


def test_a_message_that_may_have_arrived_stays_the_same_while_its_receiver_is_down(
    embedded: Embedded, there: Receiver
) -> None:
    there.behaviours = [hang_up, answer(500)]
    no_lease = replace(PATIENCE, lease_seconds=0.0)
    for owner in ("run-1", "run-2"):
        assert send(embedded, there, report(finding()), owner, patience=no_lease).result == "not_sent"
    assert send(embedded, there, report(finding(), finding(subject="b"), as_of=LATER), "run-3").result == "sent"
    assert len(set(there.keys[:3])) == 1
    assert there.received[3].subjects("new") == ["b"]


@pytest.mark.parametrize(("behaviour", "runs"), [(answer(400), 1), (answer(500), 2), (hang_up, 2)])
def test_a_message_that_is_never_accepted_is_replaced_by_one_with_all_changes(
    embedded: Embedded, there: Receiver, behaviour: Any, runs: int
) -> None:
    there.behaviours = [hang_up, *[behaviour] * runs]
    for run in range(1 + runs):
        send(embedded, there, report(finding()), f"run-{run}", patience=replace(PATIENCE, lease_seconds=0.0))
    assert send(embedded, there, report(finding(), finding(subject="b"), as_of=LATER)).result == "sent"
    assert there.received[-1].subjects("new") == ["b", "player_game_summary"]


# Runs that are killed


def run_until_killed(platform: Platform, there: Receiver, observed: float, calls: int) -> bool:
    """Send in a separate process that is killed before the given call; returns whether it was killed."""
    if isinstance(platform, Embedded):
        where = ["embedded", str(platform.path)]
    else:
        assert isinstance(platform, Google)
        where = ["google", platform.project]
    ended = subprocess.run(
        [sys.executable, "-m", "helpers.killed_alert", *where, there.url, str(observed), str(calls)],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT / 'tests/python'}"},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode != 0


def assert_sent_once(there: Receiver, observed: float) -> None:
    """One message arrived. If it arrived twice, key and text are equal."""
    arrived = [one for one in there.received if one.body["new"] or one.body["worse"]]
    assert arrived
    assert len(set(there.keys)) == 1
    assert all(one.body == arrived[0].body for one in arrived)


def test_a_kill_before_any_call_is_finished_by_the_next_run(platform: Platform, there: Receiver) -> None:
    kills = 0
    for calls in range(1, MOST_CALLS):
        platform.forget(ALERTS, STATE)
        there.received.clear()
        if not run_until_killed(platform, there, 72.0, calls):
            break
        kills += 1
        assert send(platform, there, report(finding()), "next").result == "sent"
        assert_sent_once(there, 72.0)
        assert send(platform, there, report(finding(), as_of=LATER), "last").result == "nothing_new"
    assert kills == 5, "read, claim, read, post, commit"


def test_many_kills_in_a_row_lose_nothing(embedded: Embedded, there: Receiver) -> None:
    chance = random.Random(20260203)
    for _ in range(6):
        embedded.forget(ALERTS, STATE)
        there.received.clear()
        for _ in range(chance.randint(2, 4)):
            run_until_killed(embedded, there, 72.0, chance.randint(1, 6))
        send(embedded, there, report(finding()), "next")
        assert_sent_once(there, 72.0)


class Killed(BaseException):
    """The run ends here."""


class KilledPoster:
    """Ends the run before or after the post."""

    def __init__(self, is_posted: bool) -> None:
        self._is_posted = is_posted

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        if self._is_posted:
            WebhookPoster().post(url, body, headers, seconds)
        raise Killed


@pytest.mark.parametrize("is_posted", [False, True])
def test_other_runs_wait_for_the_lease_and_say_so(platform: Platform, there: Receiver, is_posted: bool) -> None:
    short = replace(PATIENCE, lease_seconds=1.5)
    with pytest.raises(Killed):
        send(platform, there, report(finding()), "dead", patience=short, poster=KilledPoster(is_posted))
    waiting = send(platform, there, report(finding(), as_of=LATER), "next")
    assert waiting.result == "left_to_another_run"
    assert "another run" in waiting.reason.lower()
    assert len(there.received) == is_posted

    time.sleep(1.6)
    assert send(platform, there, report(finding(), as_of=LATER), "next").result == "sent"
    assert len(there.received) == 1 + is_posted
    assert len(set(there.keys)) == 1


def test_a_run_that_commits_late_does_not_undo_later_messages(platform: Platform, there: Receiver) -> None:
    def overtake() -> None:
        # The first run posts and then sleeps; its lease expires, and another run continues.
        send(platform, there, report(finding(), as_of=LATER), "fast")
        send(platform, there, report(as_of=LATER), "fast")

    no_lease = replace(PATIENCE, lease_seconds=0.0)
    poster = AfterPost(overtake)
    slow = send(platform, there, report(finding()), "slow", patience=no_lease, poster=poster)
    assert slow == Delivery("webhook", "sent")
    assert [bool(one.body["resolved"]) for one in there.received] == [False, False, True]
    assert send(platform, there, report(as_of=LATER), "last").result == "nothing_new"


class AfterPost:
    """A poster that calls a function after its post."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        said = WebhookPoster().post(url, body, headers, seconds)
        self._then()
        return said


# Concurrent runs


def test_of_concurrent_runs_one_sends(platform: Platform, there: Receiver) -> None:
    # SQLite can answer "database is locked" while the file is created; this test is about its use.
    platform.collection(ALERTS).close()
    for night in range(5):
        there.received.clear()
        together = threading.Barrier(4)

        def run(number: int, night: int = night, together: threading.Barrier = together) -> str:
            together.wait()
            one = report(finding(subject=f"night {night}"), as_of=MORNING + timedelta(days=night))
            return send(platform, there, one, f"run-{number}").result

        with ThreadPoolExecutor(4) as pool:
            ended = sorted(pool.map(run, range(4)))
        assert len(there.received) == 1
        assert ended.count("sent") == 1
        assert set(ended) <= {"sent", "nothing_new", "left_to_another_run"}


class Interrupted:
    """A store that calls a function before its Nth call, once."""

    def __init__(self, store: CompletionStore, call: int, then: Callable[[], object]) -> None:
        self._store, self._left, self._then = store, call, then

    def _count(self) -> CompletionStore:
        self._left -= 1
        if self._left == 0:
            self._then()
        return self._store

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        return self._count().read(document_ids)

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        return self._count().replace(document_id, fields)

    def create(self, document_id: str, fields: Mapping[str, Any]) -> None:
        self._count().create(document_id, fields)

    def update(self, document_id: str, changes: Mapping[str, Any], update_time: datetime) -> None:
        self._count().update(document_id, changes, update_time)

    def close(self) -> None:
        self._store.close()


@pytest.mark.parametrize("call", [1, 2, 3, 4])
@pytest.mark.parametrize("is_first_day", [True, False])
def test_another_run_between_any_two_calls_repeats_nothing(
    platform: Platform, there: Receiver, call: int, is_first_day: bool
) -> None:
    if not is_first_day:
        send(platform, there, report(as_of=MORNING - timedelta(days=1)), "before")
        there.received.clear()
    with ThreadPoolExecutor(1) as pool:

        def other() -> None:
            pool.submit(send, platform, there, report(finding()), "other").result()

        def opened(name: str) -> CompletionStore:
            return Interrupted(platform.collection(name), call, other)

        (first,) = send_alerts(report(finding()), there.settings(), courier(opened))
    assert first.result in ("sent", "nothing_new")
    assert len(there.received) == 1
    assert send(platform, there, report(finding(), as_of=LATER), "last").result == "nothing_new"


def test_a_claim_that_was_taken_over_before_the_post_is_not_posted(platform: Platform, there: Receiver) -> None:
    def other() -> None:
        send(platform, there, report(finding()), "other")

    by = courier(
        lambda name: Interrupted(platform.collection(name), 3, other), patience=replace(PATIENCE, lease_seconds=0.0)
    )
    (first,) = send_alerts(report(finding()), there.settings(), by)
    assert first.result == "nothing_new"
    assert len(there.received) == 1


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_of_two_runs_that_find_an_abandoned_claim_one_sends_it(platform: Platform, there: Receiver, call: int) -> None:
    no_lease = replace(PATIENCE, lease_seconds=0.0)
    with pytest.raises(Killed):
        send(platform, there, report(finding()), "dead", patience=no_lease, poster=KilledPoster(False))

    def other() -> None:
        send(platform, there, report(finding()), "other")

    (first,) = send_alerts(
        report(finding()), there.settings(), courier(lambda name: Interrupted(platform.collection(name), call, other))
    )
    assert first.result in ("sent", "nothing_new")
    assert len(there.received) == 1
    assert send(platform, there, report(finding(), as_of=LATER), "last").result == "nothing_new"


class LostReplies:
    """A store that writes and then loses the reply: the caller gets a conflict or an error."""

    def __init__(self, store: CompletionStore, error: CompletionsError, lost: Sequence[str]) -> None:
        self._store, self._error, self._lost = store, error, list(lost)

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        return self._store.read(document_ids)

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        return self._store.replace(document_id, fields)

    def create(self, document_id: str, fields: Mapping[str, Any]) -> None:
        self._store.create(document_id, fields)
        self._lose("create")

    def update(self, document_id: str, changes: Mapping[str, Any], update_time: datetime) -> None:
        self._store.update(document_id, changes, update_time)
        self._lose("update")

    def close(self) -> None:
        self._store.close()

    def _lose(self, what: str) -> None:
        if what in self._lost:
            self._lost.remove(what)
            raise self._error


@pytest.mark.parametrize("lost", [["create"], ["update"], ["create", "update"]])
def test_a_lost_reply_is_neither_a_lost_nor_a_second_message(
    platform: Platform, there: Receiver, lost: list[str]
) -> None:
    (first,) = send_alerts(
        report(finding()),
        there.settings(),
        courier(lambda name: LostReplies(platform.collection(name), ConflictError("changed"), lost)),
    )
    assert first == Delivery("webhook", "sent")
    assert send(platform, there, report(finding(), as_of=LATER), "next").result == "nothing_new"
    assert len(there.received) == 1


# The state cannot be read or written


def test_a_store_that_cannot_be_opened_is_reported_and_nothing_is_sent(there: Receiver, tmp_path: Path) -> None:
    (tmp_path / "alerts.db").write_text("no database", encoding="utf-8")
    first = send(Embedded(tmp_path / "alerts.db"), there, report(finding()))
    assert first.result == "not_sent"
    assert "TRUEUP_ALERT_STATE" in first.reason
    assert not there.received


def test_a_store_that_fails_after_the_post_warns_of_a_duplicate(embedded: Embedded, there: Receiver) -> None:
    error = CompletionsError("The store is away.")
    by = courier(lambda name: LostReplies(embedded.collection(name), error, ["update"]))
    (first,) = send_alerts(report(finding()), there.settings(), by)
    assert first.result == "sent"
    assert "may come again" in first.reason
    assert there.keys[0][:12] in first.reason


def test_a_store_that_fails_at_the_claim_sends_nothing_and_loses_nothing(embedded: Embedded, there: Receiver) -> None:
    error = CompletionsError("The store is away.")
    by = courier(
        lambda name: LostReplies(embedded.collection(name), error, ["create"]),
        patience=replace(PATIENCE, lease_seconds=0.0),
    )
    (first,) = send_alerts(report(finding()), there.settings(), by)
    assert first.result == "not_sent"
    assert not there.received
    assert send(embedded, there, report(finding()), "next").result == "sent"
    assert len(there.received) == 1


PENDING_OF_VERSION_2 = json.dumps(
    {
        "message": {"message_id": "x", "version": 2},
        "after": sent_fields(Sent()),
        "owner": "dead",
        "attempt": 1,
        "claimed_at": "",
        "lease_seconds": 0,
    }
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "2"),
        ({"told": 5}, "told"),
        ({"pending": '{"message":{}}'}, "pending"),
        ({"pending": PENDING_OF_VERSION_2}, "'2'"),
    ],
)
def test_an_invalid_state_is_reported_and_not_changed(
    platform: Platform, there: Receiver, changes: dict[str, Any], said: str
) -> None:
    send(platform, there, report(finding()))
    there.received.clear()
    broken = {**state(platform), **changes}
    write_state(platform, broken)
    first = send(platform, there, report(finding(subject="b"), as_of=LATER))
    assert first.result == "not_sent"
    assert said in first.reason
    assert f"{ALERTS}/{STATE}" in first.reason
    assert not there.received
    assert state(platform) == broken


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x0secret", "x0secret", "http://", "http://[x0secret"])
def test_an_invalid_address_is_reported_without_it(embedded: Embedded, url: str) -> None:
    (first,) = send_alerts(report(finding()), AlertSettings(slack=url), courier(embedded.collection))
    assert first.result == "not_sent"
    assert "TRUEUP_SLACK_WEBHOOK" in first.reason
    assert "x0secret" not in first.reason
    assert not embedded.path.exists()


def test_one_channel_that_fails_does_not_stop_the_other(embedded: Embedded, there: Receiver) -> None:
    settings = there.settings(slack=f"http://127.0.0.1:{closed_port()}/{SECRET}")
    assert results(report(finding()), settings, courier(embedded.collection)) == ["not_sent", "sent"]


# The formats


def test_slack_gets_blocks_and_the_link(embedded: Embedded, there: Receiver) -> None:
    settings = AlertSettings(slack=there.url, report_url="https://example.org/report")
    assert results(report(finding()), settings, courier(embedded.collection)) == ["sent"]
    (one,) = there.received
    assert one.body["text"] == "trueup prod: errors, 1 new"
    assert one.body["blocks"][0]["type"] == "header"
    assert "<https://example.org/report|the report>" in str(one.body["blocks"])


def test_an_invalid_link_is_left_out_and_reported(embedded: Embedded, there: Receiver) -> None:
    by = courier(embedded.collection)
    (first,) = send_alerts(report(finding()), there.settings(report_url="javascript:x"), by)
    assert first.result == "sent"
    assert "TRUEUP_REPORT_URL" in first.reason
    assert there.received[0].body["report_url"] == ""


def test_the_step_summary_is_a_log_of_every_run_and_needs_no_state(embedded: Embedded, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before", encoding="utf-8")
    settings = AlertSettings(step_summary=str(path))
    for _ in range(2):
        assert results(report(finding()), settings, courier(embedded.collection)) == ["sent"]
    text = path.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.count("## trueup prod: errors, 1 findings to act on") == 2
    assert not embedded.path.exists()


def test_a_step_summary_that_cannot_be_written_is_reported(embedded: Embedded, tmp_path: Path) -> None:
    settings = AlertSettings(step_summary=str(tmp_path))
    (first,) = send_alerts(report(finding()), settings, courier(embedded.collection))
    assert first.result == "not_sent"
    assert "GITHUB_STEP_SUMMARY" in first.reason


def test_a_preview_sends_and_writes_nothing(platform: Platform, there: Receiver, tmp_path: Path) -> None:
    settings = there.settings(slack=there.url, step_summary=str(tmp_path / "summary.md"))

    def shown(one: Report) -> list[bool]:
        return [bool(each.body) for each in preview(one, settings, lambda: platform.collection(ALERTS))]

    assert shown(report(finding())) == [True, True, True]
    assert not there.received
    assert state(platform) == {}
    assert not (tmp_path / "summary.md").exists()
    send_alerts(report(finding()), settings, courier(platform.collection))
    assert shown(report(finding(), as_of=LATER)) == [True, False, False]
    assert shown(report(finding(subject="b"), as_of=LATER)) == [True, True, True]


def test_without_a_channel_nothing_is_opened(tmp_path: Path) -> None:
    def never(name: str) -> CompletionStore:
        raise AssertionError(name)

    assert send_alerts(report(finding()), AlertSettings(), courier(never)) == ()
