"""The vars of dbt_project.yml that Python reads, checked."""

from __future__ import annotations

from datetime import time
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trueup.completion.rule import CompletionRule, RuleName
from trueup.errors import UsageError
from trueup.judge.case import FAMILIES, JudgeSettings
from trueup.settings import Settings


def judge_settings(settings: Settings) -> JudgeSettings:
    """How the documents are judged. Raises UsageError for a completion rule that there is not."""
    rule = settings.variable("completion_rule")
    if rule not in get_args(RuleName):
        raise UsageError(
            f"The var completion_rule is {rule!r}.",
            f"Use one of {', '.join(get_args(RuleName))} in dbt_project.yml.",
        )
    try:
        due = time.fromisoformat(str(settings.variable("reports_due_time")))
        zone = ZoneInfo(str(settings.variable("platform_time_zone")))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise UsageError(
            f"The vars reports_due_time and platform_time_zone cannot be read: {error}.",
            "Write them as in 08:00 and America/New_York in dbt_project.yml.",
        ) from error
    return JudgeSettings(as_of=settings.window.as_of, completion_rule=CompletionRule(rule), reports_due=due, zone=zone)


def families_off(settings: Settings) -> frozenset[str]:
    """The families of rules that this deployment does without. Raises UsageError for what is no such family."""
    off = frozenset(settings.variable("families_off") or ())
    known = FAMILIES | {"expectations"}
    if unknown := sorted(map(str, off - known)):
        raise UsageError(
            f"The var families_off names {', '.join(unknown)}.",
            f"It may name {', '.join(sorted(known))}: correct it in dbt_project.yml.",
        )
    return off
