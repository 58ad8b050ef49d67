"""The age of a report, and which reports are refused as too old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import inf, nan

import pytest
from rich.console import Console

from helpers.report_cases import INCIDENT
from trueup.cli.report import print_age
from trueup.errors import CannotCheckError, UsageError
from trueup.reporting.age import MOST_HOURS, age_in_words, refuse_old
from trueup.reporting.json_form import from_json, to_json
from trueup.results.report import Report

WRITTEN = datetime(2026, 2, 4, 8, 3, 27, tzinfo=UTC)
REPORT = replace(INCIDENT, written_at=WRITTEN)


def after(**passed: float) -> datetime:
    return WRITTEN + timedelta(**passed)


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        ({"seconds": 59}, "less than a minute ago"),
        ({"seconds": 60}, "1 minute ago"),
        ({"minutes": 59.9}, "59 minutes ago"),
        ({"minutes": 60}, "1 hour ago"),
        ({"hours": 26}, "26 hours ago"),
        ({"hours": 47.9}, "47 hours ago"),
        ({"hours": 48}, "2 days ago"),
        ({"days": 30.5}, "30 days ago"),
        ({"minutes": -4}, "less than a minute ago"),
    ],
)
def test_the_age_in_words(passed: dict[str, float], said: str) -> None:
    assert age_in_words(REPORT, after(**passed)) == f"2026-02-04 08:03 UTC, {said}"


def test_the_age_of_a_report_from_the_future() -> None:
    assert "in the future" in age_in_words(REPORT, after(minutes=-6))


@pytest.mark.parametrize("hours", [0.0, 11.99, 12.0])
def test_a_report_of_half_a_day_is_accepted(hours: float) -> None:
    refuse_old(REPORT, after(hours=hours))


@pytest.mark.parametrize(("hours", "most"), [(12.01, MOST_HOURS), (26, 24.0), (1, 0.5)])
def test_an_older_report_is_refused_with_its_age_and_a_hint(hours: float, most: float) -> None:
    with pytest.raises(CannotCheckError, match=f"{most:g} hours") as error:
        refuse_old(REPORT, after(hours=hours), most)
    assert "2026-02-04 08:03 UTC" in error.value.message
    assert "--max-age" in error.value.hint


@pytest.mark.parametrize(("hours", "most"), [(26, 26.0), (26, 48.0), (9999, inf)])
def test_max_age_allows_an_old_report(hours: float, most: float) -> None:
    refuse_old(REPORT, after(hours=hours), most)


def test_a_report_without_a_time_or_from_the_future_is_refused() -> None:
    with pytest.raises(CannotCheckError, match="unknown time"):
        refuse_old(INCIDENT, after())
    refuse_old(REPORT, after(minutes=-4))
    with pytest.raises(CannotCheckError, match="in the future"):
        refuse_old(REPORT, after(minutes=-6), inf)


@pytest.mark.parametrize("most", [0.0, -1.0, nan])
def test_hours_that_are_not_above_0_are_wrong_usage(most: float) -> None:
    with pytest.raises(UsageError, match="--max-age is"):
        refuse_old(REPORT, after(), most)


def test_written_at_is_read_back() -> None:
    assert from_json(to_json(REPORT)).written_at == WRITTEN
    assert from_json(to_json(INCIDENT)).written_at is None


@pytest.mark.parametrize(
    ("written", "said"), [('"2026-02-04T08:03:27"', "time zone"), ('"soon"', "valid datetime"), ("3", "valid datetime")]
)
def test_an_invalid_written_at_is_refused(written: str, said: str) -> None:
    text = to_json(REPORT).replace('"2026-02-04T08:03:27+00:00"', written)
    with pytest.raises((ValueError, TypeError), match=said):
        from_json(text)


def test_a_report_that_is_shown_again_has_its_age_target_and_as_of() -> None:
    def shown(report: Report, now: datetime) -> str:
        out = StringIO()
        print_age(report, now, Console(file=out, width=200))
        return out.getvalue()

    text = shown(REPORT, after(hours=26))
    for fact in ("2026-02-04 08:03 UTC, 26 hours ago", "local", "2026-02-04 21:00 UTC"):
        assert fact in text
    assert "[red]" in shown(replace(REPORT, target="[red]"), after(hours=1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"first_date": "2026-02-03"', '"first_date": "0001-01-01"'),
        ('"first_date": "2026-02-03"', '"first_date": "2026-02-09"'),
        ('"as_of": "2026-02-04T21:00:00+00:00"', '"as_of": "2026-02-04T21:00:00"'),
        ('"as_of": "2026-02-04T21:00:00+00:00"', '"as_of": "0001-01-01T00:00:00+05:00"'),
        ('"observed": 72.0', '"observed": Infinity'),
    ],
)
def test_a_report_that_no_run_wrote_is_refused(old: str, new: str) -> None:
    text = to_json(INCIDENT)
    assert old in text, text[:400]
    with pytest.raises(ValueError, match=r"."):
        from_json(text.replace(old, new, 1))
