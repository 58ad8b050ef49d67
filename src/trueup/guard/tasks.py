"""Enqueues a run once: the name of the task carries what it is for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from trueup.completion.document import processor_name
from trueup.errors import UsageError
from trueup.gateways.tasks import create_task
from trueup.guard.reports import date_text
from trueup.guard.retrying import retry
from trueup.plain import shown

_QUEUE = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[^/]+")
_PROCESSOR = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MOST_ATTEMPTS = 10_000


@dataclass(frozen=True)
class Enqueued:
    """``task_id``: the last part of the task's name. ``is_new``: False if the name was used before."""

    task_id: str
    is_new: bool


def enqueue_once(
    client: Any,
    queue: str,
    url: str,
    *,
    processor: str,
    data_date: str | date,
    attempt: int = 1,
    payload: Mapping[str, Any] | None = None,
    service_account: str | None = None,
    deadline: timedelta = timedelta(seconds=30),
) -> Enqueued:
    """Create a task that posts to ``url``, unless one for this processor, date and attempt was created before.

    ``client``: a google.cloud.tasks_v2.CloudTasksClient. ``queue``: projects/P/locations/L/queues/Q. ``url``: https.
    ``data_date``: YYYY-MM-DD. ``attempt``: from 1. Cloud Tasks keeps a used name for hours, also of a task that is
    done, so a rerun of a date on purpose needs the next attempt. ``payload``: more fields for the JSON body, which has
    ``processor``, ``data_date`` and ``attempt``. ``service_account``: signs the request (OIDC). ``deadline``: how long
    it is repeated while Cloud Tasks does not answer; if an answer was lost, ``is_new`` may be False for our own task.

    Cloud Tasks delivers at least once: the receiver needs a ProcessingLock. Raises UsageError for a wrong argument, and
    EnqueueError if Cloud Tasks refuses or does not answer.
    """
    if not isinstance(queue, str) or not _QUEUE.fullmatch(queue):
        raise UsageError(f"The queue is {shown(queue)}.", "Pass projects/P/locations/L/queues/Q.")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise UsageError(f"The URL is {shown(url)}.", "Pass an https:// address.")
    if not isinstance(processor, str) or not _PROCESSOR.fullmatch(processor):
        raise UsageError(f"The processor is {shown(processor)}.", "Pass a name of letters, digits, _ and -.")
    if isinstance(attempt, bool) or not isinstance(attempt, int) or not 1 <= attempt <= _MOST_ATTEMPTS:
        raise UsageError(f"The attempt is {shown(attempt)}.", "Pass 1, or for a rerun the next number.")
    if not isinstance(data_date, str | date):
        raise UsageError(f"data_date is {shown(data_date)}.", "Pass the Eastern date as YYYY-MM-DD.")
    if service_account is not None and not isinstance(service_account, str):
        raise UsageError(f"The service account is {shown(service_account)}.", "Pass its e-mail address.")
    run = {"processor": processor_name(processor), "data_date": date_text(data_date, "data_date"), "attempt": attempt}
    words = f"{run['processor']}_{run['data_date']}_{attempt}"
    # Names that begin alike slow the queue down, says Google: a hash comes first.
    task_id = f"{hashlib.sha256(words.encode()).hexdigest()[:8]}_{words}"
    body = _json(payload, run)
    is_new = retry(lambda: create_task(client, queue, task_id, url, body, service_account), deadline=deadline)
    return Enqueued(task_id, is_new)


def _json(payload: Mapping[str, Any] | None, run: Mapping[str, Any]) -> bytes:
    """The body. NaN is refused: JSON has none, and the receiver would fail at it."""
    if payload is not None and not isinstance(payload, Mapping):
        raise UsageError(f"The payload is {shown(payload)}.", "Pass a dict.")
    try:
        return json.dumps({**(payload or {}), **run}, sort_keys=True, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"The payload is no JSON: {error}", "Pass texts, numbers, lists and dicts of them.") from error
