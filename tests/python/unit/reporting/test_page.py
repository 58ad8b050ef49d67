"""The report page: self-contained, deterministic, readable with no finding and with 500."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from helpers.report_cases import AS_OF, DAY, INCIDENT, RULES, WINDOW, finding, large, lateness, level, outcome
from helpers.support import PROJECT
from trueup.reporting.page import charts, tables, wording
from trueup.reporting.page.cards import card_of
from trueup.reporting.page.detail import Grid, Items, Pairs, Text, lay_out
from trueup.reporting.page.links import beside, console
from trueup.reporting.page.render import render
from trueup.reporting.page.timeline import timeline_chart
from trueup.reporting.page.view import days_of, headline_of
from trueup.results.finding import Finding
from trueup.results.report import Cost, ErrorBudget, Report, SuiteResult
from trueup.results.told import Telling, Told
from trueup.window import Window

MEGABYTE = 1_000_000


class Tags(HTMLParser):
    """Every start tag with its attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.found if name in attributes]


def words(text: str) -> str:
    """The visible text: without tags, style and script."""
    text = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def page(report: Report) -> str:
    return render(report, RULES)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert page(INCIDENT) == page(INCIDENT)
    assert page(INCIDENT) != page(replace(INCIDENT, target="prod"))


@pytest.mark.parametrize("report", [INCIDENT, Report(WINDOW, "local")])
def test_the_page_loads_nothing(report: Report) -> None:
    tags = Tags(page(report))
    assert tags.values("src") == []
    assert all(link.startswith(("#", "data:image/png")) for link in tags.values("href"))
    assert "@import" not in page(report)
    assert "url(" not in page(report)


def test_the_policy_allows_exactly_the_style_and_the_script_of_the_page() -> None:
    text = page(INCIDENT)
    (policy,) = [one["content"] for tag, one in Tags(text).found if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    for kind, tag in (("style-src", "style"), ("script-src", "script")):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        wanted = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{kind} 'sha256-{wanted}';" in policy


def test_nothing_on_the_page_needs_more_than_the_policy_allows() -> None:
    for tag, attributes in Tags(page(INCIDENT)).found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag


@pytest.mark.parametrize("report", [INCIDENT, Report(WINDOW, "local")])
def test_headings_are_in_order_with_one_at_the_top(report: Report) -> None:
    levels = [int(tag[1]) for tag, _ in Tags(page(report)).found if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_link_has_an_anchor_and_anchors_are_unique() -> None:
    tags = Tags(page(INCIDENT))
    anchors = tags.values("id")
    assert len(anchors) == len(set(anchors))
    assert {link[1:] for link in tags.values("href") if link.startswith("#")} <= set(anchors)
    assert f"f-{INCIDENT.findings[0].fingerprint[:12]}" in anchors


def test_markup_in_data_is_escaped() -> None:
    evil = "<script>alert(1)</script>\"'&🏀"
    hostile = replace(
        finding("DUP001", evil, summary=evil, remedy=evil, query=f"select '{evil}'", waived_because=evil),
        detail={evil: evil, "rows": [{evil: [evil]}], "at": '2026-02-04T20:00:06Z" onclick=x'},
    )
    late = lateness(evil, reason=evil)
    report = Report(
        WINDOW,
        evil,
        findings=(hostile, replace(hostile, rule=evil)),
        outcomes=(outcome("DUP002", "not_run", evil), outcome(evil)),
        problems=(evil,),
        notes=(evil,),
        lateness=(late,),
        suites=(SuiteResult(evil, "EXP001", 3, 1, (evil,), f"data_docs/{evil}.html"),),
        costs=(Cost(evil, evil, 1.0, None),),
        service_levels=(replace(level(1.0), metric=evil, alert_when=evil),),
        seconds={evil: 1.0},
    )
    text = page(report)
    assert text.count("<script>") == 1
    assert "<script>alert" not in text
    assert not [name for _, one in Tags(text).found for name in one if name.startswith("on")]
    assert "🏀" in text


@pytest.mark.parametrize(
    "path", ["https://elsewhere.example/x.html", "//elsewhere.example", "javascript:alert(1)", "/etc/passwd", " data:x"]
)
def test_the_page_links_to_pages_beside_it_only(path: str) -> None:
    suites = (SuiteResult("player_game_summary", "EXP001", 3, 1, (), path),)
    found = finding("EXP001", "player_game_summary", detail={"data_docs": path})
    text = page(replace(INCIDENT, suites=suites, findings=(found,), data_docs=path))
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in Tags(text).values("href"))
    assert beside("data_docs/index.html") == "data_docs/index.html"


def test_the_incident_is_one_chain_of_three_stories() -> None:
    text = page(INCIDENT)
    assert text.count('<ol class="chain linked">') == 1
    titles = re.findall(r"<h4>.*?</span>(.*?)</h4>", text)
    assert [title.split()[0] for title in titles] == ["2", "Rows", "Document"]
    assert text.count("<b>Because</b>") == 2
    assert text.index("(see 1)") < text.index("(see 2)")


def test_the_headline_counts_errors_stories_and_days() -> None:
    headline = headline_of(
        INCIDENT, {code: RULES[code] for code in RULES if not code.startswith(("EXP", "SLO", "DUP004"))}
    )
    assert headline.word == "Not healthy"
    assert headline.sentence.startswith("6 errors in 3 stories on 1 of 1 days; every check was completed")


def test_the_headline_counts_what_could_not_be_checked() -> None:
    blocked = replace(INCIDENT, outcomes=(*INCIDENT.outcomes, outcome("DUP004", "not_run", "gone", blocking=True)))
    assert "1 check could not be completed" in headline_of(blocked, RULES).sentence
    assert "rules not part of this run" in headline_of(INCIDENT, RULES).sentence


def test_a_healthy_report_says_how_much_was_examined() -> None:
    report = Report(WINDOW, "prod", outcomes=tuple(outcome(code) for code in RULES))
    headline = headline_of(report, RULES)
    assert (headline.word, headline.status) == ("Healthy", "healthy")
    assert headline.sentence.startswith(
        f"{len(RULES)} rules examined 1 day, {len(RULES)} of {len(RULES)} checks passed"
    )
    assert "no error; every check was completed" in headline.sentence


def test_an_empty_report_could_not_check() -> None:
    text = words(page(Report(WINDOW, "local")))
    assert "Could not check: nothing was examined." in text
    assert "Healthy" not in text
    for says in (
        "Lateness was not examined",
        "No service level was measured",
        "Expectations were not run",
        "the report has no outcome of these rules",
    ):
        assert says in text


def test_a_report_that_could_not_check_shows_the_problem_before_everything_else() -> None:
    text = words(page(Report(WINDOW, "prod", problems=("BigQuery does not answer: 403.",), notes=("A note.",))))
    assert "Could not check: 1 problem; nothing was examined." in text
    assert text.index("403.") < text.index("A note.") < text.index("Calendar Every rule")


def test_as_of_is_shown_in_eastern_time_and_in_utc() -> None:
    text = words(page(INCIDENT))
    assert "2026-02-04 16:00 ET" in text
    assert "2026-02-04 21:00 UTC" in text


def test_a_finding_of_an_unknown_rule_is_shown() -> None:
    text = words(page(replace(INCIDENT, findings=(finding("ZED009", "something"),), outcomes=(outcome("ZED009"),))))
    assert "ZED009 something unknown rule" in text
    assert "ZED009 unknown rule" in text


def test_after_the_worst_five_of_a_rule_the_rest_are_folded() -> None:
    findings = tuple(finding("DUP003", f"table_{number:03}", observed=float(number)) for number in range(12))
    (day,) = days_of(replace(INCIDENT, findings=findings), RULES)
    (group,) = day.chains[0].stories[0].groups  # type: ignore[union-attr]
    assert [one.finding.observed for one in group.worst] == [11.0, 10.0, 9.0, 8.0, 7.0]
    assert len(group.folded) == 7
    five = replace(INCIDENT, findings=findings[:5])
    assert "more finding" not in page(five)
    assert "7 more findings of DUP003" in page(replace(INCIDENT, findings=findings))


def test_a_day_without_findings_is_one_line_with_its_neighbours() -> None:
    days = [DAY - timedelta(days=back) for back in range(4)]
    report = Report(
        Window(days[-1], DAY, AS_OF),
        "prod",
        outcomes=(*(outcome("DUP001", day=day) for day in days[:3]), outcome("DUP001", "not_run", day=days[3])),
    )
    clean, nothing = days_of(report, RULES)
    assert (clean.name, clean.text) == ("2026-02-01 to 2026-02-03 (3 days)", "no finding: 3 checks passed.")
    assert (nothing.name, nothing.text) == ("2026-01-31", "nothing was examined.")


def test_a_day_that_could_not_be_checked_is_not_called_clean() -> None:
    report = Report(WINDOW, "prod", outcomes=(outcome("DUP001"), outcome("DUP002", "not_run", "gone", blocking=True)))
    (day,) = days_of(report, RULES)
    assert day.text == "no finding, but 1 check could not be completed; 1 check passed."
    assert not day.is_clean  # type: ignore[union-attr]


def test_older_days_are_folded_when_there_is_much_to_read() -> None:
    def months(days: int) -> list[bool]:
        found = tuple(
            finding("DUP003", f"table_{n}", day=DAY - timedelta(days=back)) for back in range(days) for n in range(10)
        )
        report = Report(Window(DAY - timedelta(days=days - 1), DAY, AS_OF), "prod", findings=found)
        return [day.is_open for day in days_of(report, RULES)]  # type: ignore[union-attr]

    assert months(2) == [True, True]
    assert months(4) == [True, True, False, False]


def test_a_detail_is_laid_out_and_never_shown_as_json() -> None:
    detail = {
        "cause": "racing_writers",
        "first_written_at": "2026-02-04T20:00:06Z",
        "example": '{"game_id": "20260203_BOS_LAL"}',
        "delivered": ["a", "b"],
        "phase4_rows": None,
        "data_docs": "data_docs/x.html",
        "empty": [],
        "failed_expectations": [{"expectation": "points", "examples": [{"game_id": "1"}]}],
    }
    laid = dict(lay_out(detail))
    assert laid["cause"] == Text("racing writers")
    assert laid["first written at"] == Text("2026-02-04 15:00:06 ET")
    assert laid["example"] == Pairs((("game id", Text("20260203_BOS_LAL")),))
    assert laid["delivered"] == Text("a, b")
    assert laid["phase 4 rows"] == Text("unknown")
    assert "data docs" not in laid
    assert "empty" not in laid
    examples = Items((Pairs((("game id", Text("1")),)),))
    assert laid["failed expectations"] == Grid(("expectation", "examples"), ((Text("points"), examples),))
    text = words(page(replace(INCIDENT, findings=(finding("DUP001", "t", detail=detail),))))
    assert "{" not in text
    assert "20260203_BOS_LAL" in text


def test_text_that_only_looks_like_a_timestamp_or_json_is_unchanged() -> None:
    laid = dict(lay_out({"a": "2026-02-30T99:00:00Z", "b": "{not json", "c": "2026-02-03"}))
    assert laid == {"a": Text("2026-02-30T99:00:00Z"), "b": Text("{not json"), "c": Text("2026-02-03")}


def test_the_command_of_a_remedy_is_separate_so_that_it_can_be_copied() -> None:
    command = "dbt run --select +player_game_summary_latest"
    view = card_of(finding("DUP001", remedy=f"Refresh it with: {command}", command=command), RULES, {})
    assert (view.lead, view.command) == ("Refresh it with:", command)
    whole = card_of(finding("LATE002", remedy="Start the trueup scraper by hand"), RULES, {})
    assert (whole.lead, whole.command) == ("Start the trueup scraper by hand", "")


def late(scraper: str, **changes: Any) -> Finding:
    fields = {
        "summary": f"{scraper} first fetched data at 14:45.",
        "remedy": f"Find out why {scraper} was late",
        "detail": {"state": "late", "due_at": "2026-02-04T13:00:00Z"},
        "query": f"select '{scraper}'",
        **changes,
    }
    return finding("LATE001", scraper, **fields)


def test_scrapers_that_were_late_for_one_cause_share_a_card_and_nothing_of_each_is_lost() -> None:
    findings = (late("one_scraper"), late("two_scraper"))
    text = page(replace(INCIDENT, findings=findings))
    assert text.count("<article") == 1
    shown = words(text)
    assert "LATE001 one_scraper and two_scraper" in shown
    assert all(one.summary in shown and one.query in shown for one in findings)
    assert "Find out why each of them was late" in shown
    assert {f"f-{one.fingerprint[:12]}" for one in findings} <= set(Tags(text).values("id"))
    assert Tags(text).values("data-count") == ["2"]


@pytest.mark.parametrize(
    "other",
    [
        {"observed": 2.0},
        {"detail": {"state": "late", "due_at": "2026-02-04T14:00:00Z"}},
        {"severity": "warn"},
        {"waived_because": "known"},
        {"remedy": "Something else"},
        {"owner": "another"},
        {"detail": {}},
    ],
)
def test_findings_with_other_facts_have_a_card_of_their_own(other: dict[str, Any]) -> None:
    assert page(replace(INCIDENT, findings=(late("one"), late("two", **other)))).count("<article") == 2


def test_a_finding_names_its_owner_and_on_bigquery_its_query_has_a_link_to_the_console() -> None:
    url = "https://console.cloud.google.com/bigquery?project=my-project"
    report = replace(INCIDENT, findings=(finding("DUP001", "t", owner="Ann <ann@example.com>"),))
    assert "Owner: Ann <ann@example.com>" in words(page(report))
    assert url not in Tags(page(report)).values("href")
    assert url in Tags(page(replace(report, console=url))).values("href")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://console.cloud.google.com.evil.example/bigquery", ""])
def test_no_other_page_is_taken_for_the_console(url: str) -> None:
    assert console(url) == ""
    assert all(link.startswith(("#", "data:")) for link in Tags(page(replace(INCIDENT, console=url))).values("href"))


def test_a_waived_finding_shows_the_reason() -> None:
    text = words(page(replace(INCIDENT, findings=(finding("DUP001", severity="info", waived_because="known gap"),))))
    assert "Waived: known gap" in text


def test_a_finding_of_a_suite_links_to_its_page_in_data_docs() -> None:
    suites = (SuiteResult("player_game_summary", "EXP001", 9, 1, ("one",), "data_docs/p.html"),)
    report = replace(
        INCIDENT, suites=suites, data_docs="data_docs/index.html", findings=(finding("EXP001", "player_game_summary"),)
    )
    assert {"data_docs/p.html", "data_docs/index.html"} <= set(Tags(page(report)).values("href"))
    assert "✕ not met" in page(report)


def test_a_suite_is_called_met_only_when_all_of_it_was_examined() -> None:
    suites = (
        SuiteResult("idle", "EXP001", 2, 0, ("one", "two"), ""),
        SuiteResult("partial", "EXP001", 4, 0, ("one",), ""),
        SuiteResult("busy", "EXP002", 2, 0, (), ""),
    )
    text = page(replace(INCIDENT, suites=suites))
    assert text.count("– nothing examined") == 1
    assert text.count("3 of 4 met") == 1
    assert text.count("✓ met") == 1


def test_every_state_in_the_calendar_has_its_own_word_and_mark() -> None:
    findings = (
        finding("DUP001", "t"),
        finding("DUP002", "t", severity="warn"),
        finding("DUP003", "t", severity="info"),
    )
    outcomes = (
        *(outcome(code, "failed") for code in ("DUP001", "DUP002", "DUP003")),
        outcome("DUP004"),
        outcome("DUP005", "not_run", "gone", blocking=True),
        outcome("LATE001", "not_run", "no games"),
    )
    calendar = tables.calendar_of(Report(WINDOW, "prod", findings=findings, outcomes=outcomes), RULES)
    states = {row.rule: row.cells[0].state for _, rows in calendar.families for row in rows}
    wanted = {"DUP001": "e", "DUP002": "w", "DUP003": "i", "DUP004": "p", "DUP005": "b", "LATE001": "n", "LATE002": "u"}
    assert wanted.items() <= states.items()
    assert set(states) == set(RULES)
    assert len(set(calendar.words.values())) == len(calendar.words) == 7
    style = (PROJECT / "src/trueup/reporting/page/page.css").read_text(encoding="utf-8")
    assert len(set(re.findall(r'content: "([^"]+)"; color', style))) == 7


def test_a_failed_rule_without_a_finding_is_not_shown_as_passed() -> None:
    calendar = tables.calendar_of(Report(WINDOW, "prod", outcomes=(outcome("DUP001", "failed"),)), RULES)
    assert calendar.families[0][1][0].cells[0].state == "e"


def test_a_late_run_is_drawn_right_of_its_due_and_alert_times() -> None:
    (chart,) = charts.lateness_charts((lateness(),))
    (row,) = chart.rows
    assert row.due_x is not None
    assert row.alert_x is not None
    assert row.run_x is not None
    assert row.due_x < row.alert_x < row.run_x
    assert (row.grade, row.words, row.run) == ("error", "6 h 45 min late", "2026-02-04 14:45")
    before_alert = lateness(first_useful_run_at=datetime(2026, 2, 4, 14, tzinfo=UTC), late_by_minutes=60.0)
    assert charts.lateness_charts((before_alert,))[0].rows[0].grade == "warn"


def test_due_times_are_at_the_same_local_hour_in_winter_and_summer_time() -> None:
    winter = lateness(state="pending")
    summer = replace(
        winter,
        game_date=date(2026, 3, 8),
        due_at=datetime(2026, 3, 9, 12, tzinfo=UTC),
        alert_at=datetime(2026, 3, 9, 14, tzinfo=UTC),
    )
    (chart,) = charts.lateness_charts((winter, summer))
    assert chart.rows[0].due_x == chart.rows[1].due_x
    assert [row.due for row in chart.rows] == ["2026-03-09 08:00", "2026-02-04 08:00"]


@pytest.mark.parametrize(
    ("state", "says"),
    [("missing", "never ran"), ("failed", "returned no data"), ("pending", "not due yet"), ("unknown", "unknown")],
)
def test_a_missing_run_is_described(state: str, says: str) -> None:
    one = lateness(state=state, due_at=None, alert_at=None, reason="the schedule does not cover the date")
    text = words(page(replace(INCIDENT, lateness=(one,))))
    assert says in text
    assert "the schedule does not cover the date" in text


def test_a_run_that_came_days_later_is_drawn_as_an_arrow() -> None:
    run = datetime(2026, 2, 7, 13, tzinfo=UTC)
    (chart,) = charts.lateness_charts((lateness(first_useful_run_at=run, late_by_minutes=4320.0),))
    assert chart.rows[0].is_beyond
    assert chart.rows[0].words == "3 d late"
    assert len(chart.hours) <= 12


def test_each_time_zone_has_its_own_chart() -> None:
    there = lateness("other", time_zone="Europe/Paris")
    assert [one.zone for one in charts.lateness_charts((lateness(), there))] == ["America/New_York", "Europe/Paris"]


def test_a_service_level_of_one_day_is_a_mark_and_of_no_day_not_measured() -> None:
    (one,) = tables.levels_of((level(10.404),), ())
    assert (one.value, one.state, one.target) == ("10.4 %", "past its alert", "0 %")
    assert len(one.chart.marks) == 1
    (none,) = tables.levels_of((level(None, state="not_run"),), ())
    assert (none.state, none.chart.marks) == ("not measured", ())


def test_a_service_level_shows_its_error_budgets() -> None:
    budget = ErrorBudget("SLO003", "duplicate_rows", DAY, 7, 95.0, 5, 1, 400.0)
    unmeasured = replace(budget, period_days=28, measured_count=0, missed_count=0, burn_percent=None)
    few = replace(budget, period_days=28, measured_count=13, burn_percent=154.0)
    without = replace(budget, burn_percent=None)
    other = replace(budget, rule="SLO001")
    (one,) = tables.levels_of((level(10.404),), (unmeasured, budget, other, few, without))
    assert {(each.period, each.filled, each.text, each.is_over) for each in one.budgets} == {
        ("7 days", 100, "1 of 5 measured days missed the target: 400 % of the error budget", True),
        ("7 days", None, "not measured", False),
        ("28 days", None, "not measured", False),
        ("28 days", None, "1 of 13 measured days missed the target: too few days for a budget", False),
    }


def told(kind: Telling, hour: int, rule: str = "DUP001") -> Told:
    return Told(AS_OF.replace(hour=hour, minute=5), kind, rule, DAY, "a", "error", "It is wrong.")


def test_the_timeline_draws_each_finding_from_when_it_was_told_to_when_it_was_closed() -> None:
    assert timeline_chart((), AS_OF) is None
    chart = timeline_chart((told("told", 15), told("told", 16, "LATE002"), told("closed", 18, "LATE002")), AS_OF)
    assert chart is not None
    still_open, closed = chart.rows
    assert charts.LEFT <= still_open.told_x < closed.told_x < closed.end_x < still_open.end_x < chart.checks[-1]
    assert (still_open.closed, closed.closed) == ("", "2026-02-04 13:05")
    assert still_open.words == "21 hours before the next check"
    shown = page(replace(INCIDENT, timeline=(told("told", 15), told("closed", 18))))
    assert 'id="timeline"' in shown and "closed 13:05" in shown  # noqa: PT018
    assert 'id="timeline"' not in page(INCIDENT)


def test_days_that_were_not_measured_leave_a_gap_in_the_line() -> None:
    values = (1.0, 2.0, None, 3.0, 4.0)
    days = [level(value, DAY + timedelta(days=index)) for index, value in enumerate(values)]
    (one,) = tables.levels_of(days, ())
    assert len(one.chart.lines) == 2
    assert len(one.rows) == 5


def test_rules_with_one_reason_are_one_line_and_blocking_ones_come_first() -> None:
    idle = tuple(outcome(f"AAA{number:03}", "not_run", "no games that day") for number in range(40))
    blocked = outcome("DUP001", "not_run", "the table is not there", blocking=True)
    first, second = tables.not_run_of(Report(WINDOW, "prod", outcomes=(*idle, blocked)))
    assert (first.is_blocking, first.reason, first.rules) == (
        True,
        "the table is not there",
        (("DUP001", "2026-02-03"),),
    )
    assert (second.is_blocking, len(second.rules)) == (False, 40)


def test_consecutive_dates_are_a_span() -> None:
    days = [DAY - timedelta(days=back) for back in (0, 1, 2, 5)]
    (one,) = tables.not_run_of(
        Report(WINDOW, "prod", outcomes=tuple(outcome("DUP001", "not_run", "gone", day=day) for day in days))
    )
    assert one.rules == (("DUP001", "2026-01-29, 2026-02-01 to 2026-02-03"),)


def test_the_most_expensive_checks_are_shown_and_the_others_folded() -> None:
    costs = tuple(Cost(f"model_{n}", "model", float(n), 1_000_000 * (n % 2)) for n in range(20))
    found = tables.costs_of(replace(INCIDENT, costs=costs))
    assert [one.name for one, *_ in found.shown[:2]] == ["model_19", "model_17"]
    assert (len(found.shown), len(found.folded)) == (15, 5)
    assert (found.size, found.seconds) == ("10 MB", "3 min 10 s")


def test_bytes_that_are_not_measured_are_mentioned_once_without_a_number() -> None:
    text = words(page(replace(INCIDENT, costs=tuple(Cost(f"m{n}", "model", 1.0, None) for n in range(20)))))
    assert text.count("Bytes are not measured") == 1
    assert "0 B" not in text


def test_billed_bytes_are_shown_for_the_check_its_days_and_a_month() -> None:
    """A check that reads little is billed 10 MB for each table: the bill, not the reading, orders the costs."""
    costs = (Cost("wide", "model", 9.0, 9_000_000, 10_000_000), Cost("small", "test", 1.0, 1_000, 60_000_000))
    report = replace(INCIDENT, costs=costs, window=Window(date(2026, 1, 28), date(2026, 2, 3), INCIDENT.window.as_of))
    found = tables.costs_of(report)
    assert [(one.name, size, billed) for one, _, size, billed in found.shown] == [
        ("small", "1 kB", "60 MB"),
        ("wide", "9 MB", "10 MB"),
    ]
    assert [size for _, size in found.billed] == ["70 MB", "10 MB", "2.1 GB"]
    text = words(page(report))
    assert "Billed for this check 70 MB for each of its days 10 MB for a month of daily checks 2.1 GB" in text
    assert "Name Kind Time Read Billed" in text


def test_bytes_that_are_not_billed_are_not_shown_as_zero() -> None:
    """A report of an earlier version has bytes read, and none billed."""
    report = replace(INCIDENT, costs=(Cost("m", "model", 1.0, 5_000_000),))
    assert tables.costs_of(report).billed == ()
    assert "5 MB not measured" in words(page(report))


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        (405.0, "minutes", "405 min = 6 h 45 min"),
        (55.0, "minutes", "55 min"),
        (72.0, "excess rows", "72 excess rows"),
        (1.0, "games", "1 game"),
        (10.404624, "percent", "10.4 %"),
        (99.96, "percent", "100 %"),
        (12345.0, "", "12,345"),
        (None, "rows", "unknown"),
        (float("nan"), "", "nan"),
    ],
)
def test_a_number_with_its_unit(value: float | None, unit: str, says: str) -> None:
    assert wording.measure(value, unit) == says


@pytest.mark.parametrize(
    ("count", "says"), [(0, "0 B"), (999, "999 B"), (1_234_567, "1.2 MB"), (5 * 10**12, "5 TB"), (None, "not measured")]
)
def test_bytes_in_decimal_units(count: int | None, says: str) -> None:
    assert wording.size(count) == says


def test_ninety_days_of_forty_rules_with_500_findings_stay_under_a_megabyte() -> None:
    text = page(large(500, 90))
    assert len(text.encode()) < MEGABYTE
    assert text.count("<article") == 500


def test_a_day_with_500_findings_shows_each_of_them_once() -> None:
    report = large(500, 1)
    anchors = Tags(page(report)).values("id")
    assert {f"f-{one.fingerprint[:12]}" for one in report.findings} <= set(anchors)
    assert len(anchors) == len(set(anchors))
    assert len(page(report).encode()) < MEGABYTE


def test_both_dark_palettes_are_equal() -> None:
    style = (PROJECT / "src/trueup/reporting/page/page.css").read_text(encoding="utf-8")
    palettes = {
        theme: set(re.findall(r"--[\w-]+: #\w+;", block))
        for theme, block in re.findall(r':root\[data-theme="(dark|auto)"\] \{(.*?)\}', style, re.DOTALL)
    }
    assert palettes["dark"], "page.css has no dark palette"
    assert palettes["auto"] == palettes["dark"], "the two dark palettes of page.css differ"
