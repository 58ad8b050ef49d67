"""Repairs on a platform: a night that needs one, its repairer, and the expected result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from helpers.cases import AS_OF, KEY, OFFENSE, REFERENCE, SILENT, evidence, untriggered
from helpers.doubles import Act, around, nothing
from helpers.platforms import Platform
from trueup.completion.claim import CLAIMS
from trueup.completion.start import Phase4Topic
from trueup.completion.store import DOCUMENTS
from trueup.judge.case import JudgeSettings
from trueup.judge.evidence import DayEvidence
from trueup.repair.documents.apply import Repairer, repair_days
from trueup.repair.documents.steps import Step

NIGHT = evidence(phase4=SILENT)
# A lost report, a drifted count, and phase 4 not started.
BROKEN = untriggered(remove=(OFFENSE,), _completed_count=2, _trigger_pending=False, _note="kept").fields


def night_on(day: date) -> DayEvidence:
    """The silent night, on another date."""
    return DayEvidence(
        replace(NIGHT.game_day, game_date=day),
        {name: replace(rows, game_date=day) for name, rows in NIGHT.processors.items()},
        replace(NIGHT.phase4, game_date=day),
    )


class Recorded:
    """An audit log in memory."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def append(self, steps: Iterable[Step]) -> None:
        self.steps += steps

    def states(self) -> list[tuple[str, str]]:
        return states(self.steps)


@contextmanager
def repairer(
    platform: Platform,
    owner: str = "ann@laptop/1",
    lease: timedelta = timedelta(minutes=5),
    meanwhile: Act = nothing,
    topic: Phase4Topic | None = None,
    audit: Recorded | None = None,
) -> Iterator[Repairer]:
    """A repairer; connections that are not given are opened. ``meanwhile`` acts before each call to the documents."""
    with ExitStack() as opened:
        yield Repairer(
            documents=around(opened.enter_context(closing(platform.collection(DOCUMENTS))), meanwhile),
            claims=opened.enter_context(closing(platform.collection(CLAIMS))),
            topic=topic or opened.enter_context(closing(platform.topic())),
            audit=audit or Recorded(),
            reference=REFERENCE,
            settings=JudgeSettings(as_of=AS_OF),
            actor=owner.split("/")[0],
            owner=owner,
            lease=lease,
            now=lambda: datetime.now(UTC),
        )


def repair(platform: Platform, *days: DayEvidence, **more: Any) -> tuple[list[Step], str]:
    """Repair the broken night, or these days: the steps, and why the repair is incomplete."""
    with repairer(platform, **more) as one:
        return repair_days(one, days or (NIGHT,), one.documents.read([KEY]))


def states(steps: Iterable[Step]) -> list[tuple[str, str]]:
    """What was repaired or not, without the reasons."""
    return [(step.subject, step.state) for step in steps]


def fields_of(platform: Platform, collection: str, document_id: str = KEY) -> dict[str, Any]:
    """A document as it is now."""
    with closing(platform.collection(collection)) as store:
        return dict(store.read([document_id])[document_id].fields)


def write(platform: Platform, fields: Any, document_id: str = KEY) -> None:
    """Replace a document."""
    with closing(platform.collection(DOCUMENTS)) as store:
        store.replace(document_id, fields)


def is_repaired(fields: dict[str, Any]) -> bool:
    """Whether the document of the broken night is repaired and otherwise unchanged."""
    kept = {key: value for key, value in BROKEN.items() if key != "_completed_count"}
    return (
        all(fields.get(key) == value for key, value in kept.items())
        and fields["_completed_count"] == 5
        and fields[OFFENSE]["record_count"] == 56
        and fields["_triggered"] is True
        and set(fields) == {*BROKEN, OFFENSE, "_triggered", "_triggered_at", "_trigger_reason"}
    )


def keys_of(messages: Iterable[tuple[dict[str, Any], Any]]) -> set[str]:
    """The idempotency keys of messages."""
    return {attributes["idempotency_key"] for _, attributes in messages}


def texts_of(messages: Iterable[tuple[dict[str, Any], Any]]) -> set[str]:
    """The messages as texts, for comparison."""
    return {json.dumps(data, sort_keys=True) for data, _ in messages}
