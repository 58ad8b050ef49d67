"""Reports like those of a check: the incident, and reports of any size."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from helpers.support import PROJECT
from trueup.results.finding import Finding
from trueup.results.outcome import Outcome, RuleOutcome
from trueup.results.reference import load_reference
from trueup.results.report import Cost, ErrorBudget, Lateness, Report, ServiceLevel, SuiteResult
from trueup.window import Window

RULES = load_reference(PROJECT / "seeds").rules
DAY = date(2026, 2, 3)
AS_OF = datetime(2026, 2, 4, 21, tzinfo=UTC)
WINDOW = Window(DAY, DAY, AS_OF)
RECONCILE = "trueup reconcile --first-date 2026-02-03 --last-date 2026-02-03"


def fingerprint(rule: str, subject: str, game_date: date) -> str:
    """The fingerprint, as the model ``findings`` computes it."""
    return hashlib.sha256(f"{rule}|{subject}|{game_date.isoformat()}".encode()).hexdigest()


def finding(rule: str, subject: str = "2026-02-03", day: date = DAY, **changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "severity": "error",
        "summary": "Something is wrong.",
        "observed": 1.0,
        "expected": 0.0,
        "detail": {},
        "remedy": RECONCILE,
        "command": "" if "remedy" in changes else RECONCILE,
        "query": "select 1",
        **changes,
    }
    return Finding(rule=rule, game_date=day, subject=subject, fingerprint=fingerprint(rule, subject, day), **fields)


def outcome(
    rule: str, result: Outcome = "passed", reason: str = "", blocking: bool = False, day: date = DAY
) -> RuleOutcome:
    return RuleOutcome(rule, day, result, 0 if result == "not_run" else 5, reason, blocking)


def lateness(scraper: str = "nbac_player_boxscores", state: str = "late", **changes: Any) -> Lateness:
    due = datetime(2026, 2, 4, 13, tzinfo=UTC)
    fields: dict[str, Any] = {
        "game_date": DAY,
        "due_at": due,
        "alert_at": due + timedelta(hours=2),
        "first_useful_run_at": due + timedelta(minutes=405) if state == "late" else None,
        "late_by_minutes": 405.0 if state == "late" else None,
        "time_zone": "America/New_York",
        "reason": None,
        **changes,
    }
    return Lateness(scraper_name=scraper, state=state, **fields)


def level(value: float | None, day: date = DAY, state: str = "alert") -> ServiceLevel:
    return ServiceLevel("SLO003", "duplicate_rows", day, "percent", value, 0.0, 0.0, "above 0 %", state)


LATE = {"first_useful_run_at": "2026-02-04T19:45:00Z"}
RACED = {
    "excess_rows": 72,
    "cause": "racing_writers",
    "first_written_at": "2026-02-04T20:00:06Z",
    "last_written_at": "2026-02-04T20:00:24Z",
}
INCIDENT = Report(
    WINDOW,
    "local",
    findings=(
        finding("DONE001", observed=3.0, expected=5.0, detail={"delivered": ["player_game_summary"]}),
        finding("DUP001", "player_game_summary", observed=72.0, detail=RACED),
        finding("LATE001", "nbac_gamebook_player_stats", observed=405.0, detail=LATE),
        finding("LATE001", "nbac_player_boxscores", observed=405.0, detail=LATE),
        finding("LATE004", "nbac_gamebook_player_stats", observed=0.0, expected=10.0),
        finding("TRIG001", observed=55.0, expected=30.0, detail={"completed_at": "2026-02-04T20:05:00+00:00"}),
        finding("SLO003", "duplicate_rows", severity="info", observed=10.404, detail={"unit": "percent"}),
    ),
    outcomes=(
        *(outcome(code, "failed") for code in ("DONE001", "DUP001", "LATE001", "LATE004", "TRIG001", "SLO003")),
        *(outcome(code) for code in RULES if code.startswith(("DONE00", "DUP00", "LATE00")) and code[-1] not in "14"),
        *(outcome(code, "not_run", "not triggered") for code in ("TRIG002", "TRIG003", "TRIG004")),
    ),
    service_levels=(level(10.404),),
    error_budgets=(ErrorBudget("SLO003", "duplicate_rows", DAY, 7, 95.0, 5, 1, 400.0),),
    lateness=(lateness("nbac_gamebook_player_stats"), lateness()),
    costs=(Cost("dup001_duplicate_rows", "model", 2.5, None),),
    seconds={"Building models": 17.46},
)


def large(count: int, day_count: int) -> Report:
    """A report with ``count`` findings over ``day_count`` days and 40 rules, as large as real ones."""
    days = [DAY - timedelta(days=back) for back in range(day_count)]
    codes = [*RULES, *(f"NEW{number:03}" for number in range(40 - len(RULES)))]
    query = (
        "select * from `project`.`nba_analytics`.`player_game_summary` where game_date = date '2026-02-03' "
        "qualify count(*) over (partition by game_date, game_id, player_lookup) > 1"
    )
    summary = (
        "72 excess rows for 72 keys in player_game_summary: 72 exact copies, 0 keys whose rows differ; cause: rerun."
    )
    findings = tuple(
        finding(
            codes[number % 20],
            f"player_game_summary_{number}",
            days[number % day_count],
            summary=summary,
            observed=float(number),
            query=query,
            detail={**RACED, "group_count": 72, "exact_copies": 72, "example": '{"game_id": "20260203_BOS_LAL"}'},
        )
        for number in range(count)
    )
    return Report(
        Window(days[-1], DAY, AS_OF),
        "prod",
        findings=findings,
        outcomes=tuple(
            outcome(code, "passed" if number % 7 else "not_run", day=day)
            for day in days
            for number, code in enumerate(codes)
        ),
        service_levels=tuple(
            replace(level(1.0, day), metric=f"metric_{n}", rule=f"SLO00{n}") for n in range(5) for day in days
        ),
        lateness=tuple(
            lateness(name, game_date=day)
            for day in days
            for name in ("nbac_gamebook_player_stats", "nbac_player_boxscores")
        ),
        suites=tuple(SuiteResult(f"suite_{n}", "EXP001", 12, 1, (), f"data_docs/suite_{n}.html") for n in range(20)),
        costs=tuple(Cost(f"a_model_with_a_name_of_some_length_{n}", "model", 1.0, n) for n in range(150)),
    )
