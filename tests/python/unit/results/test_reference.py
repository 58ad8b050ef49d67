from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from helpers.support import PROJECT
from trueup.errors import CannotCheckError, UsageError
from trueup.results.reference import load_reference

SEEDS = PROJECT / "seeds"
ROSTER = "mode,processor_name,table_name,is_critical\nnightly,one,one,TRUE\nnightly,two,two,false\n"


def test_the_modes_are_those_of_the_platform() -> None:
    reference = load_reference(SEEDS)
    assert reference.roster.modes == {"overnight", "same_day", "tomorrow"}
    assert len(reference.roster.expected("overnight")) == len(reference.roster.processors) == 5


@pytest.mark.parametrize(
    ("mode", "critical", "optional"),
    [
        (
            "overnight",
            {"player_game_summary", "upcoming_player_game_context"},
            {"team_offense_game_summary", "team_defense_game_summary", "upcoming_team_game_context"},
        ),
        ("same_day", {"upcoming_player_game_context"}, {"upcoming_team_game_context"}),
        ("tomorrow", {"upcoming_player_game_context"}, {"upcoming_team_game_context"}),
    ],
)
def test_each_mode_expects_its_processors(mode: str, critical: set[str], optional: set[str]) -> None:
    roster = load_reference(SEEDS).roster.expected(mode)
    assert {entry.processor_name for entry in roster if entry.is_critical} == critical
    assert {entry.processor_name for entry in roster if not entry.is_critical} == optional


def test_an_unknown_mode_expects_no_processor() -> None:
    assert load_reference(SEEDS).roster.expected("weekly") == ()


def test_every_rule_of_the_judge_has_a_title_a_severity_and_a_remedy() -> None:
    rules = load_reference(SEEDS).rules
    assert [code for code in rules if code.startswith("DONE")] == [f"DONE00{number}" for number in range(1, 10)]
    assert [code for code in rules if code.startswith("TRIG")] == [f"TRIG00{number}" for number in range(1, 5)]
    for code, rule in rules.items():
        assert rule.code == code
        assert rule.title, code
        assert rule.remedy_template, code
        assert set(rule.severity.split("/")) <= {"error", "warn", "info"}, code


def test_a_remedy_names_its_subject_and_date() -> None:
    rule = load_reference(SEEDS).rules["DONE003"]
    assert rule.remedy("team_x", date(2026, 2, 3)) == "Run team_x again for 2026-02-03"


def test_braces_in_a_subject_are_not_a_placeholder() -> None:
    rule = load_reference(SEEDS).rules["DONE006"]
    assert "{x}" in rule.remedy("{x}", date(2026, 2, 3))


def test_an_override_replaces_only_its_seed(tmp_path: Path) -> None:
    (tmp_path / "processor_roster.csv").write_text(ROSTER)
    reference = load_reference(SEEDS, tmp_path)
    assert reference.roster.modes == {"nightly"}
    assert [entry.is_critical for entry in reference.roster.expected("nightly")] == [True, False]
    assert reference.rules == load_reference(SEEDS).rules


def test_an_empty_folder_of_overrides_changes_nothing(tmp_path: Path) -> None:
    assert load_reference(SEEDS, tmp_path) == load_reference(SEEDS)


def test_a_missing_seed_is_named(tmp_path: Path) -> None:
    shutil.copy(SEEDS / "rules.csv", tmp_path)
    with pytest.raises(UsageError, match=r"processor_roster\.csv"):
        load_reference(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "processor_roster.csv").write_text("mode,processor_name,table_name\nnightly,one,one\n")
    with pytest.raises(UsageError, match="is_critical"):
        load_reference(SEEDS, tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("rules.csv", "DONE001,completion,", "DONE001,completions,", "DONE001"),
        ("processor_roster.csv", "overnight,player_game_summary,", "overnight\nx,player_game_summary,", "overnight"),
    ],
)
def test_an_unknown_family_and_a_ragged_row_are_refused_by_name(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    text = (SEEDS / name).read_text()
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=said):
        load_reference(SEEDS, tmp_path)


def test_a_rule_that_the_seed_lacks_is_named() -> None:
    reference = load_reference(SEEDS)
    for code in list(reference.rules):
        del reference.rules[code]
        with pytest.raises(CannotCheckError, match=rf"seeds/rules.csv has no rule {code}: restore its line"):
            reference.rule(code)
