"""Eight reconciliations and the platform's own writers at once: nothing is lost, and phase 4 is claimed once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

from helpers.cases import DEFENSE, FIVE, OFFENSE, PLAYERS
from helpers.emulators import Google
from helpers.platforms import Platform
from helpers.repairs import BROKEN, keys_of, night_on, repairer
from trueup.completion.claim import CLAIMS
from trueup.completion.store import DOCUMENTS
from trueup.errors import ConflictError
from trueup.repair.documents.apply import repair_days
from trueup.repair.documents.steps import Step

RECONCILERS = 8
DATES = 20
FIRST = date(2026, 1, 5)


NIGHTS = [night_on(FIRST + timedelta(days=number)) for number in range(DATES)]
KEYS = [one.game_date.isoformat() for one in NIGHTS]


def rerun(fields: dict[str, Any], number: int) -> dict[str, Any]:
    """What the orchestrator makes of the document when a processor reports once more: all of it, anew."""
    reported = {**fields[DEFENSE], "execution_id": f"rerun-{number}"}
    return {**fields, DEFENSE: reported, "_last_update": datetime.now(UTC)}


def update(platform: Platform, key: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Changes a document by what was read of it, until nobody else changes it meanwhile."""
    with closing(platform.collection(DOCUMENTS)) as store:
        while True:
            read = store.read([key])[key]
            try:
                return store.update(key, change(dict(read.fields)), read.update_time)
            except ConflictError:
                continue


def orchestrate(platform: Platform) -> Callable[[str, int], None]:
    """The platform's orchestrator: it reads a document and replaces it in one transaction."""
    if isinstance(platform, Google):
        return _orchestrate_firestore(platform)
    return lambda key, number: update(platform, key, lambda fields: rerun(fields, number))


def _orchestrate_firestore(platform: Google) -> Callable[[str, int], None]:
    from google.cloud import firestore

    client = firestore.Client(project=platform.project)

    def in_transaction(key: str, number: int) -> None:
        reference = client.collection(DOCUMENTS).document(key)

        @firestore.transactional  # type: ignore[untyped-decorator, unused-ignore]
        def replace_all(transaction: Any) -> None:
            transaction.set(reference, rerun(reference.get(transaction=transaction).to_dict() or {}, number))

        replace_all(client.transaction(max_attempts=20))

    return in_transaction


def merge_own_field(platform: Platform, key: str) -> None:
    """The second writer: it merges its own field and knows nothing of the count."""
    update(platform, key, lambda fields: {PLAYERS: {**fields[PLAYERS], "execution_id": "merged"}})


def test_every_date_ends_with_the_right_count_one_claim_and_no_lost_field(platform: Platform) -> None:
    with closing(platform.collection(DOCUMENTS)) as store:
        for key in KEYS:
            store.replace(key, BROKEN)
    orchestrator = orchestrate(platform)
    ready = threading.Barrier(RECONCILERS + 2)

    def reconcile(number: int) -> list[Step]:
        with repairer(platform, owner=f"r{number}@host/{number}") as one:
            ready.wait()
            steps, trouble = repair_days(one, NIGHTS, one.documents.read(KEYS))
        assert trouble == ""
        return steps

    def live(write: Callable[[str], None]) -> None:
        ready.wait()
        for key in random.Random(1).sample(KEYS, len(KEYS)):
            write(key)

    with ThreadPoolExecutor(RECONCILERS + 2) as pool:
        runs = [pool.submit(reconcile, number) for number in range(RECONCILERS)]
        writers = [
            pool.submit(live, lambda key: orchestrator(key, KEYS.index(key))),
            pool.submit(live, lambda key: merge_own_field(platform, key)),
        ]
        steps = [step for run in runs for step in run.result()]
        for writer in writers:
            writer.result()

    with closing(platform.collection(DOCUMENTS)) as store, closing(platform.collection(CLAIMS)) as store_of_claims:
        documents, claims = store.read(KEYS), store_of_claims.read(KEYS)
    for number, key in enumerate(KEYS):
        fields = documents[key].fields
        assert fields["_completed_count"] == 5
        assert fields["_triggered"] is True
        assert fields["_note"] == BROKEN["_note"]
        assert fields[DEFENSE]["execution_id"] == f"rerun-{number}"
        assert fields[PLAYERS]["execution_id"] == "merged"
        assert fields[OFFENSE]["record_count"] == 56
        assert set(FIVE) <= set(fields)
    assert {key: claim.fields["state"] for key, claim in claims.items()} == dict.fromkeys(KEYS, "published")
    sent = platform.received()
    assert keys_of(sent) == {f"{key}-{claims[key].fields['claim_id']}" for key in KEYS}
    assert len(sent) == DATES, "one winner a date, and none was killed"
    applied = [
        step.game_date for step in steps if step.state == "applied" and step.subject == step.game_date.isoformat()
    ]
    assert sorted(day.isoformat() for day in applied) == KEYS
