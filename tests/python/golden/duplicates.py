"""Duplicate rows, ties, NULL keys and waivers."""

from __future__ import annotations

from golden.golden import DAY, Golden, small
from golden.night import OFFENSE, PGS, et, game_id, name_of


def partition_filter() -> Golden:
    """Two teams written three times, in the table that rejects queries without a partition filter."""
    golden = small("Duplicates in the table that requires a partition filter")
    rows = golden.night.tables[OFFENSE]
    for hours in (1, 2):
        written = et(golden.night.morning, f"0{6 + hours}:40")
        rows += [{**row, "created_at": written, "processed_at": written} for row in rows[:2]]
    return golden.wants("DUP001", "error", name_of(OFFENSE), 4)


def tied_newest() -> Golden:
    """Two rows of one player, without timestamps and with different assists."""
    golden = small("Rows that are equally new but differ")
    row = golden.night.tables[PGS][0]
    row.update(created_at="", processed_at="")
    golden.night.tables[PGS].append({**row, "assists": row["assists"] + 1})
    return golden.wants("DUP001", "error", name_of(PGS), 1).wants("DUP002", "error", name_of(PGS), 1)


def null_key() -> Golden:
    """Two rows of unknown players: reported, but not as duplicates."""
    golden = small("Rows without a player")
    row = golden.night.tables[PGS][13]
    golden.night.tables[PGS] += [{**row, "player_lookup": ""}] * 2
    return golden.wants("DUP003", "error", name_of(PGS), 2)


def two_game_ids() -> Golden:
    """One game under two ids: the second has away and home swapped."""
    golden = small("One game under two ids")
    rows = golden.night.tables[PGS]
    swapped = game_id(DAY, "LAL", "BOS")
    rows += [{**row, "game_id": swapped} for row in rows[:28]]
    golden.night.report(name_of(PGS), record_count=len(rows))
    return golden.wants("DUP004", "error", name_of(PGS), 28)


def poorer_newest() -> Golden:
    """A rerun without its inputs wrote a row with more NULLs than the older one."""
    golden = small("A newest row with more NULLs")
    row = golden.night.tables[PGS][0]
    later = et(golden.night.morning, "09:00")
    golden.night.tables[PGS].append({**row, "assists": "", "steals": "", "created_at": later, "processed_at": later})
    return golden.wants("DUP001", "error", name_of(PGS), 1).wants("DUP005", "warn", name_of(PGS), 1)


def waived() -> Golden:
    """One waiver of duplicates is active; another has expired."""
    golden = small("Waived duplicates, and an expired waiver")
    for table in (PGS, OFFENSE):
        row = golden.night.tables[table][0]
        later = et(golden.night.morning, "06:50")
        golden.night.tables[table].append({**row, "created_at": later, "processed_at": later})
    golden.waive("DUP001", name_of(PGS), "Cleaned by hand on Friday.", until="2026-02-06")
    golden.waive("DUP001", name_of(OFFENSE), "Cleaned by hand on Wednesday.", until="2026-02-03")
    return golden.wants("DUP001", "info", name_of(PGS), 1).wants("DUP001", "error", name_of(OFFENSE), 1)
