"""Completion documents against rows."""

from __future__ import annotations

from golden.golden import KEY, Golden, small
from golden.night import (
    CACHE,
    DEFENSE,
    OFFENSE,
    PGS,
    PROCESSORS,
    Night,
    et,
    name_of,
)


def same_day() -> Golden:
    """Three of five have reported, and the mode wants two: complete, and triggered. Nothing else is due yet."""
    golden = same_day_only("Same-day mode: three of five reports are enough until those of the night are due")
    golden.as_of = et(golden.night.morning, "07:30")
    golden.status = "healthy"
    return golden


def same_day_hides() -> Golden:
    """The same document, looked at once the reports of the night are due."""
    golden = same_day_only("A document that says same_day does not stand for the night")
    golden.wants("DONE002", "error", name_of(OFFENSE))
    return golden.wants("DONE002", "error", name_of(DEFENSE))


def same_day_only(title: str) -> Golden:
    """A document of the run before the games, which two processors of the night have not reported to."""
    golden = small(title)
    assert golden.night.document is not None
    for table in (OFFENSE, DEFENSE):
        del golden.night.document[name_of(table)]
    golden.night.document.update(_mode="same_day", _completed_count=3)
    return golden


def backfilled() -> Golden:
    """A backfill wrote the rows and reported to nobody, as backfills do."""
    golden = small("A backfilled table without a report", status="could_not_check")
    night = golden.night
    assert night.document is not None
    for row in night.tables[PROCESSORS]:
        if row["processor_name"] == "TeamDefenseGameSummaryProcessor":
            row["backfill_mode"] = "true"
    untriggered(night, name_of(DEFENSE))
    night.document["_completed_count"] = 4
    return golden.wants("DONE002", "info", name_of(DEFENSE))


def untriggered(night: Night, missing: str) -> None:
    """One report is missing, so phase 4 was not started, and wrote nothing."""
    assert night.document is not None
    for key in (missing, "_triggered", "_triggered_at", "_trigger_reason"):
        del night.document[key]
    night.document["_completed_count"] = 4
    night.tables[CACHE] = []


def lost_report() -> Golden:
    """The rows are there, the message was lost in a cold start."""
    golden = small("A report that was lost")
    untriggered(golden.night, name_of(DEFENSE))
    return golden.wants("DONE002", "error", name_of(DEFENSE))


def missing_document() -> Golden:
    """Games were played and nobody wrote the document."""
    golden = small("A document that is not there")
    golden.night.document = None
    return golden.wants("DONE007", "error", KEY)


def unreadable_document() -> Golden:
    """A status that is a number, and a moment that is a word."""
    golden = small("A document that cannot be read")
    golden.night.report(name_of(PGS), status=200)
    golden.night.report(name_of(OFFENSE), completed_at="yesterday")
    return golden.wants("DONE008", "error", KEY)


def done_without_rows() -> Golden:
    """A report of success, and an empty table."""
    golden = small("A report without rows")
    golden.night.tables[DEFENSE] = []
    return golden.wants("DONE003", "error", name_of(DEFENSE))


def other_count() -> Golden:
    """The report counts three rows that the table does not have."""
    golden = small("A report that counts other rows")
    golden.night.report(name_of(PGS), record_count=59)
    return golden.wants("DONE004", "warn", name_of(PGS), 59)


def reported_failure() -> Golden:
    """One processor failed and said so; four are counted, for a failure is no completion."""
    golden = small("A processor that reported a failure")
    night = golden.night
    untriggered(night, name_of(DEFENSE))
    assert night.document is not None
    night.document["TeamDefenseGameSummaryProcessor"] = {"status": "failed"}
    night.tables[DEFENSE] = night.tables[DEFENSE][:2]
    golden.wants("DONE005", "error", name_of(DEFENSE))
    return golden.wants("DONE009", "error", name_of(DEFENSE), 1)


def stranger() -> Golden:
    """A key that is no processor of any mode, and is not counted."""
    golden = small("A report that nobody expects")
    assert golden.night.document is not None
    golden.night.document["mlb_game_summary"] = {"status": "success"}
    return golden.wants("DONE006", "warn", "mlb_game_summary")


def missing_game() -> Golden:
    """The table has one of the two games."""
    golden = small("A table that lacks a game")
    golden.night.tables[PGS] = golden.night.tables[PGS][:28]
    golden.night.report(name_of(PGS), record_count=28)
    return golden.wants("DONE009", "error", name_of(PGS), 1)
