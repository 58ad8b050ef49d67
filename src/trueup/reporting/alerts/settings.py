"""The channels of alerts and the place of their state, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

ALERT_STATE_VARIABLE = "TRUEUP_ALERT_STATE"
SLACK_VARIABLE = "TRUEUP_SLACK_WEBHOOK"
WEBHOOK_VARIABLE = "TRUEUP_WEBHOOK"
REPORT_URL_VARIABLE = "TRUEUP_REPORT_URL"
# GitHub Actions sets it.
STEP_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class AlertSettings:
    """The channels; "" for one that is not set. The two URLs are secrets: with the URL anyone can post.

    ``step_summary`` is a file. Messages link to ``report_url``. ``state`` is the SQLite file that records what was
    sent, or ``firestore``; "" means: in .trueup/alerts.db for an embedded target, else in Firestore.
    """

    slack: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    step_summary: str = ""
    report_url: str = ""
    state: str = ""


def alert_settings(environment: Mapping[str, str] = os.environ) -> AlertSettings:
    """Alert settings from the environment."""

    def value(name: str) -> str:
        return environment.get(name, "").strip()  # a pasted secret may end with a newline

    return AlertSettings(
        slack=value(SLACK_VARIABLE),
        webhook=value(WEBHOOK_VARIABLE),
        step_summary=value(STEP_SUMMARY_VARIABLE),
        report_url=value(REPORT_URL_VARIABLE),
        state=value(ALERT_STATE_VARIABLE),
    )
