from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from helpers.support import PROJECT
from trueup.cli.options import project_of, settings_of, window_of
from trueup.errors import UsageError
from trueup.settings import find_project
from trueup.window import Window, make_window

NOW = datetime(2026, 2, 4, 13, 0, tzinfo=UTC)


def window(now: datetime = NOW, **given: Any) -> tuple[date, date]:
    made = make_window(given.get("first"), given.get("last"), given.get("days"), given.get("as_of"), now)
    return made.first_date, made.last_date


def test_without_dates_it_is_the_seven_eastern_days_that_end_yesterday() -> None:
    assert window() == (date(2026, 1, 28), date(2026, 2, 3))


def test_yesterday_is_an_eastern_day() -> None:
    assert window(now=datetime(2026, 2, 4, 3, 30, tzinfo=UTC))[1] == date(2026, 2, 2)
    assert window(as_of="2026-02-04T22:30:00-05:00")[1] == date(2026, 2, 3)


def test_days_end_at_the_last_date() -> None:
    assert window(days=3) == (date(2026, 2, 1), date(2026, 2, 3))
    assert window(last="2026-01-10", days=1) == (date(2026, 1, 10), date(2026, 1, 10))


def test_a_first_date_alone_ends_yesterday_and_a_later_one_at_itself() -> None:
    assert window(first="2026-02-01") == (date(2026, 2, 1), date(2026, 2, 3))
    assert window(first="2026-02-04") == (date(2026, 2, 4), date(2026, 2, 4))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"first": "2026-02-03", "last": "2026-02-01"}, "is after"),
        ({"first": "3.2.2026"}, "not a date"),
        ({"first": "20260203"}, "not a date"),
        ({"first": "2026-W06-2"}, "not a date"),
        ({"as_of": "20260204T160000Z"}, "not a timestamp"),
        ({"as_of": "2026-02-04T16Z"}, "not a timestamp"),
        ({"as_of": "2026-02-04T16:00:00+24:00"}, "not a timestamp"),
        ({"as_of": "0003-01-01T00:00:00Z"}, "out of range"),
        ({"last": "2026-02-30"}, "not a date"),
        ({"days": 0}, "--days 0"),
        ({"days": 3, "first": "2026-02-01"}, "conflicts"),
        ({"as_of": "noon"}, "noon"),
        ({"as_of": "2026-02-04T16:00:00"}, "no offset"),
        ({"as_of": "0001-01-01T00:00:00Z"}, "0001-01-01"),
        ({"as_of": "9999-12-31T23:59:59Z"}, "9999-12-31"),
        ({"days": 10**6}, "before the year 1"),
        ({"days": 10**30}, "before the year 1"),
    ],
)
def test_wrong_windows_are_refused_with_the_form_they_should_have(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        window(**arguments)
    assert raised.value.hint


def options(**given: Any) -> Namespace:
    others = dict.fromkeys(("first_date", "last_date", "days", "as_of"))
    return Namespace(**{"project_dir": None, "target": "local", **others, **given})


@pytest.fixture
def with_vars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes the current folder a project with these vars."""

    def make(**variables: str) -> Path:
        lines = [f"  {name}: '{value}'\n" for name, value in {"platform_time_zone": "UTC", **variables}.items()]
        (tmp_path / "dbt_project.yml").write_text("name: trueup\nvars:\n" + "".join(lines))
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return make


def test_the_vars_of_the_project_are_the_days_of_trueup_as_they_are_of_dbt(with_vars: Callable[..., Path]) -> None:
    with_vars(first_date="2026-01-01", last_date="2026-01-02", as_of="2026-01-03T08:00:00-05:00")
    found = window_of(options(), NOW)
    assert window_of(options(first_date="2025-12-30"), NOW).last_date == date(2026, 1, 2), "an option replaces one var"
    assert found == Window(date(2026, 1, 1), date(2026, 1, 2), datetime(2026, 1, 3, 13, tzinfo=UTC))
    assert window_of(options(days=1), NOW).dates == (date(2026, 1, 2),), "the day before the as_of"
    assert window_of(options(as_of="2026-02-01T00:00Z"), NOW).first_date == date(2026, 1, 1)
    assert window_of(options(fix=True), NOW).as_of == NOW


@pytest.mark.parametrize(
    "variables", [{"as_of": "noon"}, {"first_date": "2026-13-01"}, {"platform_time_zone": "localtime"}]
)
def test_a_wrong_var_is_named(with_vars: Callable[..., Path], variables: dict[str, str]) -> None:
    with_vars(**variables)
    with pytest.raises(UsageError, match=next(iter(variables))):
        window_of(options(), NOW)


def test_the_shell_of_a_scenario_has_its_days_vars_and_seeds(
    with_vars: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_vars(first_date="2026-03-01")
    (folder / "seeds").mkdir()
    (folder / "scenario.yml").touch()
    night = {"first_date": "2026-01-01", "last_date": "2026-01-01", "as_of": "2026-01-02T08:00Z", "families_off": ["x"]}
    monkeypatch.setenv("TRUEUP_SCENARIO", str(folder))
    monkeypatch.setenv("TRUEUP_VARS", json.dumps(night))
    settings = settings_of(options(), NOW)
    assert settings.window.dates == (date(2026, 1, 1),)
    assert settings.window.as_of == datetime(2026, 1, 2, 8, tzinfo=UTC)
    assert (settings.variables, settings.seeds, settings.scenario) == (
        {"families_off": ["x"]},
        folder / "seeds",
        folder,
    )
    for odd in ("{", "[" * 100_000, "3"):
        monkeypatch.setenv("TRUEUP_VARS", odd)
        with pytest.raises(UsageError, match="TRUEUP_VARS"):
            settings_of(options(), NOW)
    monkeypatch.setenv("TRUEUP_VARS", json.dumps(night))
    monkeypatch.setenv("TRUEUP_SCENARIO", str(folder / "seeds"))
    with pytest.raises(UsageError, match="names no scenario"):
        settings_of(options(), NOW)


def test_the_vars_of_the_package_come_before_those_of_all(with_vars: Callable[..., Path]) -> None:
    folder = with_vars(first_date="2026-01-01")
    with (folder / "dbt_project.yml").open("a") as file:
        file.write("  trueup: {first_date: 2026-01-05}\n")
    assert window_of(options(), NOW).first_date == date(2026, 1, 5)


def test_a_folder_that_was_deleted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageError, match="current folder was deleted"):
        project_of(options())


def test_the_project_is_the_one_around_us_else_the_installed_one(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: trueup\n")
    (tmp_path / "below").mkdir()
    assert find_project(tmp_path / "below") == tmp_path
    assert find_project(tmp_path.parent) == PROJECT


def test_a_project_that_is_named_is_never_another_one(tmp_path: Path) -> None:
    assert find_project(PROJECT / "seeds", or_installed=False) == PROJECT
    with pytest.raises(UsageError, match="No trueup project"):
        find_project(tmp_path, or_installed=False)
