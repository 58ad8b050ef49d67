"""The channels of alerts from the environment, the validation of their addresses, and the result of a delivery."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from trueup.reporting.alerts.message import Links, Message, to_plain
from trueup.reporting.alerts.slack import slack_payload

ALERT_STATE_VARIABLE = "TRUEUP_ALERT_STATE"
SLACK_VARIABLE = "TRUEUP_SLACK_WEBHOOK"
WEBHOOK_VARIABLE = "TRUEUP_WEBHOOK"
REPORT_URL_VARIABLE = "TRUEUP_REPORT_URL"
# The address of docs/runbook.md as your team reads it: on the site, or on GitHub.
RUNBOOK_URL_VARIABLE = "TRUEUP_RUNBOOK_URL"
# GitHub Actions sets it.
STEP_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
ChannelName = Literal["slack", "webhook", "step_summary"]
DeliveryResult = Literal["sent", "nothing_new", "not_sent", "left_to_another_run"]
# Longer URLs are probably mistakes, and would not fit into Slack's blocks.
_LONGEST_LINK = 500


@dataclass(frozen=True)
class Channel:
    """A channel. ``address``: a URL, which is a secret, or a file; ``variable``: the environment variable with it."""

    name: ChannelName
    variable: str
    address: str = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """The result of one channel. ``reason``: one or two sentences without secrets; "" if there is nothing to add."""

    channel: str
    result: DeliveryResult
    reason: str = ""

    @property
    def is_unsent(self) -> bool:
        """Whether something should have been sent and was not."""
        return self.result == "not_sent"


@dataclass(frozen=True)
class AlertSettings:
    """The channels; "" for one that is not set. The two URLs are secrets: with the URL anyone can post.

    ``step_summary`` is a file. Messages link to ``report_url`` and ``runbook_url``. ``state`` is the SQLite file that
    records what was sent, or ``firestore``; "" means: in .trueup/alerts.db for an embedded target, else in Firestore.
    """

    slack: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    step_summary: str = ""
    report_url: str = ""
    runbook_url: str = ""
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
        runbook_url=value(RUNBOOK_URL_VARIABLE),
        state=value(ALERT_STATE_VARIABLE),
    )


def channels_of(settings: AlertSettings) -> tuple[Channel, ...]:
    """The channels that are set, the step summary first: it needs no network."""
    named: tuple[tuple[ChannelName, str, str], ...] = (
        ("step_summary", STEP_SUMMARY_VARIABLE, settings.step_summary),
        ("slack", SLACK_VARIABLE, settings.slack),
        ("webhook", WEBHOOK_VARIABLE, settings.webhook),
    )
    return tuple(Channel(name, variable, address) for name, variable, address in named if address)


def payload_of(channel: str, message: Message) -> dict[str, Any]:
    """The JSON that is posted to a channel."""
    return slack_payload(message) if channel == "slack" else to_plain(message)


def host_of(url: str) -> str | None:
    """The host of a URL, the only part that may be shown; None if it is not a valid http or https URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    is_clean = url.isprintable() and not any(one.isspace() for one in url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_clean or port == 0:
        return None
    return parts.hostname


def links_of(settings: AlertSettings) -> Links:
    """The addresses for the messages; "" for one that is not set or not valid."""
    return Links(_valid(settings.report_url), _valid(settings.runbook_url))


def invalid_links(settings: AlertSettings) -> tuple[str, ...]:
    """The variables whose address is not valid."""
    urls = {REPORT_URL_VARIABLE: settings.report_url, RUNBOOK_URL_VARIABLE: settings.runbook_url}
    return tuple(name for name, url in urls.items() if url and not _valid(url))


def _valid(url: str) -> str:
    return url if url and len(url) <= _LONGEST_LINK and host_of(url) else ""
