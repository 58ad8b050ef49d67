"""The tables of verdicts, which dbt reads as sources."""

from __future__ import annotations

from collections.abc import Sequence

from trueup.results.verdict import Verdict, verdict_rows
from trueup.runs.workplace import Workplace

COMPLETION_VERDICTS = "trueup.completion_verdicts"
EXPECTATION_VERDICTS = "trueup.expectation_verdicts"


def write_verdicts(work: Workplace, table: str, verdicts: Sequence[Verdict]) -> None:
    """Replace the verdicts of the checked days in one of the two tables."""
    window, schema = work.settings.window, work.schemas[table]
    work.tables.create_table(schema, work.dataset)
    rows = verdict_rows(verdicts, window.as_of, work.settings.run_id)
    work.tables.replace_days(schema, rows, window.first_date, window.last_date)
