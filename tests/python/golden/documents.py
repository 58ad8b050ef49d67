"""Completion documents compared with rows."""

from __future__ import annotations

from typing import Any

from golden.golden import KEY, Golden, small
from golden.night import CACHE, DEFENSE, OFFENSE, PGS, PROCESSORS, Night, et, name_of


def same_day() -> Golden:
    """Three of five have reported and the mode needs two: complete and triggered. Nothing else is due yet."""
    golden = same_day_only("Same-day mode: three of five reports are enough until the nightly reports are due")
    golden.as_of = et(golden.night.morning, "07:30")
    golden.status = "healthy"
    return golden


def same_day_hides() -> Golden:
    """The same document, evaluated after the nightly reports are due."""
    golden = same_day_only("A same_day document after the nightly reports are due")
    return golden.wants("DONE002", "error", name_of(OFFENSE)).wants("DONE002", "error", name_of(DEFENSE))


def same_day_only(title: str) -> Golden:
    """A document of the run before the games, without the reports of two nightly processors."""
    golden = small(title)
    for table in (OFFENSE, DEFENSE):
        del golden.night.fields[name_of(table)]
    golden.night.fields.update(_mode="same_day", _completed_count=3)
    return golden


def backfilled() -> Golden:
    """A backfill wrote the rows and did not report, as backfills do."""
    golden = small("A backfilled table without a report", status="could_not_check")
    night = golden.night
    for row in night.tables[PROCESSORS]:
        if row["processor_name"] == "TeamDefenseGameSummaryProcessor":
            row["backfill_mode"] = "true"
    untriggered(night, name_of(DEFENSE))
    night.fields["_completed_count"] = 4
    return golden.wants("DONE002", "info", name_of(DEFENSE))


def untriggered(night: Night, missing: str) -> None:
    """One report is missing, so phase 4 was not started and wrote nothing."""
    for key in (missing, "_triggered", "_triggered_at", "_trigger_reason"):
        del night.fields[key]
    night.fields["_completed_count"] = 4
    night.tables[CACHE] = []


def lost_report() -> Golden:
    """The table has rows; the message was lost in a cold start."""
    golden = small("A lost report")
    untriggered(golden.night, name_of(DEFENSE))
    return golden.wants("DONE002", "error", name_of(DEFENSE))


def missing_document() -> Golden:
    """Games were played, but the document is missing."""
    golden = small("A missing document")
    golden.night.document = None
    return golden.wants("DONE007", "error", KEY)


def unreadable_document() -> Golden:
    """A status that is a number, and a timestamp that is a word."""
    golden = small("A document that cannot be read")
    golden.night.report(name_of(PGS), status=200)
    golden.night.report(name_of(OFFENSE), completed_at="yesterday")
    return golden.wants("DONE008", "error", KEY)


def done_without_rows() -> Golden:
    """A report of success with an empty table."""
    golden = small("A report without rows")
    golden.night.tables[DEFENSE] = []
    return golden.wants("DONE003", "error", name_of(DEFENSE))


def other_count() -> Golden:
    """The report counts three rows that the table does not have."""
    golden = small("A report with a wrong record count")
    golden.night.report(name_of(PGS), record_count=59)
    return golden.wants("DONE004", "warn", name_of(PGS), 59)


def reported_failure() -> Golden:
    """One processor reported a failure; the count is four, because a failure is not a completion."""
    golden = small("A processor that reported a failure")
    night = golden.night
    untriggered(night, name_of(DEFENSE))
    night.fields["TeamDefenseGameSummaryProcessor"] = {"status": "failed"}
    night.tables[DEFENSE] = night.tables[DEFENSE][:2]
    return golden.wants("DONE005", "error", name_of(DEFENSE)).wants("DONE009", "error", name_of(DEFENSE), 1)


def stranger() -> Golden:
    """A key that is not a processor of any mode and is not counted."""
    golden = small("A report of an unknown processor")
    golden.night.fields["mlb_game_summary"] = {"status": "success"}
    return golden.wants("DONE006", "warn", "mlb_game_summary")


def lock_left() -> Golden:
    """Two locks: of a killed holder, and one that was given back."""
    golden = small("A lock of a killed holder")
    morning = golden.night.morning

    def lock(owner: str, renewed: str, is_held: bool) -> dict[str, Any]:
        renewed_at = {"$timestamp": et(morning, renewed)}
        ids = {"holder_id": owner, "owner": owner, "token": 7}
        return {**ids, "is_held": is_held, "lease_seconds": 600, "renewed_at": renewed_at}

    golden.locks = {
        name_of(PGS): lock("run-1", "06:00", is_held=True),
        name_of(DEFENSE): lock("run-2", "06:00", is_held=False),
    }
    return golden.wants("LOCK001", "warn", name_of(PGS), 260)


def missing_game() -> Golden:
    """The table has one of the two games."""
    golden = small("A table with a missing game")
    golden.night.tables[PGS] = golden.night.tables[PGS][:28]
    golden.night.report(name_of(PGS), record_count=28)
    return golden.wants("DONE009", "error", name_of(PGS), 1)
