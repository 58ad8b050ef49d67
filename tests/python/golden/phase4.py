"""The start of phase 4 and its output."""

from __future__ import annotations

from golden.golden import KEY, Golden, small
from golden.night import CACHE, DEFENSE, LOG, PROCESSORS, et, name_of, stamp


def late_trigger() -> Golden:
    """Started 15 minutes after the last report."""
    golden = small("Phase 4 was started late")
    golden.night.fields["_triggered_at"] = stamp(et(golden.night.morning, "07:10"))
    golden.night.rewrite(CACHE, et(golden.night.morning, "07:20"))
    return golden.wants("TRIG002", "warn", KEY, 15)


def early_trigger() -> Golden:
    """Started although one processor had neither a report nor rows."""
    golden = small("Phase 4 was started too early")
    del golden.night.fields[name_of(DEFENSE)]
    golden.night.fields["_completed_count"] = 4
    golden.night.tables[DEFENSE] = []
    return golden.wants("TRIG003", "error", KEY).wants("DONE009", "error", name_of(DEFENSE), 0)


def silent_phase4() -> Golden:
    """Marked as started, but without output."""
    golden = small("Phase 4 was started and wrote nothing")
    golden.night.tables[CACHE] = []
    return golden.wants("TRIG004", "error", KEY)


def missing_optional() -> Golden:
    """Two optional sources are missing: the rules that need them are not run, and nothing is wrong."""
    golden = small("Missing optional sources")
    for table in (PROCESSORS, LOG):
        del golden.night.tables[table]
        golden.optional.append(table)
    return golden
