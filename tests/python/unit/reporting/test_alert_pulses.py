"""Alerts of checks and pulses that share a state: nothing is told twice, nothing is closed by who has not looked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.alert_cases import MORNING, NIGHT, finding, listed, outcome, report
from trueup.reporting.alerts.change import COULD_NOT_CHECK, find_change, outdated
from trueup.reporting.alerts.message import headline, make_message
from trueup.reporting.alerts.state import Pulsed, Sent, State, fields_of, read_state
from trueup.results.finding import Finding
from trueup.results.report import Report

SECOND = timedelta(seconds=1)
FIVE = timedelta(minutes=5)
PULSE_RULES = ("DUP001", "LATE001", "TRIG001")
CHECK_RULES = (*PULSE_RULES, "EXP001", "DONE002")


def pulse(*findings: Finding, as_of: datetime = MORNING, **more: Any) -> Report:
    """A pulse of the night; all of its rules ran."""
    failed = {one.rule for one in findings}
    outcomes = [outcome(rule, "failed" if rule in failed else "passed") for rule in PULSE_RULES]
    return report(*findings, as_of=as_of, first_date=NIGHT, **{"kind": "pulse", "outcomes": outcomes, **more})


def check(*findings: Finding, as_of: datetime = MORNING, **more: Any) -> Report:
    failed = {one.rule for one in findings}
    outcomes = [outcome(rule, "failed" if rule in failed else "passed") for rule in CHECK_RULES]
    return report(*findings, as_of=as_of, **{"outcomes": outcomes, **more})


def after(sent: Sent, one: Report) -> Sent:
    change = find_change(sent, one)
    return change.after if change.is_news else sent


def kinds(sent: Sent, one: Report) -> dict[str, list[str]]:
    return listed(sent, one, "rule")


def test_what_a_pulse_has_told_the_check_does_not_tell_again() -> None:
    told = after(Sent(), pulse(finding("TRIG001")))
    change = find_change(told, check(finding("TRIG001"), finding("EXP001"), as_of=MORNING + FIVE))
    assert [one.finding.rule for one in change.new] == ["EXP001"]
    assert [one.finding.rule for one in change.ongoing] == ["TRIG001"]
    assert change.is_daily


def test_a_pulse_closes_only_what_it_judges_and_never_begins_a_day() -> None:
    told = after(Sent(), check(finding("TRIG001"), finding("EXP001")))
    change = find_change(told, pulse(as_of=MORNING + FIVE))
    assert kinds(told, pulse(as_of=MORNING + FIVE)) == {"resolved": ["TRIG001"]}
    assert change.after.rows[finding("EXP001").fingerprint].is_open
    assert not find_change(Sent(), pulse()).is_daily
    assert not find_change(Sent(), pulse()).is_news


def test_each_closes_its_own_could_not_check() -> None:
    blind = after(Sent(), check(problems=["EXP001 did not run"]))
    assert kinds(blind, pulse(as_of=MORNING + FIVE)) == {}
    both = after(blind, pulse(as_of=MORNING + FIVE, problems=["BigQuery does not answer"]))
    assert kinds(both, pulse(as_of=MORNING + 2 * FIVE)) == {"resolved": [COULD_NOT_CHECK]}
    assert kinds(both, check(as_of=MORNING + 2 * FIVE)) == {"resolved": [COULD_NOT_CHECK]}
    assert len([row for row in after(both, check(as_of=MORNING + 2 * FIVE)).rows.values() if row.is_open]) == 1


def test_a_check_that_ends_after_a_pulse_takes_nothing_back() -> None:
    """It began at 08:00, a pulse told at 08:01, and the check sends at 08:02."""
    before = after(Sent(), check(finding("TRIG001"), as_of=MORNING - timedelta(days=1)))
    meanwhile = after(before, pulse(finding("LATE001"), as_of=MORNING + SECOND))
    late = check(finding("TRIG001"), finding("EXP001"))
    assert kinds(meanwhile, late) == {"new": ["EXP001"]}
    rows = after(meanwhile, late).rows
    assert rows[finding("LATE001").fingerprint].is_open
    assert not rows[finding("TRIG001").fingerprint].is_open


def test_a_check_that_is_blind_stays_blind_beside_a_pulse() -> None:
    blocked = [outcome("DUP001", "not_run", 0, "the table is missing", is_blocking=True), outcome("EXP001")]
    blind = after(Sent(), check(as_of=MORNING - timedelta(days=1), outcomes=blocked))
    meanwhile = after(blind, pulse(finding("LATE001"), as_of=MORNING + SECOND))
    assert COULD_NOT_CHECK not in kinds(meanwhile, check(outcomes=blocked)).get("resolved", [])


def test_a_pulse_that_could_not_look_silences_no_check() -> None:
    blind = [outcome("DONE001", "not_run", 0, "the documents cannot be read", is_blocking=True)]
    meanwhile = after(Sent(), pulse(as_of=MORNING + SECOND, outcomes=blind))
    assert kinds(meanwhile, report(finding("DONE001"))) == {"new": ["DONE001"]}


def test_a_pulse_of_the_future_silences_no_check() -> None:
    mistyped = after(Sent(), pulse(finding("TRIG001"), as_of=MORNING + timedelta(days=300)))
    assert kinds(mistyped, check(finding("LATE001"))) == {"new": ["LATE001"], "resolved": ["TRIG001"]}


def test_a_rule_that_was_partly_blind_closes_nothing_even_before_it_is_due() -> None:
    told = after(Sent(), pulse(finding(subject="a"), finding(subject="b")))
    partly = [outcome("DUP001", "failed", 5, "b is missing", is_blocking=True)]
    dawn = pulse(finding(subject="a"), as_of=MORNING + FIVE, outcomes=partly, open_dates=[NIGHT])
    assert not dawn.blocked
    assert kinds(told, dawn) == {"ongoing": ["DUP001"], "not_looked_at": ["DUP001"]}


def test_an_older_pulse_is_outdated_and_an_older_check_is_not() -> None:
    told = after(Sent(), pulse(finding(), as_of=MORNING + FIVE))
    now = MORNING + timedelta(hours=1)
    assert outdated(told, pulse(), now)
    assert not outdated(told, check(), now)
    assert outdated(after(told, check(as_of=MORNING + 2 * FIVE)), pulse(as_of=MORNING + FIVE + SECOND), now)


def test_the_state_keeps_what_a_pulse_has_examined() -> None:
    examined = Pulsed(datetime(2026, 2, 4, 21, 0, 1, 5, tzinfo=UTC), (("DUP001", date(2026, 2, 3)),))
    state = State("slack", "prod", Sent(1, pulse=examined))
    assert read_state(fields_of(state), "slack", "prod") == state


def test_the_headline_says_that_it_is_a_pulse() -> None:
    told = after(Sent(), pulse(finding()))
    gone = pulse(as_of=MORNING + FIVE)
    message = make_message("slack", gone, find_change(told, gone))
    assert headline(message) == "trueup pulse prod: no errors now, 1 resolved"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sets(st.sampled_from(CHECK_RULES)),
            st.integers(0, 3),
            st.sets(st.sampled_from(CHECK_RULES)),
        ),
        max_size=12,
    )
)
def test_whatever_the_order_a_message_says_only_what_changed(steps: list[tuple[bool, set[str], int, set[str]]]) -> None:
    """The oracle keeps what is open by itself: a rule opens when it is found, and closes when it was examined again.

    A check that began before a pulse of the same rule changes nothing of it.
    """
    sent, is_open, pulsed, as_of = Sent(), set[str](), dict[str, datetime](), MORNING
    for is_pulse, wrong, late, blind in steps:
        as_of += FIVE
        began = as_of if is_pulse else as_of - late * FIVE
        rules = PULSE_RULES if is_pulse else CHECK_RULES
        found = {rule for rule in wrong if rule in rules and rule not in blind}
        outcomes = [
            outcome(rule, "not_run", 0, "blind", is_blocking=True)
            if rule in blind
            else outcome(rule, "failed" if rule in found else "passed")
            for rule in rules
        ]
        one = report(
            *(finding(rule) for rule in found), as_of=began, first_date=NIGHT, outcomes=outcomes,
            kind="pulse" if is_pulse else "check",
        )  # fmt: skip
        if outdated(sent, one, as_of):
            continue
        change = find_change(sent, one)
        looked = {rule for rule in rules if rule not in blind and (is_pulse or began >= pulsed.get(rule, began))}
        opened = {rule for rule in found & looked if rule not in is_open}
        closed = {rule for rule in is_open & looked if rule not in found}
        assert {one.finding.rule for one in change.new} - {COULD_NOT_CHECK} == opened
        assert {gone.row.rule for gone in change.resolved} - {COULD_NOT_CHECK} == closed
        is_open = (is_open | opened) - closed
        if change.is_news:
            sent = change.after
            if is_pulse:
                pulsed = {rule: began for rule in rules if rule not in blind}
        assert {row.rule for row in sent.rows.values() if row.is_open} - {COULD_NOT_CHECK} == is_open
