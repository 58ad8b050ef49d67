"""The channels of alerts and the place of their state, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trueup.settings import IN_FIRESTORE, is_embedded

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
    sent, or None for Firestore.
    """

    slack: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    step_summary: str = ""
    report_url: str = ""
    state: Path | None = None


def alert_settings(target: str, project_dir: Path, environment: Mapping[str, str] = os.environ) -> AlertSettings:
    """Alert settings from the environment. The state is in ``.trueup/alerts.db`` for embedded targets, else
    in Firestore; TRUEUP_ALERT_STATE gives another file, or ``firestore``.
    """

    def value(name: str) -> str:
        return environment.get(name, "").strip()  # a pasted secret may end with a newline

    state = value(ALERT_STATE_VARIABLE)
    in_firestore = state == IN_FIRESTORE or (not state and not is_embedded(target))
    return AlertSettings(
        slack=value(SLACK_VARIABLE),
        webhook=value(WEBHOOK_VARIABLE),
        step_summary=value(STEP_SUMMARY_VARIABLE),
        report_url=value(REPORT_URL_VARIABLE),
        state=None if in_firestore else Path(state or project_dir / ".trueup" / "alerts.db"),
    )
