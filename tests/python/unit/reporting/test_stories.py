"""Findings grouped into stories, and stories linked into chains."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import cases, report_cases
from helpers.report_cases import DAY, RACED, RULES
from trueup.plural import counted
from trueup.reporting.stories.chains import Day, is_effect, story_days
from trueup.reporting.stories.links import Story
from trueup.reporting.stories.titles import duration, title_of
from trueup.results.finding import Finding, Severity

FIVE = list(cases.FIVE)


def finding(
    rule: str,
    subject: str = "2026-02-03",
    observed: float | None = 1.0,
    expected: float | None = 0.0,
    severity: Severity = "error",
    day: date = DAY,
    **detail: Any,
) -> Finding:
    fields = {"observed": observed, "expected": expected, "severity": severity, "detail": detail}
    return report_cases.finding(rule, subject, day, **fields)


def late(scraper: str = "nbac_gamebook_player_stats", at: str = "2026-02-04T19:45:00Z") -> Finding:
    return finding("LATE001", scraper, 405.0, first_useful_run_at=at)


def doubled(table: str = "player_game_summary", **changes: Any) -> Finding:
    return finding("DUP001", table, 72.0, **{**RACED, **changes})


ALL_CAME: dict[str, Any] = {"due_games": 10, "arrived_so_far": 10, "last_arrived_at": "2026-02-04T20:00:04Z"}
ARRIVED = finding("LATE004", "nbac_gamebook_player_stats", 0.0, 10.0, **ALL_CAME)
DRIFTED = finding("DONE001", observed=3.0, expected=5.0, delivered=FIVE)
NOT_STARTED = finding("TRIG001", observed=55.0, expected=30.0, completed_at="2026-02-04T20:05:00+00:00")
LEVEL = finding("SLO003", "duplicate_rows", 10.4, severity="info")
INCIDENT = (NOT_STARTED, doubled(), LEVEL, late("nbac_player_boxscores"), DRIFTED, ARRIVED, late())


def the_day(*findings: Finding) -> Day:
    (day,) = story_days(findings, RULES)
    return day


def rules_of(story: Story) -> list[str]:
    return [one.rule for one in story.findings]


def chains_of(day: Day) -> list[list[str]]:
    return [[story.kind for story in chain.stories] for chain in day.chains]


def test_the_incident_night_is_three_stories_in_one_chain_cause_before_effect() -> None:
    day = the_day(*INCIDENT)
    (chain,) = day.chains
    assert [rules_of(story) for story in chain.stories] == [
        ["LATE001", "LATE001", "LATE004"],
        ["DUP001"],
        ["DONE001", "TRIG001"],
    ]
    late, doubled, drifted = [story.title for story in chain.stories]
    assert all(fact in late for fact in ("2 scrapers", "6 h 45 min", "0 of 10 games"))
    assert all(fact in doubled for fact in ("player_game_summary", "72 excess rows"))
    assert "3 of 5 processors" in drifted
    assert day.effects == (LEVEL,)


def test_a_link_has_its_numbers_and_times_in_eastern_time() -> None:
    (chain,) = the_day(*INCIDENT).chains
    first, second = chain.links
    assert (first.cause, first.effect) == (chain.stories[0], chain.stories[1])
    assert "15:00:04 ET" in first.because
    assert "15:00:06 ET" in first.because
    assert (second.cause, second.effect) == (chain.stories[1], chain.stories[2])
    assert "15:00:24 ET" in second.because
    assert "15:05 ET" in second.because
    assert "3 of 5" in second.because


@pytest.mark.parametrize(
    "written",
    [
        pytest.param({"first_written_at": "2026-02-04T19:30:00Z"}, id="before the late data arrived"),
        pytest.param({"first_written_at": "2026-02-05T02:00:00Z"}, id="hours after it arrived"),
        pytest.param({"cause": "rerun"}, id="by a rerun"),
        pytest.param({"cause": "unknown"}, id="for an unknown cause"),
        pytest.param({"first_written_at": None}, id="at an unknown time"),
        pytest.param({"first_written_at": "soon"}, id="at an invalid time"),
        pytest.param({"first_written_at": "0001-01-01T00:00:00+14:00"}, id="before UTC begins"),
    ],
)
def test_rows_doubled_for_another_reason_are_not_linked_to_late_scrapers(written: dict[str, Any]) -> None:
    assert chains_of(the_day(late(), ARRIVED, doubled(**written))) == [["late"], ["doubled"]]


def test_a_table_doubled_by_late_data_and_another_one_are_two_stories() -> None:
    day = the_day(late(), doubled(), doubled("upcoming_team_game_context", cause="rerun"))
    assert chains_of(day) == [["late", "doubled"], ["doubled"]]
    assert [one.subject for one in day.chains[1].stories[0].findings] == ["upcoming_team_game_context"]


def test_all_duplicate_findings_of_a_table_are_one_story() -> None:
    tied, poorer = finding("DUP002", "player_game_summary"), finding("DUP005", "player_game_summary", severity="warn")
    day = the_day(late(), doubled(), tied, poorer)
    assert chains_of(day) == [["late", "doubled"]]
    assert rules_of(day.stories[1]) == ["DUP001", "DUP002", "DUP005"]


def test_lateness_of_one_date_is_not_linked_to_another_date() -> None:
    next_day = replace(doubled(), game_date=date(2026, 2, 4))
    newest, older = story_days((late(), next_day), RULES)
    assert (newest.game_date, chains_of(newest)) == (date(2026, 2, 4), [["doubled"]])
    assert (older.game_date, chains_of(older)) == (DAY, [["late"]])


@pytest.mark.parametrize(
    "findings",
    [
        pytest.param((doubled(cause="rerun"), DRIFTED, NOT_STARTED), id="the writers did not race"),
        pytest.param((doubled("other_table"), DRIFTED, NOT_STARTED), id="the doubled table delivered nothing"),
        pytest.param((doubled(), DRIFTED), id="the time of the last report is unknown"),
        pytest.param(
            (doubled(), DRIFTED, replace(NOT_STARTED, detail={"completed_at": "2026-02-04T22:30:00Z"})),
            id="the last report came hours later",
        ),
        pytest.param(
            (doubled(), DRIFTED, replace(NOT_STARTED, detail={"completed_at": "2026-02-04T19:59:00Z"})),
            id="the last report came before",
        ),
        pytest.param(
            (doubled(), replace(DRIFTED, detail={"delivered": 5}), NOT_STARTED), id="the document does not list them"
        ),
    ],
)
def test_a_drifted_document_is_not_linked_to_unrelated_writers(findings: tuple[Finding, ...]) -> None:
    assert chains_of(the_day(*findings)) == [["doubled"], ["document"]]


def test_a_missing_start_without_drift_is_a_separate_story() -> None:
    day = the_day(NOT_STARTED, finding("DONE006", "stranger", severity="warn"))
    assert chains_of(day) == [["trigger"], ["document"]]


def test_a_document_that_counts_too_many_is_not_linked_to_a_missing_start() -> None:
    assert chains_of(the_day(replace(DRIFTED, observed=6.0), NOT_STARTED)) == [["document"], ["trigger"]]


def lacking(subject: str, found: float) -> Finding:
    return finding("DONE009", subject, found, 10.0)


def test_missing_games_are_linked_to_games_that_have_not_arrived() -> None:
    partial = replace(ARRIVED, detail={"due_games": 10, "arrived_so_far": 8})
    day = the_day(partial, lacking("player_game_summary", 8.0))
    assert chains_of(day) == [["late", "delivery"]]
    assert "8 of 10 games" in day.chains[0].links[0].because


@pytest.mark.parametrize(
    ("arrived", "table", "found"),
    [(8, "player_game_summary", 7.0), (10, "player_game_summary", 10.0), (8, "upcoming_team_game_context", 8.0)],
)
def test_other_missing_games_are_not_linked_to_the_arrival(arrived: int, table: str, found: float) -> None:
    partial = replace(ARRIVED, detail={"due_games": 10, "arrived_so_far": arrived})
    assert chains_of(the_day(partial, lacking(table, found))) == [["late"], ["delivery"]]


def test_an_early_start_is_linked_to_the_processor_that_had_not_delivered() -> None:
    early = finding("TRIG003", observed=4.0, expected=5.0, missing=["player_game_summary"])
    assert chains_of(the_day(early, lacking("player_game_summary", 0.0))) == [["delivery", "trigger"]]
    assert chains_of(the_day(early, lacking("team_offense_game_summary", 0.0))) == [["delivery"], ["trigger"]]


def unfinished(count: float = 1.0, final: int = 1, severity: Severity = "warn") -> Finding:
    games: dict[str, Any] = {"unfinished_games": count, "final_games": final, "expected_games": final + round(count)}
    return finding("SCHED001", "nbac_schedule", count, severity=severity, **games)


def arrived(found: float, due: int = 2) -> Finding:
    return finding(
        "LATE004", "nbac_gamebook_player_stats", found, float(due), due_games=due, arrived_so_far=round(found)
    )


def short_by_one(table: str = "player_game_summary", found: float = 1.0) -> Finding:
    return finding("DONE009", table, found, 2.0)


def test_missing_games_are_linked_to_a_stale_schedule() -> None:
    day = the_day(short_by_one(), arrived(1.0), unfinished(), short_by_one("team_offense_game_summary"))
    (chain,) = day.chains
    assert [story.kind for story in chain.stories] == ["stale", "late", "delivery"]
    assert "1 of 2 games" in chain.stories[0].title
    because = [one.because for one in chain.links if one.cause is chain.stories[0]]
    assert all("1 of 2 games" in text for text in because)
    assert "player_game_summary and team_offense_game_summary" in because[0]
    assert "nbac_gamebook_player_stats" in because[1]


@pytest.mark.parametrize(
    "lacks",
    [
        pytest.param(short_by_one(found=0.0), id="the final game too"),
        pytest.param(finding("DONE009", "player_game_summary", 1.0, 3.0), id="of another number of games"),
        pytest.param(short_by_one("upcoming_team_game_context"), id="where games are expected before they end"),
        pytest.param(finding("DONE003", "player_game_summary", 1.0, 2.0), id="by a report without rows"),
    ],
)
def test_other_missing_games_are_not_linked_to_the_schedule(lacks: Finding) -> None:
    assert chains_of(the_day(unfinished(), lacks)) == [["delivery"], ["stale"]]


@pytest.mark.parametrize(
    "late_ones",
    [
        pytest.param((arrived(0.0),), id="the final game had not arrived"),
        pytest.param((arrived(1.0, due=3),), id="of another number of games"),
        pytest.param((arrived(1.0), late()), id="a scraper was late"),
    ],
)
def test_games_late_for_another_reason_are_not_linked_to_the_schedule(late_ones: tuple[Finding, ...]) -> None:
    assert chains_of(the_day(unfinished(), *late_ones)) == [["late"], ["stale"]]


def test_a_schedule_without_final_games_says_that_rules_could_not_check() -> None:
    (story,) = the_day(unfinished(2.0, final=0, severity="error")).stories
    assert "none of its 2 games" in story.title
    assert "could not check" in story.title


def unscheduled(
    subject: str = "player_game_summary", rows: int = 28, games: int = 1, runs: int = 0, listed: int = 1
) -> Finding:
    detail: dict[str, Any] = {
        "unscheduled_rows": rows,
        "unscheduled_games": games,
        "unscheduled_runs": runs,
        "listed_games": listed,
    }
    return finding("SCHED002", subject, float(rows or runs), **detail)


def test_a_day_missing_in_the_schedule_is_one_story() -> None:
    (story,) = the_day(
        unscheduled(games=2, listed=0),
        unscheduled("nbac_gamebook_player_stats", games=2, runs=1, listed=0),
        unscheduled("nbac_player_boxscores", rows=0, games=0, runs=1, listed=0),
        finding("SCHED002", observed=5.0, reported=FIVE),
    ).stories
    assert story.title.endswith("rows in 2 tables, useful runs of 1 scraper and reports of 5 processors")


@pytest.mark.parametrize(
    ("one", "there"),
    [
        (unscheduled(listed=0), "rows in player_game_summary"),
        (unscheduled("nbac_player_boxscores", rows=0, runs=2, listed=0), "useful runs of 1 scraper"),
        (finding("SCHED002", reported=FIVE[:1]), "reports of 1 processor"),
    ],
)
def test_one_kind_of_data_is_enough_for_a_day_missing_in_the_schedule(one: Finding, there: str) -> None:
    (story,) = the_day(one).stories
    assert story.title.endswith(f"there are {there}")


def test_a_game_missing_in_the_schedule_is_not_a_missing_day() -> None:
    (story,) = the_day(unscheduled(), unscheduled("team_offense_game_summary", rows=2)).stories
    assert story.title.startswith("1 game ")
    assert story.title.endswith("30 rows in 2 tables")


def test_missing_games_are_linked_to_as_many_games_under_other_ids() -> None:
    day = the_day(short_by_one(), unscheduled())
    assert chains_of(day) == [["unscheduled", "delivery"]]
    assert day.chains[0].links[0].because.startswith("player_game_summary has ")


@pytest.mark.parametrize(
    "lacks",
    [
        pytest.param(short_by_one(found=0.0), id="more games"),
        pytest.param(short_by_one("team_offense_game_summary"), id="in another table"),
        pytest.param(finding("DONE005", "player_game_summary", None, None), id="of a failed processor"),
    ],
)
def test_other_missing_games_are_not_linked_to_games_under_other_ids(lacks: Finding) -> None:
    assert chains_of(the_day(unscheduled(), lacks)) == [["unscheduled"], ["delivery"]]


def test_a_stale_schedule_and_rows_of_other_games_are_two_stories() -> None:
    assert chains_of(the_day(unfinished(), unscheduled())) == [["unscheduled"], ["stale"]]


def test_unexpected_values_are_not_linked_to_duplicates() -> None:
    values = finding("EXP001", "player_game_summary", 7.0, failed_expectations=[{"expectation": "keys are unique"}])
    assert chains_of(the_day(doubled(), values)) == [["doubled"], ["values"]]


def test_a_service_level_is_an_effect_and_no_story() -> None:
    day = the_day(LEVEL)
    assert day.chains == ()
    assert day.effects == (LEVEL,)
    assert not is_effect(doubled(), RULES)


def test_a_service_level_that_is_an_error_is_a_story() -> None:
    assert chains_of(the_day(replace(LEVEL, severity="error"))) == [["service_levels"]]


def test_an_unknown_rule_is_a_story() -> None:
    (story,) = the_day(finding("ZED009", "something")).stories
    assert "ZED009" in story.title
    assert "1 finding" in story.title
    assert rules_of(story) == ["ZED009"]


def test_the_worst_chain_comes_first_and_in_a_story_the_worst_finding() -> None:
    warned = replace(late("b_scraper"), severity="warn")
    worse = replace(late("c_scraper"), observed=900.0)
    day = the_day(warned, worse, late("a_scraper"), finding("DUP003", "a_table", severity="warn"), NOT_STARTED)
    assert [chain.severity for chain in day.chains] == ["error", "error", "warn"]
    assert [one.subject for one in day.stories[0].findings] == ["c_scraper", "a_scraper", "b_scraper"]


def test_a_story_of_waived_findings_is_information() -> None:
    (story,) = the_day(replace(doubled(), severity="info", waived_because="known")).stories
    assert story.severity == "info"


def test_a_name_at_the_start_of_a_title_keeps_its_case() -> None:
    (story,) = the_day(late("nbac_player_boxscores")).stories
    assert story.title.startswith("nbac_player_boxscores")
    assert "6 h 45 min" in story.title


def test_no_findings_are_no_days() -> None:
    assert story_days((), RULES) == ()


@pytest.mark.parametrize("code", [code for code in RULES if not code.startswith("SLO")])
def test_every_rule_has_its_own_title(code: str) -> None:
    title = title_of([finding(code, "a_subject")], RULES)
    assert not title.endswith("1 finding"), f"add {code} to _PHRASES in src/trueup/reporting/stories/titles.py"
    assert title.startswith("a_subject") or title[0] == title[0].upper()


@pytest.mark.parametrize("code", [code for code in RULES if not code.startswith("SLO")])
def test_every_rule_belongs_to_a_kind_of_story(code: str) -> None:
    (story,) = the_day(finding(code, "a_subject")).stories
    assert story.kind not in {rule.family for rule in RULES.values()} - {"trigger"}, (
        f"add {code} to _KIND_OF in src/trueup/reporting/stories/chains.py"
    )


ANY_FINDING = st.builds(
    finding,
    st.sampled_from([*RULES, "ZED001"]),
    st.sampled_from(FIVE),
    st.one_of(st.none(), st.floats(0, 1000)),
    st.one_of(st.none(), st.floats(0, 1000)),
    st.sampled_from(["error", "warn", "info"]),
    st.sampled_from([DAY, date(2026, 2, 4)]),
    cause=st.sampled_from(["racing_writers", "rerun", None, 3]),
    first_written_at=st.sampled_from(["2026-02-04T20:00:06Z", "", None, 17, "2026-02-04"]),
    last_written_at=st.sampled_from(["2026-02-04T20:00:24Z", None]),
    first_useful_run_at=st.sampled_from(["2026-02-04T19:45:00Z", None]),
    completed_at=st.sampled_from(["2026-02-04T20:05:00Z", None, []]),
    delivered=st.sampled_from([FIVE, None, 5]),
    missing=st.sampled_from([FIVE, None, "x"]),
    arrived_so_far=st.sampled_from([8, None, "8"]),
    due_games=st.sampled_from([10, None]),
    final_games=st.sampled_from([0, 1, None, "1"]),
    expected_games=st.sampled_from([1, 2, None]),
    unscheduled_rows=st.sampled_from([28, 0, None]),
    unscheduled_games=st.sampled_from([1, 2, 0, None]),
    unscheduled_runs=st.sampled_from([1, 0, None]),
    listed_games=st.sampled_from([2, 0, None]),
    reported=st.sampled_from([FIVE, None, "x", []]),
)


@given(st.lists(ANY_FINDING, max_size=12))
def test_every_finding_is_in_the_stories_exactly_once(findings: list[Finding]) -> None:
    shown = [
        one
        for day in story_days(findings, RULES)
        for one in (*day.effects, *(each for story in day.stories for each in story.findings))
    ]
    assert sorted(map(repr, shown)) == sorted(map(repr, findings))


@given(st.lists(ANY_FINDING, max_size=12))
def test_a_cause_is_before_its_effect_in_the_chain(findings: list[Finding]) -> None:
    for day in story_days(findings, RULES):
        for chain in day.chains:
            places = {id(story): place for place, story in enumerate(chain.stories)}
            assert all(places[id(link.cause)] < places[id(link.effect)] for link in chain.links)
            assert len(chain.stories) == 1 or chain.links


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 min"), (59.6, "1 h"), (405, "6 h 45 min"), (1440, "1 d"), (2905, "2 d 25 min"), (-90, "−1 h 30 min")],
)
def test_a_duration_is_written_in_days_hours_and_minutes(minutes: float, words: str) -> None:
    assert duration(minutes) == words


@pytest.mark.parametrize(
    ("count", "noun", "words"), [(1, "error", "1 error"), (0, "day", "0 days"), (1200, "story", "1,200 stories")]
)
def test_a_number_of_things_has_the_right_plural(count: int, noun: str, words: str) -> None:
    assert counted(count, noun) == words
