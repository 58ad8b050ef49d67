"""The project's own seeds: a wrong cell is named with its file, line and column."""

from __future__ import annotations

import codecs
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.support import PROJECT, csv_rows
from trueup.errors import UsageError
from trueup.results.reference import LEVELS
from trueup.runs.seeds import RULE_TESTS, checked_reference


def seeds_in(folder: Path) -> Path:
    """A copy of the seeds, with the file that lists the rules' tests."""
    (folder / RULE_TESTS).parent.mkdir(parents=True)
    shutil.copy(PROJECT / RULE_TESTS, folder / RULE_TESTS)
    return shutil.copytree(PROJECT / "seeds", folder / "seeds")


def test_the_seeds_of_the_project_are_right() -> None:
    assert "DUP001" in checked_reference(PROJECT / "seeds", None).rules


@pytest.mark.parametrize(
    ("seed", "old", "new", "said"),
    [
        ("scraper_roster", "08:00", "8am", r"scraper_roster.csv line 2: due_time is '8am'"),
        ("scraper_roster", "true", "yes", r"line 2: requires_games is 'yes'"),
        ("scraper_roster", "due_time", "due", r"lacks the column due_time"),
        ("known_exceptions", "2000-01-31", "3.2.2026", r"known_exceptions.csv line 2: until is '3.2.2026'"),
        ("known_exceptions", "DUP001", "DUP01", r"line 2: rule is 'DUP01', which rules.csv does not have"),
        (
            "known_exceptions",
            "An example of a waiver: the finding is shown as information until the waiver expires.",
            " ",
            r"line 2: reason is empty",
        ),
        ("service_level_targets", ",100,", ",all,", r"target_value is 'all'"),
        (
            "service_level_targets",
            "at_least",
            "at least",
            r"line 2: direction is 'at least', and must be one of at_least",
        ),
        ("service_level_targets", "SLO001", "SLO002", r"line 3: a second line for SLO002"),
        (
            "service_level_targets",
            "SLO001,completion_accuracy,percent,at_least,100,95,below 95 %\n",
            "",
            r"no line for SLO001",
        ),
        ("processor_roster", "player_game_summary,true", "player_game_summary,", r"line 2: is_critical is empty"),
        ("rules", "LATE001", "LATE01", r"rules.csv has no rule LATE001: restore its line"),
        ("rules", "error,table", "error,tabel", r"line 2: subject_kind is 'tabel'"),
    ],
)
def test_a_wrong_cell_or_line_is_named(seed: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    seeds = seeds_in(tmp_path)
    file = seeds / f"{seed}.csv"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        checked_reference(seeds, None)


def test_a_spreadsheet_may_mark_its_encoding(tmp_path: Path) -> None:
    seeds = seeds_in(tmp_path)
    for file in seeds.glob("*.csv"):
        file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())
    assert checked_reference(seeds, None) == checked_reference(PROJECT / "seeds", None)


RULES = checked_reference(PROJECT / "seeds", None).rules
SEEDS = sorted((PROJECT / "seeds").glob("*.csv"))


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeds_in(tmp_path_factory.mktemp("seeds"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SEEDS), st.data())
def test_a_damaged_seed_is_refused_by_name_or_is_whole(copied: Path, seed: Path, data: st.DataObject) -> None:
    """Cut off anywhere, or with other bytes anywhere: never a defect of ours, and never a seed without its rules."""
    whole, file = seed.read_bytes(), copied / seed.name
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.sampled_from([begin, len(whole), min(len(whole), begin + 1), min(len(whole), begin + 9)]))
    other = data.draw(st.sampled_from([b"", b",", b'"', b"\n", b"\r", b"\x00", b"\xff", b"x", b" ", b"0"]))
    file.write_bytes(whole[:begin] + other + whole[end:])
    try:
        read, refused = checked_reference(copied, None), None
        levels = csv_rows(copied / "service_level_targets.csv")
    except UsageError as error:
        read, refused = None, error
    finally:
        file.write_bytes(whole)
    if refused:
        assert str(file) in refused.message or f"seeds/{file.name}" in refused.message
        assert refused.hint
    if read:
        assert read.rules.keys() == RULES.keys()
        assert {row["rule"] for row in levels} == {code for code, rule in RULES.items() if rule.family == LEVELS}
        assert {row["direction"] for row in levels} <= {"at_least", "above", "at_most", "below"}
        assert all(one.mode and one.processor_name and one.table_name for one in read.roster.entries)
