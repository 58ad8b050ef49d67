"""Duplicate rows, ties, NULL keys, and what is waived."""

from __future__ import annotations

from golden.golden import DAY, KEY, Golden, small
from golden.night import (
    OFFENSE,
    PGS,
    et,
    game_id,
    name_of,
)


def partition_filter() -> Golden:
    """Two teams written three times, in the table that refuses queries without a partition filter."""
    golden = small("Duplicates in the table that requires a partition filter")
    rows = golden.night.tables[OFFENSE]
    for hours in (1, 2):
        moment = et(golden.night.morning, f"0{6 + hours}:40")
        rows += [{**row, "created_at": moment, "processed_at": moment} for row in rows[:2]]
    return golden.wants("DUP001", "error", name_of(OFFENSE), 4)


def tied_newest() -> Golden:
    """Two rows of one player, without timestamps and with different points."""
    golden = small("Rows that tie for newest and differ")
    row = golden.night.tables[PGS][0]
    row.update(created_at="", processed_at="")
    golden.night.tables[PGS].append({**row, "assists": row["assists"] + 1})
    golden.wants("DUP001", "error", name_of(PGS), 1)
    return golden.wants("DUP002", "error", name_of(PGS), 1)


def null_key() -> Golden:
    """Two rows of players that nobody could name: reported, and not taken for duplicates."""
    golden = small("Rows without a player")
    row = golden.night.tables[PGS][13]
    golden.night.tables[PGS] += [{**row, "player_lookup": ""}] * 2
    return golden.wants("DUP003", "error", name_of(PGS), 2)


def two_game_ids() -> Golden:
    """One game under two ids: away and home are swapped in the second."""
    golden = small("One game under two ids")
    rows = golden.night.tables[PGS]
    swapped = game_id(DAY, "LAL", "BOS")
    rows += [{**row, "game_id": swapped} for row in rows[:28]]
    golden.night.report(name_of(PGS), record_count=len(rows))
    return golden.wants("DUP004", "error", name_of(PGS), 28)


def poorer_newest() -> Golden:
    """A rerun without its inputs put an emptier row over a full one."""
    golden = small("The newest row is poorer")
    row = golden.night.tables[PGS][0]
    later = et(golden.night.morning, "09:00")
    golden.night.tables[PGS].append({**row, "assists": "", "steals": "", "created_at": later, "processed_at": later})
    golden.wants("DUP001", "error", name_of(PGS), 1)
    return golden.wants("DUP005", "warn", name_of(PGS), 1)


def waived() -> Golden:
    """Known duplicates, waived until a day that has not come; another waiver has ended."""
    golden = small("Duplicates that are waived, and a waiver that has ended")
    for table in (PGS, OFFENSE):
        row = golden.night.tables[table][0]
        later = et(golden.night.morning, "06:50")
        golden.night.tables[table].append({**row, "created_at": later, "processed_at": later})
    golden.seeds["known_exceptions"] = (
        "rule,subject,game_date,reason,until\n"
        f"DUP001,{name_of(PGS)},{KEY},Cleaned by hand on Friday.,2026-02-06\n"
        f"DUP001,{name_of(OFFENSE)},{KEY},Cleaned by hand on Wednesday.,2026-02-03\n"
    )
    golden.wants("DUP001", "info", name_of(PGS), 1)
    return golden.wants("DUP001", "error", name_of(OFFENSE), 1)
