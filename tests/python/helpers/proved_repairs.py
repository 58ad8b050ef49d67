"""What a repair of a night may do, from the contract, without trueup's code."""

from __future__ import annotations

from typing import Any

from golden.night import ANALYTICS, CACHE, SCHEDULE, Night, game_id, name_of

_DELIVERED = ("success", "complete", "completed", "partial")
_NOT_COUNTED = ("001", "003")


def games(night: Night) -> list[dict[str, Any]]:
    """The games of the day that count: the newest row of each, if it is on this day."""
    rows = [row for row in night.tables[SCHEDULE] if row["game_date"]]
    newest: dict[str, str] = {}
    for row in rows:
        newest[row["game_id"]] = max(newest.get(row["game_id"], ""), str(row["processed_at"]))
    today = [
        row
        for row in rows
        if row["game_date"] == night.day.isoformat()
        and not str(row["game_id"]).startswith(_NOT_COUNTED)
        and (not row["game_id"] or str(row["processed_at"]) == newest[row["game_id"]])
    ]
    has_final = any(row["game_status"] == 3 for row in today)
    # A game that is still scheduled after the day, while another is final, was not played.
    return [row for row in today if not (has_final and row["game_status"] == 1 and _is_after(row, night))]


def is_settled(night: Night) -> bool:
    """Whether the day has games, and every one of them is final."""
    found = games(night)
    return bool(found) and all(row["game_status"] == 3 for row in found)


def covers(night: Night, table: str) -> bool:
    """Whether a table has rows of every game of the day."""
    rows = [row for row in night.tables[table] if row["game_date"] == night.day.isoformat()]
    there = {row["game_id"] for row in rows}
    return bool(rows) and all(
        there & {row["game_id"], game_id(night.day, row["away_team_tricode"], row["home_team_tricode"])} - {""}
        for row in games(night)
    )


def may_set(night: Night, field: str) -> bool:
    """Whether a field of the document may be set: on a settled day, where the rows of every report prove it."""
    document = night.document
    if document is None or not is_settled(night):
        return False
    proved = [table for table in ANALYTICS if name_of(table) in (*document, field)]
    return all(covers(night, table) for table in proved)


def may_start(night: Night) -> bool:
    """Whether phase 4 may be started: a settled day, every report there or provable, and every table covered."""
    document = night.document
    if document is None or not is_settled(night) or document.get("_triggered") is True or night.tables[CACHE]:
        return False
    return all(covers(night, table) for table in ANALYTICS) and not any(
        isinstance(report, dict) and str(report.get("status", "")).lower() not in _DELIVERED
        for name, report in document.items()
        if name in {name_of(table) for table in ANALYTICS}
    )


def _is_after(row: dict[str, object], night: Night) -> bool:
    return str(row["processed_at"]) >= f"{night.morning.isoformat()}T05:00:00Z"
