"""A phase 3 processor, as an example: it writes a day of its table, and reports that it has."""

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import bigquery, firestore
from google.cloud.pubsub_v1 import PublisherClient

from trueup.guard import LockHeldError, ProcessingLock, keep_newest, replace_day

PROCESSOR = "player_game_summary"
TABLE = "nba_analytics.player_game_summary"
KEY = ("game_date", "game_id", "player_lookup")


def process(game_date: str, rows: Sequence[Mapping[str, Any]], execution_id: str | None = None) -> bool:
    """Write the rows of a day (YYYY-MM-DD) and report; False if another instance is at work on the day.

    If it raises, the day is as it was before, or written and not reported. In both cases run it again.
    """
    execution_id = execution_id or uuid.uuid4().hex
    try:
        lock = ProcessingLock(firestore.Client(), PROCESSOR, game_date, owner=execution_id, lease=timedelta(minutes=10))
        with lock:
            newest = keep_newest(rows, key=KEY, newest_by="processed_at")
            partition = ("game_date", game_date)
            written = replace_day(bigquery.Client(), TABLE, newest, partition=partition, token=lock.token)
    except LockHeldError:
        return False
    report(game_date, status="success", record_count=written, execution_id=execution_id)
    return True


def report(game_date: str, **values: Any) -> str:
    """Publish the report for the orchestrator, and wait until it is stored: the id of the message."""
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    topic = os.environ.get("PHASE3_TOPIC") or "phase3-complete"
    now = datetime.now(UTC).isoformat()  # in the message, so that each delivery reports the same time
    body = {"game_date": game_date, "processor_name": PROCESSOR, "completed_at": now, **values}
    sent = PublisherClient().publish(f"projects/{project}/topics/{topic}", json.dumps(body).encode())
    return str(sent.result(timeout=30))
