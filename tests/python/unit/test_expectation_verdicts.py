"""What Great Expectations said, as verdicts: passed, failed, or not run and why."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from support import PROJECT
from trueup.errors import UsageError
from trueup.expectations.queries import batch_query, coverage_query, rows_query
from trueup.expectations.suites import Suite, read_suites
from trueup.expectations.verdicts import Examined, Validation, judge_suite, unexamined
from trueup.reference import load_reference
from trueup.settings import Window
from trueup.verdicts import Verdict, verdict_findings, verdict_outcomes

RULE = load_reference(PROJECT / "seeds").rules["EXP002"]
FIRST, LAST = date(2026, 2, 3), date(2026, 2, 4)
WINDOW = Window(FIRST, LAST, datetime(2026, 2, 5, tzinfo=timezone.utc))
POINTS = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "points", "min_value": 0}}
FOULS = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "fouls", "max_value": 6}}
RAW = {
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


def row(player: str, day: date = FIRST, **cells: object) -> dict[str, object]:
    return {"game_date": day, "player": player, **cells}


def judged(suite: Suite, points: Validation, fouls: Validation, *days: Examined) -> tuple[Verdict, ...]:
    examined = dict(zip((FIRST, LAST), days, strict=False))
    return judge_suite(suite, (points, fouls), examined, WINDOW, RULE, "p.d", "data_docs/players.html")


MET = Validation(True)


def test_a_day_passes_when_rows_were_examined_and_all_are_as_expected(suite: Suite) -> None:
    verdict, other = judged(suite, MET, MET, Examined(12, (12, 3)))
    assert (verdict.outcome, verdict.examined_count) == ("passed", 12)
    assert (other.outcome, other.is_blocking, other.reason) == ("not_run", False, "players has no rows that day")


def test_a_day_on_which_every_value_is_null_is_not_run(suite: Suite) -> None:
    verdict, _ = judged(suite, MET, MET, Examined(12, (0, 0)))
    assert (verdict.outcome, verdict.reason) == ("not_run", "every value of players is NULL")


def test_a_fault_fails_its_own_day_alone_with_the_worst_severity(suite: Suite) -> None:
    points = Validation(False, (row("b", points=-1), row("a", points=-2)))
    fouls = Validation(False, (row("a", fouls=7), row("c", LAST, fouls=9)))
    first, last = judged(suite, points, fouls, Examined(12, (12, 11)), Examined(9, (9, 9)))
    assert (first.severity, last.severity) == ("error", "warn")
    assert (first.observed, last.observed) == (2, 1)
    assert first.summary == (
        "2 of 12 rows of players are not as expected: Points are not negative (2 not); Fouls are at most 6 (1 not)."
    )
    (told, _) = first.detail["failed_expectations"]
    assert told["examples"] == [{"player": "a", "points": -2}, {"player": "b", "points": -1}]
    assert (told["unexpected_count"], told["examined_count"]) == (2, 12)
    assert first.detail["data_docs"] == "data_docs/players.html"
    assert "could_not_examine" not in first.detail
    assert "2026-02-03" in first.remedy


def test_rows_that_came_in_another_order_make_the_same_finding(suite: Suite) -> None:
    rows = (row("b", points=-1), row("a", points=-2))
    one, other = (judged(suite, Validation(False, some), MET, Examined(12, (12, 11))) for some in (rows, rows[::-1]))
    assert one == other


def test_what_could_not_be_examined_is_not_run_and_blocks(suite: Suite) -> None:
    verdict, _ = judged(suite, Validation(False, problem="no such column"), MET, Examined(12, (12, 12)))
    assert (verdict.outcome, verdict.is_blocking) == ("not_run", True)
    assert verdict.reason == "Great Expectations could not examine players: no such column"


def test_a_fault_beside_something_that_could_not_be_examined_tells_both(suite: Suite) -> None:
    broken = Validation(False, problem="no such column")
    verdict, _ = judged(suite, Validation(False, (row("a", points=-2),)), broken, Examined(12, (12, 12)))
    assert verdict.outcome == "failed"
    assert verdict.detail["could_not_examine"] == ["no such column"]


def test_an_expectation_that_examined_nothing_is_named(suite: Suite) -> None:
    some = {FIRST: Examined(12, (12, 0)), LAST: Examined(3, (3, 0))}
    assert unexamined(suite, (MET, MET), some) == ("Fouls are at most 6",)
    assert unexamined(suite, (Validation(False, problem="x"), MET), {FIRST: Examined(1, (1, 1))}) == (
        "Points are not negative",
    )


def test_the_queries_read_the_days_and_the_columns_of_the_suite_and_no_more(suite: Suite) -> None:
    days = "where game_date between date '2026-02-03' and date '2026-02-04'"
    rows = f"select game_date, player, points, a + b as fouls from `p.d.players_latest` {days}"
    assert batch_query(suite, "p.d", WINDOW) == rows
    assert coverage_query(suite, "p.d", WINDOW) == (
        "select game_date, count(*) as row_count, countif(points is not null) as examined_0, "
        f"countif(fouls is not null) as examined_1 from ({rows}) group by game_date"
    )


def test_the_query_of_a_finding_quotes_what_it_compares(suite: Suite) -> None:
    query = rows_query(suite, "p.d", FIRST, [{"player": 'o\'neal "the\\ big"'}, {"player": None}, {"player": 7}])
    assert r'cast(player as string) = "o\'neal' not in query
    assert 'cast(player as string) = "o\'neal \\"the\\\\ big\\""' in query
    assert "player is null" in query
    assert "player = 7" in query


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("{", "players.json cannot be read"),
        ("[]", "players.json lacks"),
        ({**RAW, "meta": {}}, "lacks 'rule'"),
        ({**RAW, "name": "others"}, "calls itself others"),
        ({**RAW, "expectations": [{**POINTS, "description": "x"}]}, "lacks 'severity'"),
        ({**RAW, "expectations": [{**POINTS, "description": "x", "severity": "grave"}]}, "lacks 'grave'"),
    ],
)
def test_a_broken_suite_is_named(tmp_path: Path, raw: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        suite_of(tmp_path, raw)


def test_a_folder_without_suites_is_an_error_and_no_pass(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no suite"):
        read_suites(tmp_path)


def test_verdicts_are_one_outcome_a_rule_and_day_as_in_sql() -> None:
    passed = Verdict(FIRST, "EXP001", "a", "passed", examined_count=3)
    empty = Verdict(FIRST, "EXP001", "b", "not_run", reason="b has no rows")
    blocked = Verdict(FIRST, "EXP001", "c", "not_run", reason="c was not built", is_blocking=True)
    failed = Verdict(FIRST, "EXP001", "d", "failed", severity="warn", summary="Wrong.", query="select 1")
    (one,) = verdict_outcomes([passed, empty])
    assert (one.outcome, one.examined_count, one.reason, one.is_blocking) == ("passed", 3, "b has no rows", False)
    (one,) = verdict_outcomes([passed, empty, blocked])
    assert (one.outcome, one.reason, one.is_blocking) == ("not_run", "b has no rows; c was not built", True)
    (one,) = verdict_outcomes([passed, failed, blocked])
    assert (one.outcome, one.is_blocking) == ("failed", True)
    (finding,) = verdict_findings([passed, failed, blocked])
    assert (finding.severity, finding.query, len(finding.fingerprint)) == ("warn", "select 1", 64)


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
    # The verdicts on the documents are public too, and no model; team_box_scores holds the tables against each other.
    assert set(suites) == public | sources | {"completion_verdicts", "team_box_scores"}
    assert {one.rule for one in suites.values()} == {"EXP001", "EXP002", "EXP003", "EXP004"}
    assert {name for name, one in suites.items() if one.rule == "EXP001"} == sources
