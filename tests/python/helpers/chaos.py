"""The same load for two designs of a night's completion: duplicates, any order, kills, and replies that are lost."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.api_core.exceptions import ServiceUnavailable
from google.cloud import firestore

from helpers.cases import FIVE, REFERENCE
from helpers.doubles import Killed
from helpers.repairs import night_on
from trueup.completion.store import DOCUMENTS
from trueup.gateways.firestore import FirestoreCompletions
from trueup.guard import Completions
from trueup.judge.case import JudgeSettings
from trueup.judge.documents import judge
from trueup.judge.evidence import DayEvidence

FIRST = date(2026, 1, 5)
Publish = Callable[[Mapping[str, Any], Mapping[str, str]], str]
Report = Callable[[str, str], object]
Design = Callable[[firestore.Client, Publish], Report]


@dataclass(frozen=True)
class Load:
    """Each of ``writers`` reports each of ``dates`` once, as one of the five processors; shares are 0 to 1.

    ``redelivered``: of the messages; ``killed``: of the calls to Firestore, before or after them; ``reply_lost``: of
    the commits; ``delay``: seconds at most before each call, mostly much less. A killed report is delivered again, and
    so is one that raised, if ``is_nacked``.
    """

    writers: int = 20
    dates: int = 20
    redelivered: float = 0.3
    killed: float = 0.02
    reply_lost: float = 0.02
    delay: float = 0
    seed: int = 1

    @property
    def days(self) -> list[date]:
        return [FIRST + timedelta(days=number) for number in range(self.dates)]

    def messages(self) -> list[tuple[str, str]]:
        """Date and processor of each message, in the order of their first delivery."""
        chance = random.Random(self.seed)
        once = [(day.isoformat(), FIVE[writer % len(FIVE)]) for day in self.days for writer in range(self.writers)]
        again = chance.sample(once, int(len(once) * self.redelivered))
        messages = once + again
        chance.shuffle(messages)
        return messages


@dataclass
class Result:
    """What became of the load. ``seconds``: of each report that ended; ``errors``: of those that raised."""

    lost_reports: int = 0
    wrong_counts: int = 0
    not_started: int = 0
    started_twice: int = 0
    different_keys: int = 0
    findings: int = 0
    errors: int = 0
    kills: int = 0
    elapsed: float = 0.0
    seconds: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """The time that this share of the reports took at most, in seconds."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share))]


def table(results: Mapping[str, Result]) -> str:
    """The results of some designs as a Markdown table."""
    heads = ("lost", "wrong counts", "not started", "twice", "two keys", "findings", "errors", "kills")
    lines = [f"| design | {' | '.join(heads)} | p50 s | p95 s | all s |", f"| --- |{' ---: |' * (len(heads) + 3)}"]
    for name, one in results.items():
        ends = (one.lost_reports, one.wrong_counts, one.not_started, one.started_twice, one.different_keys)
        times = (f"{one.percentile(0.5):.2f}", f"{one.percentile(0.95):.2f}", f"{one.elapsed:.0f}")
        lines.append(f"| {' | '.join(map(str, (name, *ends, one.findings, one.errors, one.kills, *times)))} |")
    return "\n".join(lines)


class Chaotic:
    """Google's Firestore API, with kills and lost replies around its calls."""

    def __init__(self, api: Any, load: Load) -> None:
        self._api, self._load, self._chance = api, load, random.Random(load.seed)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._api, name)
        if name not in ("commit", "batch_get_documents", "begin_transaction"):
            return method

        def call(*arguments: Any, **named: Any) -> Any:
            dice = self._chance.random()
            if self._load.delay:
                time.sleep(self._load.delay * self._chance.random() ** 4)
            if dice < self._load.killed / 2:
                raise Killed
            result = method(*arguments, **named)
            if dice > 1 - self._load.killed / 2:
                raise Killed
            if name == "commit" and self._chance.random() < self._load.reply_lost:
                raise ServiceUnavailable("the reply was lost")  # type: ignore[no-untyped-call, unused-ignore]
            return result

        return call


def first_design(client: firestore.Client, publish: Publish) -> Report:
    """As the platform's first orchestrator: read, then write, in one transaction; publish afterwards."""

    @firestore.transactional  # type: ignore[untyped-decorator, unused-ignore]
    def store(transaction: Any, reference: Any, processor: str) -> bool:
        fields = reference.get(transaction=transaction).to_dict() or {}
        if processor in fields:
            return False
        fields[processor] = {"status": "success", "record_count": 56, "completed_at": datetime.now(UTC)}
        fields["_completed_count"] = sum(not key.startswith("_") for key in fields)
        starts = fields["_completed_count"] == len(FIVE) and not fields.get("_triggered")
        if starts:
            fields |= {"_triggered": True, "_triggered_at": datetime.now(UTC)}
        transaction.set(reference, fields)
        return starts

    def report(key: str, processor: str) -> None:
        if store(client.transaction(), client.collection(DOCUMENTS).document(key), processor):
            publish({"game_date": key}, {"idempotency_key": f"{key}-{random.random()}", "game_date": key})

    return report


def guarded(client: firestore.Client, publish: Publish) -> Report:
    """trueup.guard."""
    completions = Completions(client, REFERENCE.roster, publish, lease=timedelta(seconds=2))
    return lambda key, processor: completions.report(key, processor, status="success", record_count=56)


def run(project: str, load: Load, design: Design, is_nacked: bool) -> Result:
    """Deliver the load to a design on a project of the emulator."""
    sent: list[Mapping[str, str]] = []

    def publish(message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        sent.append(attributes)
        return str(len(sent))

    client = firestore.Client(project=project)
    client._firestore_api_internal = Chaotic(client._firestore_api, load)
    report, result = design(client, publish), Result()
    waiting: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for message in load.messages():
        waiting.put(message)
    counting = threading.Lock()

    def deliver() -> None:
        while True:
            try:
                key, processor = waiting.get_nowait()
            except queue.Empty:
                return
            began, is_again = time.monotonic(), False
            try:
                report(key, processor)
            except Killed:
                is_again = True
                with counting:
                    result.kills += 1
            except Exception:
                is_again = is_nacked
                with counting:
                    result.errors += 1
            with counting:
                result.seconds.append(time.monotonic() - began)
            if is_again:
                waiting.put((key, processor))

    began = time.monotonic()
    with ThreadPoolExecutor(load.writers) as pool:
        for ended in [pool.submit(deliver) for _ in range(load.writers)]:
            ended.result()
    result.elapsed = time.monotonic() - began
    _examine(project, load, sent, result)
    return result


def _examine(project: str, load: Load, sent: list[Mapping[str, str]], result: Result) -> None:
    store = FirestoreCompletions(project)
    keys = [day.isoformat() for day in load.days]
    snapshots, now = store.read(keys), datetime.now(UTC)
    for day, key in zip(load.days, keys, strict=True):
        fields = snapshots[key].fields if key in snapshots else {}
        stored = [name for name in FIVE if name in fields]
        starts = [one for one in sent if one["game_date"] == key]
        result.lost_reports += len(FIVE) - len(stored)
        result.wrong_counts += fields.get("_completed_count") != len(stored)
        result.not_started += not starts
        result.started_twice += len(starts) > 1
        result.different_keys += len({one["idempotency_key"] for one in starts}) > 1
        night = night_on(day)
        wrote = replace(night.phase4, row_count=40, first_written_at=now, last_written_at=now)
        evidence = DayEvidence(night.game_day, night.processors, wrote if starts else night.phase4)
        settings = JudgeSettings(as_of=now + timedelta(hours=1))
        verdicts = judge(evidence, snapshots.get(key), REFERENCE, settings)
        result.findings += sum(one.outcome == "failed" for one in verdicts)
    store.close()
