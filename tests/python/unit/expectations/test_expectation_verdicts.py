"""The results of suites as verdicts: passed, failed, or not run with a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from helpers.support import PROJECT
from trueup.errors import UsageError
from trueup.expectations.queries import (
    batch_query,
    coverage_query,
    examined_of,
    examples_query,
    needed_dates_query,
    rows_query,
)
from trueup.expectations.suites import Condition, Suite, read_suites
from trueup.expectations.verdicts import Examined, Examples, SuiteRun, Validation, VerdictContext, judge_suite
from trueup.results.reference import load_reference
from trueup.results.verdict import Verdict
from trueup.window import Window

RULE = load_reference(PROJECT / "seeds").rules["EXP002"]
FIRST, LAST = date(2026, 2, 3), date(2026, 2, 4)
WINDOW = Window(FIRST, LAST, datetime(2026, 2, 5, tzinfo=UTC))
POINTS = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "points", "min_value": 0}}
FOULS = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "fouls", "max_value": 6}}
RAW: dict[str, Any] = {
    "name": "players",
    "meta": {"rule": "EXP002", "table": "players_latest", "keys": ["player"], "derived": {"fouls": "a + b"}},
    "expectations": [
        {**POINTS, "severity": "critical", "description": "Points are not negative"},
        {**FOULS, "severity": "warning", "description": "Fouls are at most 6"},
    ],
}


def suite_of(folder: Path, raw: object = RAW, name: str = "players") -> Suite:
    (folder / f"{name}.json").write_text(raw if isinstance(raw, str) else json.dumps(raw), encoding="utf-8")
    (suite,) = read_suites(folder)
    return suite


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return suite_of(tmp_path)


MET, BROKEN = Validation(True), Validation(False, problem="no such column")
CONTEXT = VerdictContext(RULE, "data_docs/players.html", lambda day, places: f"{day} {places}")


def day(row_count: int, points: tuple[int, int], fouls: tuple[int, int] | None = None) -> Examined:
    """Rows, and per expectation the examined and the unexpected ones."""
    examined, unexpected = zip(points, fouls or (row_count, 0), strict=True)
    return Examined(row_count, examined, unexpected)


def run_of(suite: Suite, *days: Examined, **more: object) -> SuiteRun:
    """A run in which Great Expectations agrees with the warehouse, except for ``more``."""
    sums = [sum(one.unexpected[place] for one in days) for place in range(len(suite.expectations))]
    agreed = tuple(Validation(not count, count) for count in sums)
    examined = dict(zip((FIRST, LAST), days, strict=False))
    return replace(SuiteRun(suite, examined, validations=agreed), **more)  # type: ignore[arg-type]


def judged(run: SuiteRun) -> tuple[Verdict, ...]:
    return judge_suite(run, WINDOW, CONTEXT)


def test_a_day_passes_when_rows_were_examined_and_all_are_as_expected(suite: Suite) -> None:
    verdict, other = judged(run_of(suite, day(12, (12, 0), (3, 0))))
    assert (verdict.outcome, verdict.examined_count) == ("passed", 12)
    assert (other.outcome, other.is_blocking) == ("not_run", False)
    assert "no rows" in other.reason


def test_a_day_without_rows_that_must_have_some_could_not_be_checked(suite: Suite) -> None:
    run = run_of(suite, day(12, (12, 0)), needed_dates=frozenset({FIRST, LAST}))
    verdict, other = judged(run)
    assert verdict.outcome == "passed"
    assert (other.outcome, other.is_blocking) == ("not_run", True)
    assert "players has no rows" in other.reason


def test_a_day_on_which_every_value_is_null_is_not_run(suite: Suite) -> None:
    verdict, _ = judged(run_of(suite, day(12, (0, 0), (0, 0))))
    assert (verdict.outcome, verdict.is_blocking) == ("not_run", False)
    assert "NULL" in verdict.reason


def test_a_fault_fails_only_its_day_with_the_worst_severity(suite: Suite) -> None:
    rows = ({"game_date": FIRST, "player": "a", "points": -2}, {"game_date": FIRST, "player": "b", "points": -1})
    run = run_of(suite, day(12, (11, 2), (11, 1)), day(9, (9, 0), (9, 1)), examples={FIRST: Examples(2, {0: rows})})
    first, last = judged(run)
    assert (first.severity, last.severity) == ("error", "warn")
    assert (first.observed, last.observed) == (2, 1)
    for fact in ("2 of 12 rows of players", "Points are not negative (2", "Fouls are at most 6 (1"):
        assert fact in first.summary
    (points, _) = first.detail["failed_expectations"]
    assert points["examples"] == [{"player": "a", "points": -2}, {"player": "b", "points": -1}]
    assert (points["unexpected_count"], points["examined_count"]) == (2, 11)
    assert first.detail["data_docs"] == "data_docs/players.html"
    assert "could_not_examine" not in first.detail
    assert "2026-02-03" in first.remedy
    assert (first.query, last.query) == ("2026-02-03 [0, 1]", "2026-02-04 [1]")


# Found with 78 wrong rows on each of two dates: Great Expectations returns 20 rows of all dates, unordered, and trueup
# split these by date, so one date had 20 rows and the other passed.
def test_every_wrong_row_of_every_date_counts(suite: Suite) -> None:
    first, last = judged(run_of(suite, day(100, (100, 78)), day(100, (100, 78))))
    assert [(one.outcome, one.observed) for one in (first, last)] == [("failed", 78)] * 2
    assert first.detail["failed_expectations"][0]["unexpected_count"] == 78


def test_a_number_that_json_cannot_represent_becomes_text(suite: Suite) -> None:
    rows = ({"game_date": FIRST, "player": 1, "points": float("nan")},)
    verdict, _ = judged(run_of(suite, day(1, (1, 1)), examples={FIRST: Examples(1, {0: rows})}))
    assert verdict.detail["failed_expectations"][0]["examples"] == [{"player": 1, "points": "nan"}]


@pytest.mark.parametrize(
    ("result", "facts"),
    [
        (Validation(False, 20), ("20 rows", "78")),
        (Validation(True), ("0 rows", "78")),
        (Validation(True, 78), ("78 rows",)),
        (Validation(False, 78, 5), ("5 rows", "NULL", "2")),
        (Validation(False, problem="no such column"), ("no such column",)),
    ],
)
def test_a_difference_between_great_expectations_and_the_warehouse_is_not_run_and_blocks(
    suite: Suite, result: Validation, facts: tuple[str, ...]
) -> None:
    run = run_of(suite, day(40, (39, 39)), day(40, (39, 39)), validations=(result, MET))
    for verdict in judged(run):
        assert (verdict.outcome, verdict.is_blocking) == ("not_run", True)
        assert all(fact in verdict.reason for fact in ("players", *facts))
    assert run.unexamined == ("Points are not negative",)
    assert run.failed_count == 0


def test_great_expectations_that_agrees_with_the_warehouse_is_accepted(suite: Suite) -> None:
    run = run_of(suite, day(40, (39, 39)), day(40, (39, 39)), validations=(Validation(False, 78, 2), MET))
    assert [one.outcome for one in judged(run)] == ["failed", "failed"]
    assert run.failed_count == 1


@pytest.mark.parametrize(
    ("fouls", "validations", "said"),
    [
        pytest.param((12, 0), (Validation(False, 3), MET), "3 rows", id="rows that only Great Expectations finds"),
        pytest.param((12, 0), (MET, BROKEN), BROKEN.problem, id="beside one that passed"),
        pytest.param((12, 1), (BROKEN, Validation(False, 1)), BROKEN.problem, id="beside a warning"),
    ],
)
def test_one_expectation_that_could_not_be_examined_blocks(
    suite: Suite, fouls: tuple[int, int], validations: tuple[Validation, ...], said: str
) -> None:
    verdict, _ = judged(run_of(suite, day(12, (12, 0), fouls), validations=validations))
    assert (verdict.outcome, verdict.is_blocking) == ("not_run", True)
    assert said in verdict.reason


def test_an_error_and_an_expectation_that_could_not_be_examined_are_both_reported(suite: Suite) -> None:
    verdict, _ = judged(run_of(suite, day(12, (12, 1)), validations=(Validation(False, 1), BROKEN)))
    assert (verdict.outcome, verdict.severity) == ("failed", "error")
    assert verdict.detail["could_not_examine"] == ["no such column"]


def test_a_suite_that_could_not_be_run_blocks_on_every_day(suite: Suite) -> None:
    run = SuiteRun(suite, problem="the model players_latest was not built")
    assert {(one.outcome, one.is_blocking, one.reason) for one in judged(run)} == {("not_run", True, run.problem)}
    assert run.unexamined == ("Points are not negative", "Fouls are at most 6")


def test_an_expectation_that_examined_nothing_is_named(suite: Suite) -> None:
    assert run_of(suite, day(12, (12, 0), (0, 0)), day(3, (3, 0), (0, 0))).unexamined == ("Fouls are at most 6",)
    run = run_of(suite, day(1, (1, 0), (1, 0)), validations=(BROKEN, MET))
    assert run.unexamined == ("Points are not negative",)


DAYS = "where game_date between date '2026-02-03' and date '2026-02-04'"
ROWS = f"select game_date, player, points, a + b as fouls from `p.d.players_latest` {DAYS}"
NEGATIVE = "points not between 0 and 1.7976931348623157e+308"


def test_the_queries_read_only_the_days_and_columns_of_the_suite(suite: Suite) -> None:
    assert batch_query(suite, "p.d", WINDOW) == ROWS
    counts = (
        "select 'players' as suite_name, game_date, count(*) as row_count, "
        "array<int64>[count(points), count(fouls)] as examined_counts, "
        f"array<int64>[countif({NEGATIVE}), countif(fouls not between -1.7976931348623157e+308 and 6)] "
        f"as unexpected_counts from ({ROWS}) group by game_date"
    )
    assert coverage_query([suite], "p.d", WINDOW, {}) == counts
    other = replace(suite, name="other")
    assert (
        coverage_query([suite, other], "p.d", WINDOW, {})
        == f"{counts} union all {counts.replace('players', 'other', 1)}"
    )


def test_a_row_of_counts_is_read_by_the_columns_of_the_expectations(tmp_path: Path) -> None:
    null = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "points"}}
    raw = {**RAW, "expectations": [*RAW["expectations"], {**null, "severity": "info", "description": "There"}]}
    row = {"row_count": 9, "examined_counts": [7, 8], "unexpected_counts": [1, 0, 2]}
    assert examined_of(suite_of(tmp_path, raw), row) == Examined(9, (7, 8, 9), (1, 0, 2))


def test_examples_are_a_few_of_each_day_and_expectation_by_their_keys(suite: Suite) -> None:
    query = examples_query(suite, "p.d", WINDOW, (0,), {})
    assert query.startswith("select expectation_place, wrong_row_count, game_date, player, points, fouls from (")
    assert f"[if({NEGATIVE}, 0, null)] as expectation_places" in query
    assert query.endswith("(partition by game_date, expectation_place order by player, points, fouls) <= 5")
    assert "fouls not between" not in query


def test_the_query_of_a_finding_shows_all_rows_of_its_day(suite: Suite) -> None:
    one_day = ROWS.replace("2026-02-04", "2026-02-03")
    assert rows_query(suite, "p.d", FIRST, (0,), {}) == f"select * from ({one_day}) where {NEGATIVE}"
    assert " or fouls not between" in rows_query(suite, "p.d", FIRST, (0, 1), {})


def test_a_suite_of_counted_games_leaves_the_others_out(suite: Suite) -> None:
    assert batch_query(replace(suite, counted_games_only=True), "p.d", WINDOW) == (
        ROWS.replace("`p.d.players_latest`", "`p.d.players_latest` as examined")
        + " and not exists (select 1 from `p.d.uncounted_games` as uncounted where uncounted.game_date "
        "between date '2026-02-03' and date '2026-02-04' and uncounted.game_date = examined.game_date "
        "and uncounted.game_id = examined.game_id)"
    )


def test_another_table_can_say_on_which_days_rows_must_be_there(suite: Suite) -> None:
    needing = replace(suite, needs_rows_where=Condition("outcomes", "outcome = 'failed'"))
    assert needed_dates_query(needing, "p.d", WINDOW) == (
        f"select distinct game_date from `p.d.outcomes` {DAYS} and outcome = 'failed'"
    )


def test_a_suite_says_on_which_days_it_must_have_rows(tmp_path: Path) -> None:
    meta = {**RAW["meta"], "needs_rows_each_date": True, "counted_games_only": True}
    suite = suite_of(tmp_path, {**RAW, "meta": meta})
    assert (suite.needs_rows_each_date, suite.counted_games_only, suite.needs_rows_where) == (True, True, None)
    meta = {**RAW["meta"], "needs_rows_where": {"table": "outcomes", "condition": "true"}}
    suite = suite_of(tmp_path, {**RAW, "meta": meta})
    assert (suite.needs_rows_each_date, suite.needs_rows_where) == (False, Condition("outcomes", "true"))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("{", r"players\.json"),
        ("[]", r"players\.json"),
        ({**RAW, "meta": {}}, "'rule'"),
        ({**RAW, "name": "others"}, "others"),
        ({**RAW, "expectations": [{**POINTS, "description": "x"}]}, "'severity'"),
        ({**RAW, "expectations": [{**POINTS, "description": "x", "severity": "grave"}]}, "'grave'"),
        ({**RAW, "meta": {**RAW["meta"], "needs_row_each_date": True}}, "needs_row_each_date"),
        ({**RAW, "expectations": [{**POINTS, "kwargs": {"column": "x", "min_value": 0, "mostly": 0.9}}]}, "mostly"),
    ],
)
def test_a_broken_suite_is_named(tmp_path: Path, raw: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        suite_of(tmp_path, raw)


def test_a_folder_without_suites_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no suite"):
        read_suites(tmp_path)


def test_the_suites_that_come_with_trueup_are_those_of_its_sources_and_public_models() -> None:
    suites = {one.name: one for one in read_suites(PROJECT / "expectations")}
    public = {
        path.stem
        for path in (PROJECT / "models").rglob("*.yml")
        if "access: public" in path.read_text(encoding="utf-8")
    }
    sources = {
        path.stem.removeprefix("stg_nba_analytics__") for path in (PROJECT / "models").rglob("stg_nba_analytics__*.yml")
    }
    # completion_verdicts is public but not a model; team_box_scores compares the tables with each other.
    assert set(suites) == public | sources | {"completion_verdicts", "team_box_scores"}
    assert {one.rule for one in suites.values()} == {"EXP001", "EXP002", "EXP003", "EXP004"}
    assert {name for name, one in suites.items() if one.rule == "EXP001"} == sources
