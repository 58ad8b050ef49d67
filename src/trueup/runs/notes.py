"""The notes of a report: what is switched off, ignored, missing or undeclared."""

from collections.abc import Iterable, Mapping
from typing import Any

from trueup.plain import plain
from trueup.results.finding import Finding
from trueup.runs.commands import way_back
from trueup.runs.variables import families_off
from trueup.runs.workplace import Workplace
from trueup.settings import shell_scenario

EMPTY = (
    "This embedded warehouse is empty. For BigQuery, add --target prod (see docs/how-to/bigquery.md); to try it on a "
    "scenario: trueup local --scenario scenarios/incident-2026-02-03"
)
_WAIVED = ("rule", "subject", "game_date")


def settings_notes(work: Workplace) -> list[str]:
    """Families that are switched off, environment variables that are ignored, and the way back into a scenario."""
    notes = [
        f"The rules of the family {family} are switched off (var families_off) and were not checked."
        for family in sorted(families_off(work.settings))
    ]
    if ignored := work.dbt.ignored_variables:
        notes.append(f"These environment variables are dbt options, and trueup ignored them: {', '.join(ignored)}.")
    if (folder := work.settings.scenario) and shell_scenario()[0] is None:
        notes.append(f"The commands of the findings work in a shell with this scenario: {way_back(folder)}")
    return notes


def coverage_notes(work: Workplace) -> list[str]:
    """Missing sources and columns, and columns that are not declared."""
    columns = ("relation_name", "is_present", "is_optional", "missing_columns", "undeclared_columns")
    rows = sorted(work.tables.rows_of("source_coverage", columns), key=lambda row: str(row["relation_name"]))
    notes = []
    if work.settings.is_embedded and not any(row["is_present"] for row in rows):
        return [EMPTY]
    for row in rows:
        if not row["is_present"]:
            kind = "optional source" if row["is_optional"] else "source"
            refusal = work.unreadable.get(row["relation_name"])
            what = f"may not be read ({refusal})" if refusal else "is missing"
            notes.append(f"The {kind} {row['relation_name']} {what}; its checks were not run.")
        if row["missing_columns"]:
            notes.append(f"{row['relation_name']} lacks the columns {row['missing_columns']}; they are read as NULL.")
        if row["undeclared_columns"]:
            notes.append(
                f"{row['relation_name']} has columns that _sources.yml does not declare; its _latest table omits them: "
                f"{row['undeclared_columns']}."
            )
    return notes


def read_waivers(work: Workplace) -> list[dict[str, Any]]:
    """Rule, subject and date of the waivers of the checked days."""
    window = work.settings.window
    return work.tables.rows_between("active_waivers", _WAIVED, window.first_date, window.last_date)


def waiver_notes(waivers: Iterable[Mapping[str, Any]], findings: Iterable[Finding]) -> list[str]:
    """Waivers that waive nothing: the finding is gone, or the waiver names another subject."""
    used = {(one.rule, one.subject, one.game_date) for one in findings if one.waived_because is not None}
    # Findings have the subjects as they are shown.
    unused = sorted({(row["rule"], plain(row["subject"]), row["game_date"]) for row in waivers} - used, key=str)
    return [
        f"The waiver of {rule} for {subject} on {day} (seeds/known_exceptions.csv) waives no finding."
        for rule, subject, day in unused
    ]
