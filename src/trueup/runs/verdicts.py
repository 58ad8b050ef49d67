"""The verdict tables, which dbt reads as sources."""

from collections.abc import Sequence

from trueup.results.verdict import Verdict, verdict_rows
from trueup.runs.workplace import Workplace

COMPLETION_VERDICTS = "trueup.completion_verdicts"
EXPECTATION_VERDICTS = "trueup.expectation_verdicts"


def create_verdict_tables(work: Workplace) -> None:
    """Create both tables if they are missing: models that dbt builds without the tables never read them."""
    for table in (COMPLETION_VERDICTS, EXPECTATION_VERDICTS):
        work.tables.create_table(work.schemas[table], work.dataset)


def write_verdicts(work: Workplace, table: str, verdicts: Sequence[Verdict]) -> None:
    """Replace the verdicts of the checked days in one of the two tables."""
    window = work.settings.window
    rows = verdict_rows(verdicts, window.as_of, work.settings.run_id)
    work.tables.replace_days(work.schemas[table], rows, window.first_date, window.last_date)


def add_verdicts(work: Workplace, table: str, verdicts: Sequence[Verdict]) -> None:
    """Append verdicts of this run to one of the two tables."""
    rows = verdict_rows(verdicts, work.settings.window.as_of, work.settings.run_id)
    work.tables.load(work.dataset, work.schemas[table].table, rows)
