"""Validates the vars of dbt_project.yml that Python reads."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import get_args

from trueup.completion.rule import CompletionRule, RuleName
from trueup.errors import UsageError
from trueup.judge.case import DOCUMENT_FAMILIES, JudgeSettings
from trueup.settings import Settings, platform_zone

# The least and the most of the vars that are numbers. Both are allowed.
_NUMBERS: Mapping[str, tuple[float, float]] = {
    "racing_writers_minutes": (0, 24 * 60),
    "schedule_margin_days": (0, 366),
    "schedule_reach_days": (0, 3660),
    "outcome_max_age_hours": (0, 24 * 366),
    # With 100 there would be no budget to burn.
    "service_level_objective": (1, 99.9),
    "claim_lease_minutes": (0.1, 24 * 60),
}


def check_variables(settings: Settings) -> None:
    """Refuse invalid vars before anything is read. Raises UsageError, which names the var."""
    judge_settings(settings)
    families_off(settings)
    for name, (least, most) in _NUMBERS.items():
        value = settings.variable(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise UsageError(
                f"The var {name} is {value!r}.", f"Use a number from {least:g} to {most:g} in dbt_project.yml."
            )
    zones = settings.variable("roster_time_zones")
    for zone in zones if isinstance(zones, list) else [zones]:
        platform_zone(zone, "roster_time_zones")


def judge_settings(settings: Settings) -> JudgeSettings:
    """The settings of the judge. Raises UsageError for an invalid var."""
    rule = settings.variable("completion_rule")
    if rule not in get_args(RuleName):
        raise UsageError(
            f"The var completion_rule has the unknown value {rule!r}.",
            f"Use one of {', '.join(get_args(RuleName))} in dbt_project.yml.",
        )
    try:
        due = time.fromisoformat(str(settings.variable("reports_due_time")))
    except ValueError as error:
        raise UsageError(
            f"The var reports_due_time is invalid: {error}.", "Use a time like 08:00 in dbt_project.yml."
        ) from error
    zone = platform_zone(settings.variable("platform_time_zone"))
    return JudgeSettings(as_of=settings.window.as_of, completion_rule=CompletionRule(rule), reports_due=due, zone=zone)


def claim_lease(settings: Settings) -> timedelta:
    """How long a claim is left to its owner."""
    return timedelta(minutes=settings.variable("claim_lease_minutes"))


def families_off(settings: Settings) -> frozenset[str]:
    """The families of rules that are switched off. Raises UsageError for an unknown family."""
    given = settings.variable("families_off") or []
    known = DOCUMENT_FAMILIES | {"expectations"}
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise UsageError(
            f"The var families_off is {given!r}, not a list of families.",
            f"Use a list of {', '.join(sorted(known))} in dbt_project.yml.",
        )
    off = frozenset(given)
    if unknown := sorted(map(str, off - known)):
        raise UsageError(
            f"The var families_off has unknown families: {', '.join(unknown)}.",
            f"Use only {', '.join(sorted(known))} in dbt_project.yml.",
        )
    return off
