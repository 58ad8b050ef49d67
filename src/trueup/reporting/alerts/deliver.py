"""Telling a report's news to every channel: the entry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from trueup.errors import CompletionsError
from trueup.reporting.alerts.change import untold
from trueup.reporting.alerts.channels import Channel, Delivery, channels_of, host_of, link_of
from trueup.reporting.alerts.message import MOST_IN_SUMMARY, make_message
from trueup.reporting.alerts.settings import REPORT_URL_VARIABLE, AlertSettings
from trueup.reporting.alerts.step_summary import step_summary
from trueup.reporting.alerts.telling import Courier, Telling, store_reason
from trueup.results.report import Report


def send_alerts(report: Report, settings: AlertSettings, courier: Courier) -> tuple[Delivery, ...]:
    """Tell a report to every channel of the settings: to the webhooks what is news, to the step summary everything.

    One Delivery for each channel that is set, in the order step_summary, slack, webhook; none where none is set. It
    never changes the report's verdict and raises nothing for receivers, networks, files or the store of what was
    told: these make a Delivery ``not_sent`` with a reason that is fit to be shown (no URL). A channel takes some 20 s
    at the most, and what its store takes.
    """
    link = link_of(settings)
    delivered = tuple(
        _write_summary(channel, report, link)
        if channel.name == "step_summary"
        else _with_store(channel, report, link, courier)
        for channel in channels_of(settings)
    )
    if settings.report_url and not link:
        unlinked = f"{REPORT_URL_VARIABLE} is no http or https address: the messages hold no link."
        delivered = tuple(replace(one, reason=f"{one.reason} {unlinked}".strip()) for one in delivered)
    return delivered


def _write_summary(channel: Channel, report: Report, link: str) -> Delivery:
    message = make_message(channel.name, report, untold(report), link, MOST_IN_SUMMARY)
    try:
        with Path(channel.address).open("a", encoding="utf-8") as file:
            file.write(step_summary(message))
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        return Delivery(channel.name, "not_sent", f"The file of {channel.variable} cannot be written: {what}.")
    return Delivery(channel.name, "sent")


def _with_store(channel: Channel, report: Report, link: str, courier: Courier) -> Delivery:
    host = host_of(channel.address)
    if host is None:
        return Delivery(
            channel.name, "not_sent", f"{channel.variable} is no http or https address. Correct it; nothing was sent."
        )
    try:
        store = courier.open_store()
    except CompletionsError as error:
        return Delivery(channel.name, "not_sent", store_reason(error))
    try:
        return Telling(channel, host, report, link, courier, store).tell()
    finally:
        store.close()
