"""What every run says beside its findings: what is switched off, ignored, missing or unknown."""

from __future__ import annotations

from trueup.runs.variables import families_off
from trueup.runs.workplace import Workplace


def settings_notes(work: Workplace) -> list[str]:
    """What was switched off or ignored."""
    notes = [
        f"The rules of the family {family} are switched off (var families_off): nothing of it was checked."
        for family in sorted(families_off(work.settings))
    ]
    if ignored := work.dbt.ignored_variables:
        notes.append(
            f"These environment variables are options of dbt, and were not handed to it: {', '.join(ignored)}."
        )
    return notes


def coverage_notes(work: Workplace) -> list[str]:
    """Which declared sources and columns are missing, and which columns are not declared."""
    rows = work.tables.query(
        "select relation_name, is_present, is_optional, missing_columns, undeclared_columns "
        f"from `{work.dataset}.source_coverage` order by relation_name"
    )
    notes = []
    for row in rows:
        if not row["is_present"]:
            kind = "optional source" if row["is_optional"] else "source"
            notes.append(f"The {kind} {row['relation_name']} is not there; its checks are not run.")
        if row["missing_columns"]:
            notes.append(f"{row['relation_name']} lacks {row['missing_columns']}; read as NULL.")
        if row["undeclared_columns"]:
            notes.append(
                f"{row['relation_name']} has columns that are not declared in _sources.yml and are not "
                f"kept in its _latest table: {row['undeclared_columns']}."
            )
    return notes
