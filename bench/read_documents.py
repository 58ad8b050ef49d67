"""Compares trueup's batched read of 365 completion documents with one get per date, at 20 ms latency.

Runs on Google's Firestore emulator, behind a proxy that delays every answer. Then judges and plans 10,000 documents and
measures the memory. ``python bench/read_documents.py`` prints one JSON document and exits with 1 if a target is missed.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "python"))

from google.cloud import firestore

from helpers.cases import AS_OF, REFERENCE, document, evidence
from helpers.emulators import firestore_emulator
from trueup.completion.store import DOCUMENTS
from trueup.gateways.firestore import FirestoreCompletions
from trueup.judge.case import JudgeSettings
from trueup.judge.evidence import DayEvidence
from trueup.repair.documents.plan import plan_repair
from trueup.runs.reconcile import judge_days

LATENCY_SECONDS = 0.020
DATES = 365
MANY = 10_000
ROUNDS = 5
LEAST_RATIO = 50.0
MOST_ROUND_TRIPS = 5
MOST_MEGABYTES = 300.0


class Delayed:
    """A TCP proxy on loopback that delays every answer."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._host, self._port, self._seconds = host, port, seconds
        self.address = ""
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait(10)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await server.serve_forever()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(self._pump(reader, far_writer, 0.0), self._pump(far_reader, writer, self._seconds))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay: float) -> None:
        loop = asyncio.get_running_loop()
        while data := await source.read(1 << 16):
            if delay:
                loop.call_later(delay, sink.write, data)
            else:
                sink.write(data)
        sink.close()


class Counted(firestore.Client):  # type: ignore[misc, unused-ignore]
    """Google's client with a counter of server calls."""

    calls = 0

    def get_all(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        return super().get_all(*arguments, **options)


def dates(count: int) -> list[date]:
    """Consecutive days."""
    return [date(2000, 1, 1) + timedelta(days=number) for number in range(count)]


def on(day: date) -> DayEvidence:
    """The evidence of a good night on ``day``."""
    night = evidence()
    return DayEvidence(
        replace(night.game_day, game_date=day),
        {name: replace(rows, game_date=day) for name, rows in night.processors.items()},
        replace(night.phase4, game_date=day),
    )


def fill(client: firestore.Client, ids: list[str]) -> None:
    """Write a document of the usual size for every id."""
    fields = dict(document().fields)
    for start in range(0, len(ids), 400):
        batch = client.batch()
        for one in ids[start : start + 400]:
            batch.set(client.collection(DOCUMENTS).document(one), fields)
        batch.commit()


def seconds(action: Callable[[], object]) -> float:
    """The duration of ``action`` in seconds."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


@contextmanager
def delayed_client(address: str, project: str) -> Iterator[Counted]:
    """A client with delayed answers."""
    host, port = address.split(":")
    os.environ["FIRESTORE_EMULATOR_HOST"] = Delayed(host, int(port), LATENCY_SECONDS).address
    yield Counted(project=project)


def measure_reads(address: str) -> dict[str, float]:
    """Times of one get per date and of trueup's read, for the same documents in the same run, and their ratio."""
    ids = [day.isoformat() for day in dates(DATES)]
    fill(firestore.Client(project="bench"), ids)
    with delayed_client(address, "bench") as client:
        store = FirestoreCompletions("bench", client=client)
        store.read(ids)  # the first call opens the connection
        client.calls = 0
        store.read(ids)
        round_trips = client.calls
        collection = client.collection(DOCUMENTS)
        batched = sorted(seconds(lambda: store.read(ids)) for _ in range(ROUNDS))[ROUNDS // 2]
        singly = seconds(lambda: [collection.document(one).get() for one in ids])
    return {"round_trips": round_trips, "batched_s": batched, "singly_s": singly, "ratio": singly / batched}


def measure_memory(address: str) -> dict[str, float]:
    """Peak memory of this process after it has read, judged and planned many documents."""
    os.environ["FIRESTORE_EMULATOR_HOST"] = address
    days = [on(day) for day in dates(MANY)]
    fill(firestore.Client(project="many"), [day.game_date.isoformat() for day in days])
    settings = JudgeSettings(as_of=AS_OF)
    began = time.perf_counter()

    @contextmanager
    def opened(collection: str) -> Iterator[FirestoreCompletions]:
        yield FirestoreCompletions("many", collection)

    judged = judge_days(days, opened, REFERENCE, settings)
    plans = [
        plan_repair(day, judged.snapshots[day.game_date.isoformat()], REFERENCE, settings, "bench") for day in days
    ]
    assert len(judged.snapshots) == len(plans) == MANY
    return {
        "documents": MANY,
        "verdicts": len(judged.verdicts),
        "judged_s": time.perf_counter() - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> int:
    """Measure and compare with the targets."""
    with firestore_emulator() as address:
        os.environ["FIRESTORE_EMULATOR_HOST"] = address
        reads = measure_reads(address)
        memory = measure_memory(address)
    print(json.dumps({"reads": reads, "memory": memory}, indent=2))
    is_met = (
        reads["ratio"] >= LEAST_RATIO
        and reads["round_trips"] <= MOST_ROUND_TRIPS
        and memory["peak_mb"] <= MOST_MEGABYTES
    )
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
