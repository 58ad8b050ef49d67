"""Validates the vars of dbt_project.yml that Python reads."""

from datetime import time, timedelta
from typing import get_args

from trueup.completion.rule import CompletionRule, RuleName
from trueup.errors import UsageError
from trueup.judge.case import DOCUMENT_FAMILIES, JudgeSettings
from trueup.settings import Settings, platform_zone

_LONGEST_LEASE = 24 * 60


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
    """How long a claim is left to its owner. Raises UsageError for an invalid var."""
    minutes = settings.variable("claim_lease_minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes < _LONGEST_LEASE:
        raise UsageError(
            f"The var claim_lease_minutes is {minutes!r}.", "Use a number of minutes above 0 in dbt_project.yml."
        )
    return timedelta(minutes=minutes)


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
