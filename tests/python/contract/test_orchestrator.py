"""The orchestrator of deploy/ under functions-framework, between Google's emulators of Pub/Sub and Firestore."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from helpers.cases import FIVE, REFERENCE
from helpers.emulators import Google
from helpers.platforms import TOPIC
from helpers.repairs import night_on
from helpers.support import PROJECT
from trueup.completion.store import DOCUMENTS
from trueup.judge.case import JudgeSettings
from trueup.judge.documents import judge
from trueup.judge.evidence import DayEvidence

FOLDER = PROJECT / "deploy/orchestrator"
REPORTS, REFUSED = "phase3-complete", "phase3-dead-letters"
DAYS = [date(2026, 2, 3) + timedelta(days=number) for number in range(4)]
# The emulator's shortest. Then a message that nobody acknowledged comes again.
ACK_SECONDS = 10


class Instance:
    """One instance of the function, which can be killed and started anew."""

    def __init__(self, source: Path, environment: Mapping[str, str]) -> None:
        self.source, self.environment = source, {**os.environ, **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [str(Path(sys.executable).parent / "functions-framework"), "--target", "orchestrate"]
        command += ["--signature-type", "cloudevent", "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=self.source, env=self.environment, start_new_session=True, stdout=subprocess.DEVNULL
        )

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        pytest.fail("The instance did not start.")

    def kill(self) -> None:
        """SIGKILL to all of its processes."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def deliver(self, message: Any, message_id: str) -> bool:
        """Send a message as Eventarc does; whether the function acknowledged it."""
        body = {
            "data": base64.b64encode(message.data).decode(),
            "attributes": dict(message.attributes),
            "messageId": message_id,
            "publishTime": message.publish_time.isoformat(),
        }
        headers = {
            "ce-id": message_id,
            "ce-specversion": "1.0",
            "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
            "ce-source": "//pubsub.googleapis.com/projects/p/topics/t",
        }
        try:
            sent = requests.post(f"http://127.0.0.1:{self.port}", json={"message": body}, headers=headers, timeout=30)
        except requests.RequestException:
            return False
        return sent.ok


class Night:
    """The topics of a project, two instances, and a delivery that comes twice, late and in any order."""

    def __init__(self, google: Google, instances: list[Instance]) -> None:
        self.google, self.instances, self.begun = google, instances, 0
        self.publisher, self.subscriber = PublisherClient(), SubscriberClient()
        for name in (REPORTS, REFUSED):
            self.publisher.create_topic(name=self.topic(name))
            self.subscriber.create_subscription(
                name=self.subscription(name), topic=self.topic(name), ack_deadline_seconds=ACK_SECONDS
            )

    def topic(self, name: str) -> str:
        return f"projects/{self.google.project}/topics/{name}"

    def subscription(self, name: str) -> str:
        return f"projects/{self.google.project}/subscriptions/{name}"

    def publish(self, body: Any, **attributes: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.publisher.publish(self.topic(REPORTS), data, **attributes).result(timeout=30)

    def pulled(self, name: str) -> list[Any]:
        return list(
            self.subscriber.pull(
                subscription=self.subscription(name), max_messages=100, return_immediately=True, timeout=10
            ).received_messages
        )

    def deliver_until_empty(self, chance: random.Random, again: float = 0.3, seconds: float = 90) -> int:
        """Deliver everything, ``again`` of it twice, until nothing is left: the number of refused deliveries."""
        deadline, refused, idle_since = time.monotonic() + seconds, 0, time.monotonic()

        def one(received: Any) -> bool:
            is_acknowledged = True
            for _ in range(1 + (chance.random() < again)):
                instance = chance.choice(self.instances)
                self.begun += 1
                is_acknowledged = instance.deliver(received.message, received.message.message_id)
            return is_acknowledged

        with ThreadPoolExecutor(8) as pool:
            while time.monotonic() < deadline:
                batch = self.pulled(REPORTS)
                chance.shuffle(batch)
                ended = list(pool.map(one, batch))
                done = [one.ack_id for one, is_done in zip(batch, ended, strict=True) if is_done]
                left = [one.ack_id for one, is_done in zip(batch, ended, strict=True) if not is_done]
                refused += len(left)
                name = self.subscription(REPORTS)
                if done:
                    self.subscriber.acknowledge(subscription=name, ack_ids=done)
                if left:
                    self.subscriber.modify_ack_deadline(subscription=name, ack_ids=left, ack_deadline_seconds=0)
                if batch:
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > 1:
                    return refused
                else:
                    time.sleep(0.1)
        pytest.fail(f"Not everything was delivered within {seconds} s.")

    def refused(self) -> list[Any]:
        return [one.message for one in self.pulled(REFUSED)]


@contextmanager
def orchestrated(google: Google, source: Path, count: int) -> Iterator[Night]:
    shutil.copytree(FOLDER, source, dirs_exist_ok=True)
    shutil.copy(PROJECT / "seeds/processor_roster.csv", source)
    environment = {"GOOGLE_CLOUD_PROJECT": google.project, "PHASE4_TOPIC": TOPIC, "DEAD_LETTER_TOPIC": REFUSED}
    with ExitStack() as stack:
        instances = []
        for _ in range(count):
            instances.append(Instance(source, environment))
            stack.callback(instances[-1].kill)
        yield Night(google, instances)


def report_of(day: date, processor: str) -> dict[str, Any]:
    ids = {"execution_id": f"run-{processor}", "correlation_id": f"night-{day}"}
    return {"game_date": day.isoformat(), "processor_name": processor, "status": "success", "record_count": 56, **ids}


def check_days(google: Google, days: list[date]) -> None:
    """Every document is complete, and the judge finds nothing in it."""
    with closing(google.collection(DOCUMENTS)) as store:
        snapshots = store.read([day.isoformat() for day in days])
    now = datetime.now(UTC)
    for day in days:
        night = night_on(day)
        wrote = replace(night.phase4, row_count=40, first_written_at=now, last_written_at=now)
        evidence = DayEvidence(night.game_day, night.processors, wrote)
        settings = JudgeSettings(as_of=now + timedelta(hours=1))
        verdicts = judge(evidence, snapshots[day.isoformat()], REFERENCE, settings)
        assert [one for one in verdicts if one.outcome == "failed"] == []
        assert snapshots[day.isoformat()].fields["_completed_count"] == len(FIVE)


def test_nights_without_kills_start_phase_4_once_each(google: Google, tmp_path: Path) -> None:
    chance = random.Random(1)
    with orchestrated(google, tmp_path / "function", 2) as night:
        messages = [report_of(day, processor) for day in DAYS for processor in FIVE]
        for message in chance.sample(messages * 2, len(messages) * 2):
            night.publish(message)
        night.deliver_until_empty(chance)
        assert night.refused() == []
    check_days(google, DAYS)
    started = google.received()
    assert sorted(message["game_date"] for message, _ in started) == [day.isoformat() for day in DAYS]
    assert {message["correlation_id"] for message, _ in started} == {f"night-{day}" for day in DAYS}


def test_instances_that_are_killed_lose_nothing_and_start_phase_4_with_one_key(google: Google, tmp_path: Path) -> None:
    chance = random.Random(2)
    with orchestrated(google, tmp_path / "function", 2) as night:
        for day in DAYS:
            for processor in FIVE:
                night.publish(report_of(day, processor))
        for instance in night.instances:
            instance.wait_until_it_answers()
        is_over = threading.Event()

        def kill_at_work() -> None:
            for instance, count in zip(night.instances * 2, (3, 9, 15, 21), strict=True):
                while night.begun < count and not is_over.wait(0.001):
                    pass
                instance.kill()
                instance.start()

        killer = threading.Thread(target=kill_at_work)
        killer.start()
        try:
            refused = night.deliver_until_empty(chance)
        finally:
            is_over.set()
            killer.join()
        assert refused > 3, "nobody was killed at work"
        assert night.refused() == []
    check_days(google, DAYS)
    keys: dict[str, set[str]] = {}
    for message, attributes in google.received():
        keys.setdefault(message["game_date"], set()).add(attributes["idempotency_key"])
    assert sorted(keys) == [day.isoformat() for day in DAYS]
    assert all(len(one) == 1 for one in keys.values())


WRONG = [
    (b"\xff no JSON", "not JSON"),
    (b"[1]", "not a JSON object"),
    ({**report_of(DAYS[0], FIVE[0]), "processor_name": "stranger"}, "no processor 'stranger'"),
    ({**report_of(DAYS[0], FIVE[0]), "game_date": "yesterday"}, "game_date is 'yesterday'"),
    ({**report_of(DAYS[0], FIVE[0]), "record_count": -1}, "record_count is -1"),
    ({**report_of(DAYS[0], FIVE[0]), "status": None}, "The status is None"),
    ({**report_of(DAYS[0], FIVE[0]), "completed_at": "2026-02-04T10:00:00"}, "a datetime with a time zone"),
    ({**report_of(DAYS[0], FIVE[0]), "execution_id": "\ud800"}, "execution_id is"),
    ({**report_of(DAYS[0], FIVE[0]), "mode": {}}, "no mode {}"),
    ({**report_of(DAYS[0], FIVE[0]), "completed_at": 0}, "completed_at is 0"),
    ({**report_of(DAYS[0], FIVE[0]), "completed_at": "0001-01-01T00:00:00+14:00"}, "years 1 to 9999"),
    ({**report_of(DAYS[0], FIVE[0]), "entities_changed": {"players": ["a" * 100_000]}}, "Leave entities_changed"),
]


def test_what_cannot_be_read_is_kept_as_it_is_with_the_reason(google: Google, tmp_path: Path) -> None:
    with orchestrated(google, tmp_path / "function", 1) as night:
        for body, _ in WRONG:
            night.publish(body, origin="test")
        night.publish({**report_of(DAYS[0], "PlayerGameSummaryProcessor"), "new_key": 7})
        night.deliver_until_empty(random.Random(3), again=0)
        found = night.refused()
    reasons = {bytes(one.data): one.attributes["reason"] for one in found}
    for body, said in WRONG:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        assert said in reasons.pop(data)
    assert reasons == {}
    assert {one.attributes["origin"] for one in found} == {"test"}
    with closing(google.collection(DOCUMENTS)) as store:
        fields = store.read([DAYS[0].isoformat()])[DAYS[0].isoformat()].fields
    assert fields["player_game_summary"]["record_count"] == 56


def test_attributes_with_the_names_of_parameters_are_kept_under_another_name(google: Google, tmp_path: Path) -> None:
    names = ("timeout", "topic", "data", "retry", "ordering_key", "self", "googclient_x", "reason")
    attributes = dict.fromkeys((*names, *(f"more-{number}" for number in range(92))), "x")
    message = SimpleNamespace(data=b"no JSON", attributes=attributes, publish_time=datetime.now(UTC))
    with orchestrated(google, tmp_path / "function", 1) as night:
        night.instances[0].wait_until_it_answers()
        assert night.instances[0].deliver(message, "1")
        (found,) = night.refused()
    assert found.data == message.data
    assert {f"original-{name}" for name in names} <= found.attributes.keys()
    assert len(found.attributes) == 100


def test_without_its_roster_or_its_store_a_message_is_not_acknowledged(google: Google, tmp_path: Path) -> None:
    with orchestrated(google, tmp_path / "function", 1) as night:
        (tmp_path / "function/processor_roster.csv").unlink()
        night.publish(report_of(DAYS[0], FIVE[0]))
        (received,) = night.pulled(REPORTS)
        instance = night.instances[0]
        instance.wait_until_it_answers()
        assert not instance.deliver(received.message, "1")
        shutil.copy(PROJECT / "seeds/processor_roster.csv", tmp_path / "function")
        assert instance.deliver(received.message, "1"), "the next message repairs the instance"
        assert night.refused() == []
