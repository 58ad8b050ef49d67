"""Alerts over real HTTP and both stores: none is lost or repeated, and failures are reported."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from helpers.alert_cases import MORNING, finding, outcome, report
from helpers.doubles import Act, Killed, around, nothing, nth, raising
from helpers.kills import run_until_killed
from helpers.platforms import Embedded, Platform
from helpers.receivers import (
    PATIENCE,
    SECRET,
    Behaviour,
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
from trueup.completion.store import CompletionStore
from trueup.errors import CompletionsError, ConflictError
from trueup.gateways.webhook import WebhookPoster
from trueup.reporting.alerts.channels import AlertSettings, Delivery
from trueup.reporting.alerts.deliver import preview, send_alerts
from trueup.reporting.alerts.state import ALERTS, Sent, document_id, sent_fields
from trueup.results.report import Report

# One worker: the emulators are expensive.

STATE = document_id("webhook", "prod")
LATER = MORNING + timedelta(hours=1)
NEXT_DAY = MORNING + timedelta(days=1)
MOST_CALLS = 12
FOUND, AGAIN = report(finding()), report(finding(), as_of=LATER)
MORE = report(finding(), finding(subject="b"), as_of=LATER)
NO_LEASE = replace(PATIENCE, lease_seconds=0.0)
KILL = raising(Killed())
AWAY = CompletionsError("The store is away.")


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


def send(
    platform: Platform,
    there: Receiver,
    one: Report,
    owner: str = "run-1",
    before: Act = nothing,
    after: Act = nothing,
    **more: Any,
) -> Delivery:
    """Send a report; ``before`` and ``after`` act around each call to the store."""

    def open_collection(name: str) -> CompletionStore:
        return around(platform.collection(name), before, after)

    (delivery,) = send_alerts(one, there.settings(), courier(open_collection, owner, **more))
    for secret in (*SECRET.split("/"), "q0secret", "services"):
        assert secret not in delivery.reason
    return delivery


def state(platform: Platform, document: str = STATE) -> dict[str, Any]:
    with closing(platform.collection(ALERTS)) as store:
        found = store.read([document]).get(document)
        return dict(found.fields) if found else {}


# What is sent when


def test_a_new_finding_is_sent_once(platform: Platform, there: Receiver) -> None:
    assert send(platform, there, FOUND).result == "sent"
    assert send(platform, there, AGAIN).result == "nothing_new"
    (one,) = there.received
    assert one.subjects("new") == ["player_game_summary"]
    assert one.key == one.body["message_id"]
    assert one.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_finding_is_sent_when_it_is_new_worse_resolved_and_back(platform: Platform, there: Receiver) -> None:
    nights = [
        FOUND,
        report(finding(observed=90.0), as_of=LATER),
        report(finding(observed=10.0), as_of=LATER),
        report(outcomes=[outcome(said="not_run", examined_count=0)], as_of=LATER),
        report(as_of=LATER),
        report(as_of=LATER),
        AGAIN,
    ]
    ended = [send(platform, there, one).result for one in nights]
    assert ended == ["sent", "sent", "nothing_new", "nothing_new", "sent", "nothing_new", "sent"]
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
    assert results(FOUND, both, by) == ["sent", "sent"]
    assert results(report(finding(), target="local"), both, by) == ["sent", "sent"]
    assert results(AGAIN, both, by) == ["nothing_new", "nothing_new"]
    assert len(set(there.keys)) == 4


def test_a_new_address_continues_with_the_state_which_has_no_address(platform: Platform) -> None:
    with receiver() as old, receiver("/moved") as new:
        send(platform, old, FOUND)
        assert send(platform, new, AGAIN).result == "nothing_new"
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
    assert send(platform, there, MORE, "run-2").result == "sent"
    assert send(platform, there, MORE, "run-3").result == "nothing_new"
    (one,) = there.received[already:]
    assert one.subjects("new") == ["b", "player_game_summary"]
    return one


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_unreachable_receiver_is_reported_and_gets_the_message_later(platform: Platform, there: Receiver) -> None:
    away = Receiver(f"http://127.0.0.1:{closed_port()}/{SECRET}")
    first = send(platform, away, FOUND)
    assert "no connection" in first.reason
    assert_sent_by_the_next_run(platform, there, first)


def test_an_unknown_host_is_reported(embedded: Embedded) -> None:
    first = send(embedded, Receiver(f"http://no-such-host.invalid/{SECRET}"), FOUND)
    assert first.result == "not_sent"
    assert "no-such-host.invalid" in first.reason


def test_a_failed_encryption_is_reported(embedded: Embedded, there: Receiver) -> None:
    plain = Receiver(there.url.replace("http:", "https:"))
    first = send(embedded, plain, FOUND)
    assert "encryption" in first.reason
    assert_sent_by_the_next_run(embedded, there, first)


def test_no_debug_log_holds_the_secret(embedded: Embedded, there: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", "urllib3.connectionpool")  # whatever else has set it
    send(embedded, there, FOUND)
    assert SECRET not in caplog.text
    requests.post(there.url, json={"new": []}, headers={"Idempotency-Key": "x"}, timeout=5)
    assert SECRET in caplog.text, "requests of others are still logged"


def test_a_500_is_reported_and_not_tried_again_by_the_same_run(platform: Platform, there: Receiver) -> None:
    there.behaviours = [answer(500, "oh dear")]
    first = send(platform, there, FOUND)
    assert len(there.received) == 1
    assert "500 (oh dear)" in first.reason
    assert_sent_by_the_next_run(platform, there, first)


def test_a_receiver_that_always_fails_is_reported_every_time(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [answer(500)] * 4
    for _ in range(4):
        assert send(embedded, there, FOUND).result == "not_sent"
    assert len(set(there.keys)) == 1, "the same changes have the same key"
    assert send(embedded, there, FOUND).result == "sent"


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_that_asks_for_a_retry_is_tried_again(platform: Platform, there: Receiver, status: int) -> None:
    there.behaviours = [answer(status)]
    assert send(platform, there, FOUND).result == "sent"
    assert len(there.received) == 2
    assert len(set(there.keys)) == 1


def test_retry_after_in_seconds_is_respected(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [answer(429, Retry_After="1")]
    began = time.monotonic()
    assert send(embedded, there, FOUND).result == "sent"
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
    first = send(embedded, there, FOUND)
    assert "3600 s" in first.reason
    assert len(there.received) == 1, "an hour is too long to wait"


@pytest.mark.parametrize(
    ("behaviour", "facts"),
    [
        *(
            (answer(status, "invalid_payload"), (f"{status} (invalid_payload)", "TRUEUP_WEBHOOK"))
            for status in (400, 401, 403, 404, 410, 422)
        ),
        *((answer(status, Location="/"), (f"redirects ({status})",)) for status in (302, 307, 308)),
    ],
)
def test_a_refusal_or_a_redirect_is_reported_and_not_followed_or_tried_again(
    embedded: Embedded, there: Receiver, behaviour: Behaviour, facts: tuple[str, ...]
) -> None:
    there.behaviours = [behaviour]
    first = send(embedded, there, FOUND)
    assert all(fact in first.reason for fact in facts)
    assert len(there.received) == 1
    assert_sent_by_the_next_run(embedded, there, first)


def test_a_refusal_that_repeats_the_secret_is_reported_without_its_text(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [answer(404, f"no webhook at /services/{SECRET}")]
    assert "404:" in send(embedded, there, FOUND).reason


# Receivers that may have the message


@pytest.mark.parametrize("behaviour", [never_answer, hang_up, drip(b"HTTP/1.1 200 OK\r\nX-Long: ")])
def test_a_message_that_may_have_arrived_is_sent_again_with_the_same_key(
    platform: Platform, there: Receiver, behaviour: Any
) -> None:
    there.behaviours = [behaviour]
    began = time.monotonic()
    short = replace(PATIENCE, budget_seconds=1.5, lease_seconds=0.0)
    first = send(platform, there, FOUND, patience=short)
    assert time.monotonic() - began < 4.0
    assert first.result == "not_sent"
    assert "may have arrived" in first.reason

    second = send(platform, there, MORE, "run-2")
    assert second.result == "sent"
    assert "an earlier run" in second.reason
    assert there.keys[0] == there.keys[1] != there.keys[2]
    assert there.received[0].body == there.received[1].body
    assert there.received[2].subjects("new") == ["b"]
    assert send(platform, there, MORE).result == "nothing_new"


def test_a_slow_body_after_a_2xx_status_is_sent(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")]
    began = time.monotonic()
    assert send(embedded, there, FOUND).result == "sent"
    assert time.monotonic() - began < 1.0


def test_a_slow_body_after_a_4xx_status_is_refused(embedded: Embedded, there: Receiver) -> None:
    there.behaviours = [drip(b"HTTP/1.1 400 Bad\r\nContent-Length: 1000\r\n\r\n")]
    first = send(embedded, there, FOUND, patience=replace(PATIENCE, budget_seconds=0.5))
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
    first = send(embedded, there, FOUND)
    assert "400 (xxx" in first.reason
    assert len(first.reason) < 500
    assert len(written) < 50


def test_a_message_that_may_have_arrived_stays_the_same_while_its_receiver_is_down(
    embedded: Embedded, there: Receiver
) -> None:
    there.behaviours = [hang_up, answer(500)]
    for owner in ("run-1", "run-2"):
        assert send(embedded, there, FOUND, owner, patience=NO_LEASE).result == "not_sent"
    assert send(embedded, there, MORE, "run-3").result == "sent"
    assert len(set(there.keys[:3])) == 1
    assert there.received[3].subjects("new") == ["b"]


@pytest.mark.parametrize(("behaviour", "runs"), [(answer(400), 1), (answer(500), 2), (hang_up, 2)])
def test_a_message_that_is_never_accepted_is_replaced_by_one_with_all_changes(
    embedded: Embedded, there: Receiver, behaviour: Any, runs: int
) -> None:
    there.behaviours = [hang_up, *[behaviour] * runs]
    for run in range(1 + runs):
        send(embedded, there, FOUND, f"run-{run}", patience=NO_LEASE)
    assert send(embedded, there, MORE).result == "sent"
    assert there.received[-1].subjects("new") == ["b", "player_game_summary"]


# Runs that are killed


def send_until_killed(platform: Platform, there: Receiver, calls: int) -> bool:
    return run_until_killed("helpers.killed_alert", platform, there.url, calls)


def assert_sent_once(there: Receiver) -> None:
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
        if not send_until_killed(platform, there, calls):
            break
        kills += 1
        assert send(platform, there, FOUND, "next").result == "sent"
        assert_sent_once(there)
        assert send(platform, there, AGAIN, "last").result == "nothing_new"
    assert kills == 5, "read, claim, read, post, commit"


@pytest.mark.slow
def test_many_kills_in_a_row_lose_nothing(embedded: Embedded, there: Receiver) -> None:
    chance = random.Random(20260203)
    for _ in range(6):
        embedded.forget(ALERTS, STATE)
        there.received.clear()
        for _ in range(chance.randint(2, 4)):
            send_until_killed(embedded, there, chance.randint(1, 6))
        send(embedded, there, FOUND, "next")
        assert_sent_once(there)


@pytest.mark.parametrize("is_posted", [False, True])
def test_other_runs_wait_for_the_lease_and_say_so(platform: Platform, there: Receiver, is_posted: bool) -> None:
    short = replace(PATIENCE, lease_seconds=1.5)
    kill = nth(1, KILL)
    poster = around(WebhookPoster(), after=kill) if is_posted else around(WebhookPoster(), before=kill)
    with pytest.raises(Killed):
        send(platform, there, FOUND, "dead", patience=short, poster=poster)
    waiting = send(platform, there, AGAIN, "next")
    assert waiting.result == "left_to_another_run"
    assert "another run" in waiting.reason.lower()
    assert len(there.received) == is_posted

    time.sleep(1.6)
    assert send(platform, there, AGAIN, "next").result == "sent"
    assert len(there.received) == 1 + is_posted
    assert len(set(there.keys)) == 1


def test_a_run_that_commits_late_does_not_undo_later_messages(platform: Platform, there: Receiver) -> None:
    def overtake() -> None:
        # The first run posts and then sleeps; its lease expires, and another run continues.
        send(platform, there, AGAIN, "fast")
        send(platform, there, report(as_of=LATER), "fast")

    poster = around(WebhookPoster(), after=nth(1, overtake))
    slow = send(platform, there, FOUND, "slow", patience=NO_LEASE, poster=poster)
    assert slow == Delivery("webhook", "sent")
    assert [bool(one.body["resolved"]) for one in there.received] == [False, False, True]
    assert send(platform, there, report(as_of=LATER), "last").result == "nothing_new"


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


@pytest.mark.parametrize("call", [1, 2, 3, 4])
@pytest.mark.parametrize("before", ["the first run", "a day after another", "an abandoned claim"])
def test_another_run_between_any_two_calls_repeats_nothing(
    platform: Platform, there: Receiver, call: int, before: str
) -> None:
    if before == "a day after another":
        send(platform, there, report(as_of=MORNING - timedelta(days=1)), "before")
        there.received.clear()
    if before == "an abandoned claim":
        with pytest.raises(Killed):
            send(platform, there, FOUND, "dead", patience=NO_LEASE, poster=around(WebhookPoster(), nth(1, KILL)))
    with ThreadPoolExecutor(1) as pool:

        def other() -> None:
            pool.submit(send, platform, there, FOUND, "other").result()

        first = send(platform, there, FOUND, before=nth(call, other))
    assert first.result in ("sent", "nothing_new")
    assert len(there.received) == 1
    assert send(platform, there, AGAIN, "last").result == "nothing_new"


def test_a_claim_that_was_taken_over_before_the_post_is_not_posted(platform: Platform, there: Receiver) -> None:
    def other() -> None:
        send(platform, there, FOUND, "other")

    assert send(platform, there, FOUND, before=nth(3, other), patience=NO_LEASE).result == "nothing_new"
    assert len(there.received) == 1


@pytest.mark.parametrize("lost", [["create"], ["update"], ["create", "update"]])
def test_a_lost_reply_is_neither_a_lost_nor_a_second_message(
    platform: Platform, there: Receiver, lost: list[str]
) -> None:
    left = list(lost)

    def lose(called: str, *_: object) -> None:
        if called in left:
            left.remove(called)
            raise ConflictError("changed")

    assert send(platform, there, FOUND, after=lose) == Delivery("webhook", "sent")
    assert send(platform, there, AGAIN, "next").result == "nothing_new"
    assert len(there.received) == 1


# The state cannot be read or written


def test_a_store_that_cannot_be_opened_is_reported_and_nothing_is_sent(there: Receiver, tmp_path: Path) -> None:
    (tmp_path / "alerts.db").write_text("no database", encoding="utf-8")
    first = send(Embedded(tmp_path / "alerts.db"), there, FOUND)
    assert first.result == "not_sent"
    assert "TRUEUP_ALERT_STATE" in first.reason
    assert not there.received


def test_a_store_that_fails_after_the_post_warns_of_a_duplicate(embedded: Embedded, there: Receiver) -> None:
    first = send(embedded, there, FOUND, after=nth(1, raising(AWAY), "update"))
    assert first.result == "sent"
    assert "may come again" in first.reason
    assert there.keys[0][:12] in first.reason


def test_a_store_that_fails_at_the_claim_sends_nothing_and_loses_nothing(embedded: Embedded, there: Receiver) -> None:
    first = send(embedded, there, FOUND, after=nth(1, raising(AWAY), "create"), patience=NO_LEASE)
    assert first.result == "not_sent"
    assert not there.received
    assert send(embedded, there, FOUND, "next").result == "sent"
    assert len(there.received) == 1


OF_VERSION_2 = {"message_id": "x", "version": 2}
CLAIM: dict[str, Any] = {"owner": "dead", "attempt": 1, "claimed_at": "", "lease_seconds": 0}
PENDING_OF_VERSION_2 = json.dumps({"message": OF_VERSION_2, "after": sent_fields(Sent()), **CLAIM})


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
    send(platform, there, FOUND)
    there.received.clear()
    broken = {**state(platform), **changes}
    with closing(platform.collection(ALERTS)) as store:
        store.replace(STATE, broken)
    first = send(platform, there, report(finding(subject="b"), as_of=LATER))
    assert first.result == "not_sent"
    assert said in first.reason
    assert f"{ALERTS}/{STATE}" in first.reason
    assert not there.received
    assert state(platform) == broken


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x0secret", "x0secret", "http://", "http://[x0secret"])
def test_an_invalid_address_is_reported_without_it(embedded: Embedded, url: str) -> None:
    (first,) = send_alerts(FOUND, AlertSettings(slack=url), courier(embedded.collection))
    assert first.result == "not_sent"
    assert "TRUEUP_SLACK_WEBHOOK" in first.reason
    assert "x0secret" not in first.reason
    assert not embedded.path.exists()


def test_one_channel_that_fails_does_not_stop_the_other(embedded: Embedded, there: Receiver) -> None:
    settings = there.settings(slack=f"http://127.0.0.1:{closed_port()}/{SECRET}")
    assert results(FOUND, settings, courier(embedded.collection)) == ["not_sent", "sent"]


# The formats


def test_slack_gets_blocks_and_the_link(embedded: Embedded, there: Receiver) -> None:
    settings = AlertSettings(slack=there.url, report_url="https://example.org/report")
    assert results(FOUND, settings, courier(embedded.collection)) == ["sent"]
    (one,) = there.received
    assert one.body["text"] == "trueup prod: errors, 1 new"
    assert one.body["blocks"][0]["type"] == "header"
    assert "<https://example.org/report|the report>" in str(one.body["blocks"])


def test_an_invalid_link_is_left_out_and_reported(embedded: Embedded, there: Receiver) -> None:
    by = courier(embedded.collection)
    (first,) = send_alerts(FOUND, there.settings(report_url="javascript:x"), by)
    assert first.result == "sent"
    assert "TRUEUP_REPORT_URL" in first.reason
    assert there.received[0].body["report_url"] == ""


def test_the_step_summary_is_a_log_of_every_run_and_needs_no_state(embedded: Embedded, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before", encoding="utf-8")
    settings = AlertSettings(step_summary=str(path))
    for _ in range(2):
        assert results(FOUND, settings, courier(embedded.collection)) == ["sent"]
    text = path.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.count("## trueup prod: errors, 1 findings to act on") == 2
    assert not embedded.path.exists()


def test_a_step_summary_that_cannot_be_written_is_reported(embedded: Embedded, tmp_path: Path) -> None:
    settings = AlertSettings(step_summary=str(tmp_path))
    (first,) = send_alerts(FOUND, settings, courier(embedded.collection))
    assert first.result == "not_sent"
    assert "GITHUB_STEP_SUMMARY" in first.reason


def test_a_preview_sends_and_writes_nothing(platform: Platform, there: Receiver, tmp_path: Path) -> None:
    settings = there.settings(slack=there.url, step_summary=str(tmp_path / "summary.md"))

    def shown(one: Report) -> list[bool]:
        return [bool(each.body) for each in preview(one, settings, lambda: platform.collection(ALERTS))]

    assert shown(FOUND) == [True, True, True]
    assert not there.received
    assert state(platform) == {}
    assert not (tmp_path / "summary.md").exists()
    send_alerts(FOUND, settings, courier(platform.collection))
    assert shown(AGAIN) == [True, False, False]
    assert shown(report(finding(subject="b"), as_of=LATER)) == [True, True, True]


def test_without_a_channel_nothing_is_opened(tmp_path: Path) -> None:
    def never(name: str) -> CompletionStore:
        raise AssertionError(name)

    assert send_alerts(FOUND, AlertSettings(), courier(never)) == ()
