"""The project's own seeds: a wrong cell is named with its file, line and column."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers.support import PROJECT
from trueup.errors import UsageError
from trueup.runs.seeds import checked_reference


def test_the_seeds_of_the_project_are_right() -> None:
    assert "DUP001" in checked_reference(PROJECT / "seeds", None).rules


@pytest.mark.parametrize(
    ("seed", "old", "new", "said"),
    [
        ("scraper_roster", "08:00", "8am", r"scraper_roster.csv line 2: due_time is '8am'"),
        ("scraper_roster", "true", "yes", r"line 2: requires_games is 'yes'"),
        ("scraper_roster", "due_time", "due", r"lacks the column due_time"),
        ("known_exceptions", "2000-01-31", "3.2.2026", r"known_exceptions.csv line 2: until is '3.2.2026'"),
        ("known_exceptions", "DUP001", "DUP01", r"line 2: there is no rule 'DUP01'"),
        (
            "known_exceptions",
            "An example of a waiver: the finding is shown as information until the waiver expires.",
            " ",
            r"line 2: reason is empty",
        ),
        ("service_level_targets", ",100,", ",all,", r"target_value is 'all'"),
    ],
)
def test_a_wrong_cell_is_named(seed: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    seeds = shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    file = seeds / f"{seed}.csv"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        checked_reference(seeds, None)
