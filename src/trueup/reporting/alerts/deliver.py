"""Sending a report to every channel: the entry point."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from trueup.errors import CompletionsError
from trueup.reporting.alerts.change import whole_report
from trueup.reporting.alerts.channels import Channel, Delivery, channels_of, host_of, link_of
from trueup.reporting.alerts.message import MOST_IN_SUMMARY, make_message
from trueup.reporting.alerts.sender import ChannelSender, Courier, store_reason
from trueup.reporting.alerts.settings import REPORT_URL_VARIABLE, AlertSettings
from trueup.reporting.alerts.step_summary import step_summary
from trueup.results.report import Report


def send_alerts(report: Report, settings: AlertSettings, courier: Courier) -> tuple[Delivery, ...]:
    """Send a report to every channel of the settings: changes to the webhooks, the whole report to the step summary.

    Returns one Delivery per channel that is set, in the order step_summary, slack, webhook. Errors of receivers,
    networks, files or the state's store are not raised: their Delivery is ``not_sent``, with a reason without the URL.
    A channel takes at most about 20 s, plus the time of its store.
    """
    link = link_of(settings)
    delivered = tuple(
        _write_summary(channel, report, link)
        if channel.name == "step_summary"
        else _with_store(channel, report, link, courier)
        for channel in channels_of(settings)
    )
    if settings.report_url and not link:
        unlinked = f"{REPORT_URL_VARIABLE} is not a valid http or https URL, so the messages have no link."
        delivered = tuple(replace(one, reason=f"{one.reason} {unlinked}".strip()) for one in delivered)
    return delivered


def _write_summary(channel: Channel, report: Report, link: str) -> Delivery:
    message = make_message(channel.name, report, whole_report(report), link, MOST_IN_SUMMARY)
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
            channel.name, "not_sent", f"{channel.variable} is not a valid http or https URL, so nothing was sent."
        )
    try:
        store = courier.open_store()
    except CompletionsError as error:
        return Delivery(channel.name, "not_sent", store_reason(error))
    try:
        return ChannelSender(channel, host, report, link, courier, store).send()
    finally:
        store.close()
