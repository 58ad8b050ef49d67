"""The project's own seeds, checked before dbt loads them: a warehouse's message names no file and no line."""

import re
from collections.abc import Mapping
from pathlib import Path

from trueup.completion.roster import read_seed
from trueup.errors import UsageError
from trueup.results.reference import Reference, load_reference
from trueup.scenario.cells import expected_form, read_cell
from trueup.scenario.folders import seed_columns

_WAIVERS = "known_exceptions"
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def checked_reference(seeds: Path, overrides: Path | None) -> Reference:
    """The reference data. ``overrides``: a scenario's seeds, which replace ours. Raises UsageError for a cell that its
    column cannot hold, and for a waiver of an unknown rule or with an empty cell.
    """
    reference = load_reference(seeds, overrides)
    for name, columns in seed_columns().items():
        for line, row in enumerate(read_seed(seeds / f"{name}.csv", tuple(columns)), 2):
            place = f"{seeds / name}.csv line {line}"
            _check_row(place, row, columns)
            if name == _WAIVERS and "" in (cells := [cell.strip() for cell in row.values()]):
                raise UsageError(f"{place}: {[*row][cells.index('')]} is empty.", "A waiver needs each of its cells.")
            if name == _WAIVERS and row["rule"] not in reference.rules:
                raise UsageError(f"{place}: there is no rule {row['rule']!r}.", "Use a code of seeds/rules.csv.")
    return reference


def _check_row(place: str, row: Mapping[str, str], columns: Mapping[str, str]) -> None:
    for column, kind in columns.items():
        text, is_clock = row[column], column.endswith("_time")
        try:
            if text and is_clock:
                _read_clock(text)
            elif text:
                read_cell(kind, text)
        except (ValueError, OverflowError) as error:
            form = "a time of day such as 08:00" if is_clock else expected_form(kind)
            raise UsageError(f"{place}: {column} is {text!r}.", f"It must be {form}.") from error


def _read_clock(text: str) -> None:
    if not _CLOCK.fullmatch(text):
        raise ValueError(text)
