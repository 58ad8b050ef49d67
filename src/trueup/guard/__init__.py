"""For writers: reports, locks and writes that cannot break the ledger. Needs only the Google clients that it is given.

Everything raises a TrueupError: ``message`` says what is wrong, ``hint`` what to do next.
"""

from trueup.completion.roster import Roster
from trueup.completion.rule import CompletionRule
from trueup.errors import (
    CompletionsError,
    ConcurrentUpdateError,
    EnqueueError,
    FencedError,
    LockHeldError,
    LockLostError,
    PublishError,
    TrueupError,
    UnfinishedReportError,
    UsageError,
    WarehouseError,
)
from trueup.guard.completions import Completions, Outcome
from trueup.guard.days import replace_day
from trueup.guard.lock import ProcessingLock
from trueup.guard.newest import keep_newest
from trueup.guard.retrying import retry
from trueup.guard.tasks import Enqueued, enqueue_once

__all__ = [
    "CompletionRule",
    "Completions",
    "CompletionsError",
    "ConcurrentUpdateError",
    "EnqueueError",
    "Enqueued",
    "FencedError",
    "LockHeldError",
    "LockLostError",
    "Outcome",
    "ProcessingLock",
    "PublishError",
    "Roster",
    "TrueupError",
    "UnfinishedReportError",
    "UsageError",
    "WarehouseError",
    "enqueue_once",
    "keep_newest",
    "replace_day",
    "retry",
]
