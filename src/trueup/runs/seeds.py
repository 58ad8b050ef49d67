"""The project's own seeds, checked before dbt loads them: a warehouse's message names no file and no line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trueup.completion.roster import read_seed
from trueup.errors import RESTORE, UsageError
from trueup.parsing import read_yaml
from trueup.results.reference import LEVELS, Reference, codes_of, load_reference, missing_rule
from trueup.scenario.cells import expected_form, read_cell
from trueup.scenario.folders import seed_columns

# The tests of each rule, in the project.
RULE_TESTS = "models/reporting/rule_outcomes.yml"
# The test of _seeds.yml whose arguments say what a seed must hold; dbt checks the same in the warehouse.
_TEST = "well_formed"
_REF = re.compile(r"ref\('(\w+)'\)")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def checked_reference(seeds: Path, overrides: Path | None) -> Reference:
    """The reference data. ``overrides``: a scenario's seeds, which replace ours. Raises UsageError for a cell that its
    column cannot hold, and for what ``_seeds.yml`` does not allow.
    """
    reference = load_reference(seeds, overrides)
    kinds = seed_columns()
    rows = {name: read_seed(seeds / f"{name}.csv", tuple(columns)) for name, columns in kinds.items()}
    declared = _declared(seeds / "_seeds.yml")
    known = {row["rule"] for row in rows["rules"]}
    if lacking := sorted(_tested(seeds.parent / RULE_TESTS) - known):
        raise UsageError(
            missing_rule(str(seeds / "rules.csv"), lacking[0]), "The var families_off switches families of rules off."
        )
    for name, found in rows.items():
        for line, row in enumerate(found, 2):
            _check_row(f"{seeds / name}.csv line {line}", row, kinds[name])
        for index, problem in _wrong_rows(declared.get(name, {}), found, rows):
            raise UsageError(f"{seeds / name}.csv line {index + 2}: {problem}", "Correct it.")
    levels = {row["rule"] for row in rows["service_level_targets"]}
    if lacking := [code for code in codes_of(reference, LEVELS) if code not in levels]:
        raise UsageError(
            f"{seeds / 'service_level_targets.csv'} has no line for {lacking[0]}.",
            RESTORE,
        )
    return reference


def _declared(path: Path) -> dict[str, Mapping[str, Any]]:
    """The arguments of the test of each seed."""
    try:
        return {
            seed["name"]: test[_TEST]["arguments"]
            for seed in read_yaml(path)["seeds"]
            for test in seed.get("data_tests", ())
            if _TEST in test
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not as dbt needs it: {error!r}.", "Restore it.") from error


def _tested(path: Path) -> set[str]:
    """The rules that have a dbt test, and the one on their outcomes themselves."""
    try:
        (model,) = read_yaml(path)["models"]
        tested = {test["no_findings"]["arguments"]["rule"] for test in model["data_tests"] if "no_findings" in test}
        return {*tested, model["config"]["meta"]["suite"]}
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is not as dbt needs it: {error!r}.", "Restore it.") from error


def _wrong_rows(
    declared: Mapping[str, Any], rows: Sequence[Mapping[str, str]], seeds: Mapping[str, Sequence[Mapping[str, str]]]
) -> Iterator[tuple[int, str]]:
    """The places of rows that break a declaration, and what is wrong with each."""
    key = declared.get("key", ())
    known = {
        column: (name[1], {one[there["field"]] for one in seeds[name[1]]})
        for column, there in declared.get("references", {}).items()
        if (name := _REF.fullmatch(there["to"]))
    }
    first: dict[tuple[str, ...], int] = {}
    for place, row in enumerate(rows):
        for column in declared.get("not_null", ()):
            if not row[column].strip():
                yield place, f"{column} is empty."
        for column, allowed in declared.get("accepted", {}).items():
            if row[column] and row[column] not in (words := [str(one) for one in allowed]):
                yield place, f"{column} is {row[column]!r}, and must be one of {', '.join(words)}."
        for column, (seed, values) in known.items():
            if row[column] and row[column] not in values:
                yield place, f"{column} is {row[column]!r}, which {seed}.csv does not have."
        if key and first.setdefault(tuple(row[column] for column in key), place) != place:
            yield place, f"a second line for {', '.join(row[column] for column in key)}."


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
