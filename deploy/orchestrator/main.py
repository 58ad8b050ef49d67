"""The orchestrator of phase 3, as a Cloud Function: it stores each report, and starts phase 4 once.

A message is acknowledged only when its report is stored and what follows from it is done. A message that cannot be read
goes to the dead-letter topic with the reason. After every other error Pub/Sub delivers the message again, which may
happen any number of times and in any order.
"""

import base64
import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import functions_framework
from cloudevents.http import CloudEvent
from google.cloud import firestore
from google.cloud.pubsub_v1 import PublisherClient

from trueup.errors import UsageError
from trueup.guard import Completions, Roster

_ROSTER = os.environ.get("PROCESSOR_ROSTER") or Path(__file__).parent / "processor_roster.csv"
_PHASE4_TOPIC = os.environ.get("PHASE4_TOPIC") or "nba-phase4-trigger"
_DEAD_LETTER_TOPIC = os.environ.get("DEAD_LETTER_TOPIC") or "phase3-dead-letters"
# Of a message, and passed on as they are. Other keys are left out.
_PASSED = ("record_count", "execution_id", "correlation_id", "is_incremental", "entities_changed", "mode")
_SECONDS = 10.0
# Attributes: names that Pub/Sub (goog…) or its client keep for themselves, and ours; bytes of a value; how many.
_TAKEN = re.compile("goog.*|topic|data|ordering_key|retry|timeout|self|reason")
_LONGEST, _MOST_ATTRIBUTES = 1000, 99


@functions_framework.cloud_event
def orchestrate(event: CloudEvent) -> None:
    """Store the report of one message of Pub/Sub. Raises if the message must come again."""
    message, completions = event.data["message"], _completions()
    try:
        completions.report(**_report(message))
    except UsageError as error:
        print(json.dumps({"severity": "ERROR", "message": error.text, "message_id": message.get("messageId")}))
        _refuse(message, error.text)


def _report(message: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``Completions.report``. Raises UsageError for a message that no later delivery can improve."""
    try:
        body = json.loads(_data(message))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"The message is not JSON: {error}.", "Publish one JSON object.") from error
    if not isinstance(body, dict):
        raise UsageError("The message is not a JSON object.", "Publish one JSON object.")
    return {
        "game_date": body.get("game_date"),
        "processor": body.get("processor_name"),
        "status": body.get("status"),
        # Each delivery of a message reports the same time.
        "completed_at": _time(body["completed_at"] if "completed_at" in body else message.get("publishTime")),
        **{name: body.get(name) for name in _PASSED},
    }


def _refuse(message: Mapping[str, Any], reason: str) -> None:
    """Send a message to the dead-letter topic, as it is."""
    attributes = list((message.get("attributes") or {}).items())[:_MOST_ATTRIBUTES]
    kept = {f"original-{key}" if _TAKEN.fullmatch(key) else key: one for key, one in attributes}
    reason = reason.encode(errors="replace")[:_LONGEST].decode(errors="ignore")
    _publish(_DEAD_LETTER_TOPIC, _data(message), {**kept, "reason": reason})


def _time(text: Any) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise UsageError(f"completed_at is {text!r}, expected ISO 8601 with an offset.") from error


def _data(message: Mapping[str, Any]) -> bytes:
    """What was published."""
    return base64.b64decode(message.get("data") or "")


@cache
def _completions() -> Completions:
    """Made by the first message of an instance, and again by the next one if that fails."""
    client = firestore.Client(database=os.environ.get("FIRESTORE_DATABASE") or "(default)")

    def start_phase4(message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        return _publish(_PHASE4_TOPIC, json.dumps(message, sort_keys=True).encode(), attributes)

    return Completions(client, Roster.read(_ROSTER), start_phase4, actor="orchestrator")


@cache
def _publisher() -> PublisherClient:
    return PublisherClient()


def _publish(topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
    """Publish to a topic of this project, and wait until it is stored: the id of the message."""
    path = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/{topic}"
    return str(_publisher().publish(path, data, timeout=_SECONDS, **attributes).result(timeout=_SECONDS))
