"""The pure parts of the alerts: changes, state, messages, retries, settings."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from helpers.alert_cases import MORNING, NIGHT, finding, listed, outcome, report
from helpers.support import PROJECT
from trueup.reporting.alerts.change import COULD_NOT_CHECK, Change, find_change, whole_report
from trueup.reporting.alerts.channels import (
    ALERT_STATE_VARIABLE,
    REPORT_URL_VARIABLE,
    RUNBOOK_URL_VARIABLE,
    SLACK_VARIABLE,
    STEP_SUMMARY_VARIABLE,
    WEBHOOK_VARIABLE,
    AlertSettings,
    DeliveryResult,
    alert_settings,
    channels_of,
    host_of,
    links_of,
)
from trueup.reporting.alerts.message import (
    MOST_IN_SUMMARY,
    MOST_LISTED,
    Links,
    Message,
    from_plain,
    headline,
    make_message,
    message_id,
    subline,
    to_plain,
)
from trueup.reporting.alerts.post import Answer, Budget, Patience, post_patiently
from trueup.reporting.alerts.slack import slack_payload
from trueup.reporting.alerts.state import (
    ALERTS,
    MOST_ROWS,
    Pending,
    Row,
    Sent,
    State,
    UnreadableStateError,
    document_id,
    fields_of,
    kept,
    read_state,
)
from trueup.reporting.alerts.step_summary import step_summary
from trueup.results.finding import Finding
from trueup.results.report import Report


def sent_after(*reports: Report) -> Sent:
    """What was sent after these reports, in order."""
    known = Sent()
    for one in reports:
        change = find_change(known, one)
        known = change.after if change.is_news else known
    return known


def news(known: Sent, one: Report) -> dict[str, list[str]]:
    """The subjects of each list that is not empty."""
    return listed(known, one, "subject")


def message_of(one: Report, known: Sent | None = None, link: str = "https://example.org/report") -> Message:
    return make_message("slack", one, find_change(known or Sent(), one), Links(link))


LATER = MORNING + timedelta(hours=1)
NEXT_DAY = MORNING + timedelta(days=1)
SENT = sent_after(report(finding()))
ONGOING = {"ongoing": ["player_game_summary"]}


# What is new or worse


def test_a_finding_that_was_never_sent_is_new() -> None:
    change = find_change(Sent(), report(finding()))
    assert change.is_news
    assert [one.note for one in change.new] == [""]


def test_the_same_report_again_sends_nothing() -> None:
    again = report(finding(), as_of=LATER)
    assert not find_change(SENT, again).is_news
    assert news(SENT, again) == ONGOING


def test_information_and_waived_findings_are_counted_and_not_alerted() -> None:
    both = report(finding(severity="info"), finding(subject="b", waived_because="known"))
    assert news(Sent(), both) == {}
    assert message_of(both).counts["info"] == 2


def test_a_warning_that_becomes_an_error_is_worse() -> None:
    warned = sent_after(report(finding("LATE001", severity="warn")))
    change = find_change(warned, report(finding("LATE001"), as_of=LATER))
    assert [one.note for one in change.worse] == ["was warn, now error"]


@pytest.mark.parametrize("rule", ["DUP001", "DONE009", "EXP001"])
def test_more_excess_rows_are_worse(rule: str) -> None:
    known = sent_after(report(finding(rule, observed=72.0)))
    assert news(known, report(finding(rule, observed=73.0), as_of=LATER)) == {"worse": ["player_game_summary"]}
    assert news(known, report(finding(rule, observed=72.0), as_of=LATER)) == ONGOING


def test_further_below_what_is_expected_is_worse_too() -> None:
    known = sent_after(report(finding("DONE001", observed=3.0, expected=5.0)))
    assert "worse" in news(known, report(finding("DONE001", observed=2.0, expected=5.0), as_of=LATER))
    assert "worse" not in news(known, report(finding("DONE001", observed=4.0, expected=5.0), as_of=LATER))


@pytest.mark.parametrize("rule", ["LATE002", "TRIG001"])
def test_minutes_that_only_grow_with_time_are_not_worse(rule: str) -> None:
    known = sent_after(report(finding(rule, observed=55.0, expected=30.0)))
    assert news(known, report(finding(rule, observed=300.0, expected=30.0), as_of=LATER)) == ONGOING


def test_better_sends_nothing_and_neither_does_as_bad_as_before() -> None:
    better = report(finding(observed=30.0), as_of=LATER)
    assert not find_change(SENT, better).is_news
    assert not find_change(sent_after(report(finding()), better), report(finding(), as_of=LATER)).is_news


@pytest.mark.parametrize("observed", [None, float("nan"), float("inf")])
def test_a_missing_number_is_never_worse(observed: float | None) -> None:
    assert "worse" not in news(SENT, report(finding(observed=observed), as_of=LATER))
    assert "worse" not in news(sent_after(report(finding(observed=observed))), report(finding(), as_of=LATER))


# What is resolved


def test_a_finding_that_its_rule_does_not_find_again_is_resolved() -> None:
    assert news(SENT, report(as_of=LATER)) == {"resolved": ["player_game_summary"]}


def test_a_finding_is_resolved_if_its_rule_finds_only_others() -> None:
    known = sent_after(report(finding(subject="a"), finding(subject="b")))
    assert news(known, report(finding(subject="b"), as_of=LATER)) == {"resolved": ["a"], "ongoing": ["b"]}


@pytest.mark.parametrize(
    "said",
    [
        [outcome(said="not_run", examined_count=0, reason="the table is not there", is_blocking=True)],
        [outcome(said="not_run", examined_count=0, reason="no rows that day")],
        [outcome(said="failed", examined_count=0)],
        [outcome(said="passed", examined_count=0)],
        # Failed for one subject, and blocked for another, which may be this one.
        [outcome(said="failed", examined_count=10, is_blocking=True)],
        [outcome("DUP002")],
        [outcome(game_date=NIGHT - timedelta(days=1))],
    ],
)
def test_a_finding_that_could_not_be_checked_again_is_not_resolved(said: list[Any]) -> None:
    change = find_change(SENT, report(outcomes=said, as_of=LATER))
    assert not change.resolved
    assert [gone.row.subject for gone in change.not_looked_at] == ["player_game_summary"]
    (kept,) = [row for row in change.after.rows.values() if row.rule == "DUP001"]
    assert kept.is_open


def test_a_finding_that_is_waived_or_information_now_is_resolved_with_a_note() -> None:
    waived = report(finding(severity="info", waived_because="a known rerun"), as_of=LATER)
    assert [one.note for one in find_change(SENT, waived).resolved] == ["waived: a known rerun"]
    informs = report(finding(severity="info"), as_of=LATER)
    assert [one.note for one in find_change(SENT, informs).resolved] == ["now info only"]


def test_a_finding_outside_the_window_stays_open_and_sends_nothing() -> None:
    elsewhere = report(as_of=LATER, first_date=NIGHT + timedelta(days=1), last_date=NIGHT + timedelta(days=7))
    assert news(SENT, elsewhere) == {}
    assert find_change(SENT, elsewhere).after.rows == SENT.rows


def test_a_finding_is_dropped_after_thirty_days_outside_every_window() -> None:

    def days_later(days: int) -> Sent:
        last = NIGHT + timedelta(days=days)
        moved = report(as_of=MORNING + timedelta(days=days), first_date=last, last_date=last)
        return find_change(SENT, moved).after

    assert len(days_later(30).rows) == 1
    assert len(days_later(31).rows) == 0


def test_a_finding_within_the_window_is_never_dropped() -> None:
    blind = report(
        finding("DONE001"),
        outcomes=[outcome(said="not_run", examined_count=0)],
        as_of=MORNING + timedelta(days=90),
        last_date=NIGHT + timedelta(days=89),
    )
    assert {row.rule for row in find_change(SENT, blind).after.rows.values()} == {"DUP001", "DONE001"}


def test_a_finding_that_comes_back_is_new_again_with_a_note() -> None:
    known = sent_after(report(finding()), report(as_of=LATER))
    (back,) = find_change(known, report(finding(), as_of=LATER)).new
    assert "2026-02-04" in back.note
    assert news(known, report(as_of=LATER)) == {}, "a finding is resolved once"


def test_a_finding_that_comes_back_after_a_month_is_new() -> None:
    month = MORNING + timedelta(days=31)
    known = sent_after(report(finding()), report(as_of=LATER), report(as_of=month))
    assert [one.note for one in find_change(known, report(finding(), as_of=month)).new] == [""]


# Could not check is one item


def test_could_not_check_is_one_item_that_begins_and_ends() -> None:
    known = sent_after(report(as_of=MORNING))
    blind = report(problems=["BigQuery does not answer."], as_of=LATER)
    (began,) = find_change(known, blind).new
    assert began.finding.rule == COULD_NOT_CHECK
    known = sent_after(report(), blind)
    other_words = report(problems=["A timeout.", "And a second one."], as_of=LATER)
    assert not find_change(known, other_words).is_news
    (ended,) = find_change(known, report(as_of=LATER)).resolved
    assert ended.row.rule == COULD_NOT_CHECK


@pytest.mark.parametrize(
    "blind",
    [
        report(outcomes=[]),
        report(problems=["No answer."]),
        report(finding(), problems=["No answer."]),
        report(outcomes=[outcome(said="not_run", examined_count=0, is_blocking=True, reason="no table")]),
    ],
)
def test_everything_that_could_not_be_checked_is_sent(blind: Report) -> None:
    change = find_change(Sent(), blind)
    assert COULD_NOT_CHECK in {one.finding.rule for one in change.new}
    assert message_of(blind).could_not_check


def test_a_rule_with_nothing_to_examine_is_not_sent() -> None:
    quiet = report(outcomes=[outcome(), outcome("TRIG002", "not_run", 0, "not triggered")])
    assert news(Sent(), quiet) == {}
    assert "1 not run" in subline(message_of(quiet))


def test_each_target_has_its_own_item_and_document() -> None:
    (one,), (other,) = (find_change(Sent(), report(problems=["No."], target=name)).new for name in ("prod", "local"))
    assert one.finding.fingerprint != other.finding.fingerprint
    assert document_id("slack", "prod") != document_id("slack", "local")


# Once a day


def test_the_first_run_of_an_eastern_day_sends_even_a_healthy_report() -> None:
    known = sent_after(report())
    assert not find_change(known, report(as_of=LATER)).is_news
    tomorrow = find_change(known, report(as_of=NEXT_DAY))
    assert tomorrow.is_news
    assert tomorrow.is_daily
    assert not tomorrow.new


def test_a_day_begins_at_midnight_in_new_york() -> None:
    before = datetime(2026, 2, 5, 4, 59, tzinfo=UTC)  # 23:59 on the 4th
    after = datetime(2026, 2, 5, 5, 1, tzinfo=UTC)  # 00:01 on the 5th
    known = sent_after(report(as_of=MORNING))
    assert not find_change(known, report(as_of=before)).is_news
    assert find_change(known, report(as_of=after)).is_daily


def test_a_day_begins_at_midnight_in_summer_too() -> None:
    known = sent_after(report(as_of=datetime(2026, 7, 4, 12, 0, tzinfo=UTC)))
    assert not find_change(known, report(as_of=datetime(2026, 7, 5, 3, 59, tzinfo=UTC))).is_news
    assert find_change(known, report(as_of=datetime(2026, 7, 5, 4, 1, tzinfo=UTC))).is_daily


# The key of a message


def test_the_same_changes_have_the_same_key_and_others_another() -> None:
    def key(one: Report, known: Sent | None = None, channel: str = "slack") -> str:
        return message_id(channel, one.target, find_change(known or Sent(), one))

    base = key(report(finding()))
    assert key(report(finding(), as_of=LATER)) == base
    others = [
        key(report(finding()), channel="webhook"),
        key(report(finding(), target="local")),
        key(report(finding(), finding(subject="b"))),
        key(report(finding(), as_of=NEXT_DAY)),
        key(report(finding()), Sent(sequence=1)),
    ]
    assert len({base, *others}) == 6


def test_the_order_of_the_findings_does_not_change_the_key() -> None:
    findings = [finding(subject=f"table_{one}") for one in range(20)]
    shuffled = random.Random(1).sample(findings, 20)
    keys = {message_id("slack", "prod", find_change(Sent(), report(*ones))) for ones in (findings, shuffled)}
    assert len(keys) == 1


# The state


NOTHING_SENT = fields_of(State("slack", "prod", Sent()))


def with_pending(known: Sent, one: Report) -> State:
    change = find_change(known, one)
    pending = Pending(to_plain(make_message("slack", one, change)), change.after, "me", 1, "", 120.0)
    return State("slack", "prod", known, pending)


@pytest.mark.parametrize(
    "state",
    [
        State("slack", "prod", Sent()),
        State("slack", "prod", sent_after(report(finding(), finding("DONE001", observed=None)), report(as_of=LATER))),
        with_pending(SENT, report(finding(observed=90.5), as_of=LATER)),
    ],
)
def test_a_written_state_is_read_back(state: State) -> None:
    assert read_state(fields_of(state), "slack", "prod") == state


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "2"),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"channel": "webhook"}, "webhook"),
        ({"target": "local"}, "local"),
        ({"sequence": -1}, "sequence"),
        ({"sequence": 1.5}, "sequence"),
        ({"as_of": "noon"}, "noon"),
        ({"as_of": "2026-02-04T08:00:00"}, "as_of is"),
        ({"day": 4}, "day"),
        ({"told": "{}"}, "told"),
        ({"told": "[["}, "told"),
        ({"told": '[["a", 1]]'}, "told"),
        ({"told": '[["a","R","loud","2026-02-03","s",1,"2026-02-03","2026-02-03",true]]'}, "told"),
        ({"told": '[["a","R","warn","2026-02-03","s","1","2026-02-03","2026-02-03",true]]'}, "told"),
        ({"told": '[["a","R","warn","2026-02-03","s",1,"2026-02-03","2026-02-03","yes"]]'}, "told"),
        ({"told": {"a": 1}}, "told"),
        ({"pending": None}, "pending"),
        ({"pending": "{}"}, "message"),
        ({"pending": "[1]"}, "pending"),
        ({"pending": '{"message":{"message_id":""}}'}, "message_id"),
        ({"pending": "[" * 100_000}, "pending"),
    ],
)
def test_an_invalid_state_is_refused_with_the_value(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableStateError, match=said):
        read_state({**NOTHING_SENT, **changes}, "slack", "prod")


@pytest.mark.parametrize("name", [name for name in NOTHING_SENT if name != "pulse"])
def test_a_state_without_one_of_its_fields_is_refused(name: str) -> None:
    fields = {key: value for key, value in NOTHING_SENT.items() if key != name}
    with pytest.raises(UnreadableStateError, match=name):
        read_state(fields, "slack", "prod")


@pytest.mark.parametrize("lease", ["60", None, True, float("inf")])
def test_an_invalid_lease_is_refused(lease: Any) -> None:
    fields = fields_of(with_pending(Sent(), report()))
    pending = {**json.loads(fields["pending"]), "lease_seconds": lease}
    with pytest.raises(UnreadableStateError, match="lease_seconds"):
        read_state({**fields, "pending": json.dumps(pending)}, "slack", "prod")


def many(count: int, **more: Any) -> list[Finding]:
    return [finding(subject=f"nbac_a_table_with_quite_a_long_name_indeed_{one:05}", **more) for one in range(count)]


def test_two_thousand_findings_fit_into_a_document_beside_two_thousand_old_ones() -> None:
    old = [replace(one, game_date=NIGHT - timedelta(days=1)) for one in many(MOST_ROWS, rule="DONE009")]
    known = sent_after(report(*old))
    fields = fields_of(with_pending(known, report(*many(MOST_ROWS), as_of=LATER)))
    assert len(known.rows) == MOST_ROWS
    assert sum(len(str(value).encode()) for value in fields.values()) < 1_000_000


def test_of_too_many_findings_the_worst_are_kept_and_the_others_counted() -> None:
    crowd = report(*many(MOST_ROWS, severity="warn"), finding(subject="the worst"))
    change = find_change(Sent(), crowd)
    assert change.unwatched_count == 1
    assert change.new[0].finding.subject == "the worst"
    assert "1 more" in subline(message_of(crowd))


def test_too_many_findings_do_not_alternate_in_being_new() -> None:
    findings = many(MOST_ROWS + 50)
    known = sent_after(report(*findings))
    shuffled = random.Random(2).sample(findings, len(findings))
    assert not find_change(known, report(*shuffled, as_of=LATER)).is_news


def test_kept_findings_are_not_replaced_by_newer_ones_that_are_no_worse() -> None:
    findings = many(MOST_ROWS)
    newer = replace(finding(game_date=NIGHT + timedelta(days=1)), subject="newer")
    change = find_change(sent_after(report(*findings)), report(*findings, newer, as_of=LATER))
    assert not change.is_news
    assert change.unwatched_count == 1


def test_a_finding_that_worse_ones_replace_is_not_resolved() -> None:
    warned = many(MOST_ROWS, severity="warn")
    known = sent_after(report(*warned))
    change = find_change(known, report(*warned, finding(subject="the worst"), as_of=LATER))
    assert [one.finding.subject for one in change.new] == ["the worst"]
    assert not change.resolved


def test_of_too_many_resolved_findings_the_newest_are_kept() -> None:
    row = Row("DUP001", "error", NIGHT, "a", None, NIGHT, NIGHT, is_open=False)
    old = {f"old {one:04}": replace(row, game_date=NIGHT - timedelta(days=1)) for one in range(MOST_ROWS)}
    remembered = kept({**old, "young": row, "open": replace(row, is_open=True)}, frozenset(), NIGHT)
    assert len(remembered) == MOST_ROWS
    assert list(remembered)[:2] == ["open", "young"]


# The messages


def everything() -> Change:
    """A change in which no list is empty."""
    gone, stays, grows, fresh = (finding(subject=name) for name in ("gone", "stays", "grows", "fresh"))
    known = sent_after(report(gone, stays, grows, finding("DUP002", subject="unseen")))
    now = (stays, replace(grows, observed=100.0), fresh)
    return find_change(known, report(*now, outcomes=[outcome(said="failed")], as_of=LATER))


def test_the_generic_webhook_has_a_version_and_every_list() -> None:
    plain = to_plain(make_message("webhook", report(finding()), everything(), Links("https://example.org")))
    assert plain["version"] == 1
    lists = {"new": "fresh", "worse": "grows", "resolved": "gone", "ongoing": "stays", "not_looked_at": "unseen"}
    assert {name: [one["subject"] for one in plain[name]] for name in lists} == {k: [v] for k, v in lists.items()}
    heads = {"message_id", "status", "as_of", "first_date", "last_date", "target", "could_not_check", "report_url"}
    assert heads <= set(plain)


def test_a_written_message_is_read_back() -> None:
    message = make_message("webhook", report(finding()), everything(), Links("https://example.org"))
    assert from_plain(json.loads(json.dumps(to_plain(message)))) == message


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"status": "fine"},
        {"new": [1]},
        {"new": [{"rule": 1}]},
        {"counts": {}},
        {"counts": None},
        {"as_of": "noon"},
        {"report_url": 3},
        {"could_not_check": [1]},
    ],
)
def test_an_invalid_message_is_refused(changes: dict[str, Any]) -> None:
    plain = to_plain(message_of(report(finding())))
    with pytest.raises((ValueError, KeyError)):
        from_plain({**plain, **changes})


def test_the_headline_lists_only_counts_above_zero() -> None:
    assert headline(message_of(report())) == "trueup prod: healthy"
    assert headline(message_of(report(finding()))) == "trueup prod: errors, 1 new"
    assert headline(message_of(report(finding(severity="warn")))) == "trueup prod: warnings, no errors, 1 new"
    assert headline(message_of(report(problems=["No."]))) == "trueup prod: could not check, 1 new"
    mended = message_of(report(as_of=LATER), sent_after(report(finding())))
    assert headline(mended) == "trueup prod: healthy, 1 resolved"


def texts(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """The type and text of every block."""
    return [
        (block["type"], part["text"])
        for block in payload["blocks"]
        for part in block.get("elements", [block.get("text")])
    ]


def test_five_hundred_findings_stay_within_slacks_limits() -> None:
    nasty = [
        replace(one, summary="<&>" * 2000, remedy="<&>`" * 2000, subject=f"<&>{index}" * 100)
        for index, one in enumerate(many(500))
    ]
    payload = slack_payload(
        message_of(report(*nasty, problems=["<&>" * 2000] * 9), link="https://example.org/" + "&" * 480)
    )
    assert len(payload["blocks"]) <= 50
    for kind, text in texts(payload):
        assert 0 < len(text) <= (150 if kind == "header" else 3000)
    named = [text for kind, text in texts(payload) if kind == "section" and text.startswith("*DUP001*")]
    assert len(named) == 9, "ten are named, and the first one is could_not_check"
    assert any("and 491 more: <https://example.org/" in text for _, text in texts(payload))
    assert len(json.dumps(payload)) < 100_000


def test_an_escape_is_never_cut() -> None:
    for length in range(150, 220):
        payload = slack_payload(message_of(report(finding(remedy="x" * (length % 7) + "&" * length))))
        (text,) = [one for _, one in texts(payload) if "DUP001" in one]
        assert text.count("&") == text.count("&amp;")


def test_markup_in_data_is_escaped_for_slack() -> None:
    payload = slack_payload(message_of(report(finding(subject="<!channel>", remedy="<https://x|a> & `b`\n*c*"))))
    said = "\n".join(text for _, text in texts(payload))
    assert "<!channel>" not in said
    assert "&lt;!channel&gt;" in said
    assert "`&lt;https://x|a&gt; &amp; 'b'\\n*c*`" in said


def test_the_fallback_text_is_the_headline() -> None:
    assert slack_payload(message_of(report(finding(), target="a<b")))["text"] == "trueup a&lt;b: errors, 1 new"


def test_without_a_link_the_command_is_named() -> None:
    said = json.dumps(slack_payload(message_of(report(finding()), link="")))
    assert "trueup report" in said
    assert "<|" not in said


def summary_of(one: Report) -> str:
    return step_summary(
        make_message("step_summary", one, whole_report(one), Links("https://example.org"), MOST_IN_SUMMARY)
    )


def test_the_step_summary_shows_all_findings() -> None:
    text = summary_of(report(finding(), finding("DONE001", subject="b", severity="warn"), problems=["No answer."]))
    assert "| error | DUP001 | 2026-02-03 |" in text
    assert "| warn | DONE001 |" in text
    assert "- No answer." in text
    assert "new" not in text
    assert text.endswith("\n")


def test_an_alert_names_its_section_of_the_runbook_and_links_it_if_the_address_is_set() -> None:
    one = report(finding())
    named = make_message("slack", one, find_change(Sent(), one))
    linked = make_message("slack", one, find_change(Sent(), one), Links(runbook="https://h/runbook.html"))
    assert to_plain(named)["new"][0]["runbook"] == "duplicate-rows"
    assert "Runbook: duplicate-rows" in str(slack_payload(named))
    assert "<https://h/runbook.html#duplicate-rows|Runbook: duplicate-rows>" in str(slack_payload(linked))
    assert "| duplicate-rows |" in step_summary(named).replace("&#45;", "-")
    assert '<a href="https://h/runbook.html#duplicate-rows">duplicate-rows</a>' in step_summary(linked)


def test_a_message_of_a_version_without_a_runbook_is_read_back() -> None:
    plain = to_plain(message_of(report(finding())))
    del plain["runbook_url"]
    del plain["new"][0]["runbook"]
    (item,) = from_plain(plain).new
    assert item.runbook == ""


def test_the_step_summary_of_a_healthy_day_has_no_table() -> None:
    text = summary_of(report())
    assert "## trueup prod: healthy" in text
    assert "| --- |" not in text


def test_a_step_summary_that_is_cut_says_how_much() -> None:
    text = summary_of(report(*many(500)))
    assert text.count("| error |") == MOST_IN_SUMMARY
    assert f"and {500 - MOST_IN_SUMMARY} more" in text
    assert len(text.encode()) < 1_000_000


def test_markup_in_data_is_escaped_for_markdown() -> None:
    text = summary_of(report(finding(subject="a|b", summary="<img src=x> [l](http://x)\n| x | **b** `c`")))
    (row,) = [line for line in text.splitlines() if "DUP001" in line]
    assert row.count("|") == 8
    for one in ("<img", "[", "**", "c`"):
        assert one not in row


def test_messages_list_at_most_forty_of_a_kind_and_count_all() -> None:
    message = message_of(report(*many(500)))
    assert len(message.new) == MOST_LISTED
    assert message.counts["new"] == 500


# Posting


class Answers:
    """A poster with prepared answers and a simulated clock."""

    def __init__(self, *answers: Answer, seconds: float = 1.0) -> None:
        self.answers, self.seconds = list(answers), seconds
        self.now = 0.0
        self.pauses: list[float] = []
        self.posts = 0

    def post(self, url: str, body: bytes, headers: Any, seconds: float) -> Answer:
        self.now += self.seconds
        self.posts += 1
        return self.answers.pop(0)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def run(self) -> Answer:
        budget = Budget(lambda: self.now, self.pause, 20.0)
        return post_patiently(self, "http://x", b"", {}, Patience(), budget)


OK, DOWN = Answer("answered", 200), Answer("not_reached")


@pytest.mark.parametrize("first", [DOWN, Answer("answered", 429), Answer("answered", 503)])
def test_a_retryable_answer_is_tried_again(first: Answer) -> None:
    poster = Answers(first, OK)
    assert poster.run().is_delivered
    assert poster.pauses == [0.5]


@pytest.mark.parametrize(
    "answer", [*(Answer("answered", status) for status in (204, 301, 400, 404, 500, 502)), Answer("unknown")]
)
def test_a_message_that_may_have_arrived_or_is_refused_is_posted_once(answer: Answer) -> None:
    poster = Answers(answer)
    assert poster.run() == answer


def test_three_attempts_are_made_and_no_more() -> None:
    poster = Answers(DOWN, DOWN, DOWN, OK)
    assert not poster.run().is_delivered
    assert poster.posts == 3


def test_retry_after_is_respected() -> None:
    poster = Answers(Answer("answered", 429, retry_after_seconds=7.0), OK)
    assert poster.run().is_delivered
    assert poster.pauses == [7.0]


def test_a_retry_after_beyond_the_remaining_time_ends_the_attempts() -> None:
    poster = Answers(Answer("answered", 429, retry_after_seconds=3600.0), OK)
    assert poster.run().status == 429
    assert poster.pauses == []


def test_no_attempt_is_made_when_time_has_run_out() -> None:
    poster = Answers(DOWN, OK, seconds=25.0)
    assert poster.run() == DOWN


# Settings


@pytest.mark.parametrize(
    "url", ["http://h/x", "https://h:8443/x", "https://user:word@h/x", "http://[::1]:80/", "HTTPS://h/x"]
)
def test_http_addresses_have_a_host(url: str) -> None:
    assert host_of(url) in ("h", "::1")


@pytest.mark.parametrize(
    "url",
    [
        *("", "h/x", "ftp://h/x", "file:///etc/x", "https://", "https:///x"),
        *("http://h:99999/", "http://h:0/", "http://[/", "http://h/a b", "http://h\n/"),
    ],
)
def test_other_addresses_have_none(url: str) -> None:
    assert host_of(url) is None


def test_no_secret_is_shown_by_the_settings_or_a_channel() -> None:
    hooks = {"TRUEUP_SLACK_WEBHOOK": "https://h/secret\n", "TRUEUP_WEBHOOK": "https://i/secret"}
    settings = alert_settings({**hooks, "GITHUB_STEP_SUMMARY": "/f"})
    assert [one.name for one in channels_of(settings)] == ["step_summary", "slack", "webhook"]
    assert settings.slack == "https://h/secret"
    assert "secret" not in f"{settings!r} {channels_of(settings)!r}"


def test_a_channel_that_is_not_set_does_not_exist() -> None:
    assert channels_of(alert_settings({"TRUEUP_WEBHOOK": " "})) == ()


def test_every_variable_and_result_is_documented() -> None:
    page = (PROJECT / "docs" / "how-to" / "alerts.md").read_text(encoding="utf-8")
    hooks = (SLACK_VARIABLE, WEBHOOK_VARIABLE, STEP_SUMMARY_VARIABLE)
    variables = (*hooks, REPORT_URL_VARIABLE, RUNBOOK_URL_VARIABLE, ALERT_STATE_VARIABLE)
    outcomes = get_args(DeliveryResult)
    fields = to_plain(message_of(report()))
    for word in (*variables, *outcomes, *fields, ALERTS):
        assert f"`{word}`" in page, f"docs/how-to/alerts.md does not mention {word}"


def test_a_link_is_an_http_address_of_limited_length() -> None:
    assert links_of(AlertSettings(report_url="https://h/r", runbook_url="https://h/b")) == Links(
        "https://h/r", "https://h/b"
    )
    assert links_of(AlertSettings(report_url="javascript:alert(1)")) == Links()
    assert links_of(AlertSettings(runbook_url="https://h/" + "x" * 1000)) == Links()


def test_a_target_with_a_slash_is_one_document() -> None:
    assert document_id("slack", "a/b") == "slack-a%2Fb"


def test_a_command_is_sent_as_a_whole_or_not_at_all() -> None:
    command = "dbt run --select +player_game_summary_latest --vars '" + '{"first_date": "2026-02-03"}' * 5 + "'"
    for length, wanted in ((len(command), "(the command is in the report)"), (20, "'")):
        short = command if length > 100 else "dbt run --vars '{}'"
        one = finding("DUP001", "t", remedy=f"Refresh it with: {short}", command=short)
        (item,) = make_message("slack", report(one), find_change(Sent(), report(one))).new
        assert item.remedy.endswith(wanted)
        assert item.remedy.count("'") % 2 == 0
