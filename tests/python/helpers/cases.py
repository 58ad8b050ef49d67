"""A night with two games, as evidence and as a document; each test changes one thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from helpers.support import PROJECT
from trueup.completion.store import Snapshot
from trueup.judge.case import JudgeSettings
from trueup.judge.documents import judge
from trueup.judge.evidence import DayEvidence, GameDay, Phase4Evidence, ProcessorEvidence
from trueup.results.reference import load_reference
from trueup.results.verdict import Verdict

DAY = date(2026, 2, 3)
KEY = DAY.isoformat()
WRITTEN = datetime(2026, 2, 4, 11, 30, tzinfo=UTC)
REPORTED = WRITTEN + timedelta(minutes=5)
TRIGGERED = REPORTED + timedelta(minutes=2)
AS_OF = datetime(2026, 2, 4, 15, 30, tzinfo=UTC)
REFERENCE = load_reference(PROJECT / "seeds")
FIVE = tuple(entry.processor_name for entry in REFERENCE.roster.expected("overnight"))
PLAYERS, OFFENSE, DEFENSE, UPCOMING, UPCOMING_TEAM = FIVE
# Days for evidence(game_day=…).
UNCOVERED = {
    "schedule_problem": "the schedule does not cover the date", "is_covered": False, "listed_game_count": 0,
    "scheduled_game_count": 0, "final_game_count": 0,
}  # fmt: skip
FREE = {"listed_game_count": 0, "scheduled_game_count": 0, "final_game_count": 0}
UNPLAYED = {"scheduled_game_count": 0, "final_game_count": 0}
# Tables for evidence(processor=…) and evidence(phase4=…).
NO_ROWS: dict[str, Any] = {"row_count": 0, "grain_count": 0, "games_found_count": 0}
NO_GAMES = {name: {**NO_ROWS, "games_expected_count": 0} for name in FIVE}
SILENT: dict[str, Any] = {"row_count": 0, "first_written_at": None, "last_written_at": None}
UNDATED: dict[str, Any] = {"first_written_at": None, "last_written_at": None}


def evidence(**changes: Any) -> DayEvidence:
    """Two games, all tables complete, phase 4 done; ``changes``: game_day, phase4, or a processor."""
    processors = {
        name: ProcessorEvidence(DAY, name, name, True, 56, 56, 2, 2, WRITTEN, WRITTEN, False) for name in FIVE
    }
    phase4_at = TRIGGERED + timedelta(minutes=9)
    day = DayEvidence(GameDay(DAY, "", True, 2, 2, 2), processors, Phase4Evidence(DAY, True, 40, phase4_at, phase4_at))
    game_day = replace(day.game_day, **changes.pop("game_day", {}))
    phase4 = replace(day.phase4, **changes.pop("phase4", {}))
    for name, fields in changes.items():
        processors[name] = replace(processors[name], **fields)
    return DayEvidence(game_day, processors, phase4)


def document(remove: Any = (), **changes: Any) -> Snapshot:
    """Five reports, a count of five, triggered in time; a dict in ``changes`` updates a report.

    ``remove``: keys to leave out (Any: mypy takes a ``**{name: …}`` for it too)."""
    fields: dict[str, Any] = {
        name: {"status": "success", "record_count": 56, "completed_at": REPORTED} for name in FIVE
    }
    fields.update(
        _completed_count=5, _mode="overnight", _triggered=True, _triggered_at=TRIGGERED, _last_update=TRIGGERED
    )
    for key in remove:
        del fields[key]
    for key, value in changes.items():
        merges = isinstance(value, dict) and isinstance(fields.get(key), dict)
        fields[key] = {**fields[key], **value} if merges else value
    return Snapshot(KEY, fields, TRIGGERED, TRIGGERED)


def untriggered(remove: Any = (), **changes: Any) -> Snapshot:
    """The document before phase 4 was started."""
    return document(("_triggered", "_triggered_at", *remove), **changes)


def judged(
    snapshot: Snapshot | None, day: DayEvidence | None = None, as_of: datetime = AS_OF, **settings: Any
) -> tuple[Verdict, ...]:
    """The verdicts on a document and an evidence."""
    return judge(day or evidence(), snapshot, REFERENCE, JudgeSettings(as_of=as_of, **settings))


def failures(*arguments: Any, **settings: Any) -> dict[tuple[str, str], Verdict]:
    """The failed verdicts by rule and subject."""
    verdicts = judged(*arguments, **settings)
    found = {(one.rule, one.subject): one for one in verdicts if one.outcome == "failed"}
    assert len(found) == sum(one.outcome == "failed" for one in verdicts), "one finding per rule and subject"
    return found


def only(verdicts: tuple[Verdict, ...], rule: str, subject: str = KEY) -> Verdict:
    """The one verdict of a rule on a subject."""
    (one,) = (verdict for verdict in verdicts if (verdict.rule, verdict.subject) == (rule, subject))
    return one
