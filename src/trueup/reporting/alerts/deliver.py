"""Sending a report to every channel, or showing what would be sent: the entry points."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from trueup.completion.store import CompletionStore
from trueup.errors import TrueupError
from trueup.reporting.alerts.change import find_change, outdated, whole_report
from trueup.reporting.alerts.channels import (
    AlertSettings,
    Channel,
    Delivery,
    channels_of,
    host_of,
    invalid_links,
    links_of,
    payload_of,
)
from trueup.reporting.alerts.message import MOST_IN_SUMMARY, Links, make_message
from trueup.reporting.alerts.sender import ChannelSender, Courier, store_reason
from trueup.reporting.alerts.state import ALERTS, Sent, UnreadableStateError, document_id, read_state
from trueup.reporting.alerts.step_summary import step_summary
from trueup.results.report import Report


@dataclass(frozen=True)
class Preview:
    """What a channel would get: ``body`` is JSON or Markdown, "" if nothing; ``reason``: why not, or a remark."""

    channel: str
    body: str
    reason: str = ""


def send_alerts(report: Report, settings: AlertSettings, courier: Courier) -> tuple[Delivery, ...]:
    """Send a report to every channel of the settings: changes to the webhooks, the whole report to the step summary.

    Returns one Delivery per channel that is set, in the order step_summary, slack, webhook. Errors of receivers,
    networks, files or the state's store are not raised: their Delivery is ``not_sent``, with a reason without the URL.
    A channel takes at most about 20 s, plus the time of its store.
    """
    links = links_of(settings)
    delivered = tuple(
        _write_summary(channel, report, links)
        if channel.name == "step_summary"
        else _with_store(channel, report, links, courier)
        for channel in channels_of(settings)
    )
    for name in invalid_links(settings):
        unlinked = f"{name} is not a valid http or https URL, so the messages do not link it."
        delivered = tuple(replace(one, reason=f"{one.reason} {unlinked}".strip()) for one in delivered)
    return delivered


def _summary(report: Report, links: Links) -> str:
    return step_summary(make_message("step_summary", report, whole_report(report), links, MOST_IN_SUMMARY))


def _write_summary(channel: Channel, report: Report, links: Links) -> Delivery:
    summary = _summary(report, links)
    path = Path(channel.address)
    if path.is_fifo() or path.is_socket():  # it would wait for a reader
        return Delivery(channel.name, "not_sent", f"{channel.variable} is not a file.")
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(summary)
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        return Delivery(channel.name, "not_sent", f"The file of {channel.variable} cannot be written: {what}.")
    return Delivery(channel.name, "sent")


def _with_store(channel: Channel, report: Report, links: Links, courier: Courier) -> Delivery:
    host = host_of(channel.address)
    if host is None:
        return Delivery(
            channel.name, "not_sent", f"{channel.variable} is not a valid http or https URL, so nothing was sent."
        )
    try:
        store = courier.open_store()
    except TrueupError as error:  # also of the target, which says where the store is
        return Delivery(channel.name, "not_sent", store_reason(error))
    with closing(store):
        return ChannelSender(channel, host, report, links, courier, store).send()


def preview(report: Report, settings: AlertSettings, open_store: Callable[[], CompletionStore]) -> tuple[Preview, ...]:
    """What ``send_alerts`` would send now, for each channel that is set. States are only read, and the store is opened
    only for channels with a state. A store that cannot be read is a reason, not an exception.
    """
    links = links_of(settings)
    shown = []
    for channel in channels_of(settings):
        if channel.name == "step_summary":
            shown.append(Preview(channel.name, _summary(report, links)))
        elif host_of(channel.address) is None:
            shown.append(Preview(channel.name, "", f"{channel.variable} is not a valid http or https URL."))
        else:
            shown.append(_of_webhook(channel.name, report, links, open_store))
    return tuple(shown)


def _of_webhook(channel: str, report: Report, links: Links, open_store: Callable[[], CompletionStore]) -> Preview:
    document = document_id(channel, report.target)
    sent, reason = Sent(), ""
    try:
        with closing(open_store()) as store:
            snapshot = store.read([document]).get(document)
        if snapshot is not None:
            state = read_state(snapshot.fields, channel, report.target)
            sent = state.sent
            if state.pending is not None:
                sent, reason = state.pending.after, "The pending message of another run is sent first."
    except (TrueupError, UnreadableStateError) as error:
        return Preview(channel, "", f"The state {ALERTS}/{document} cannot be read: {error}. Nothing would be sent.")
    if snapshot is not None and (older := outdated(sent, report, snapshot.read_time)):
        return Preview(channel, "", older)
    change = find_change(sent, report)
    if not change.is_news:
        return Preview(channel, "", f"{reason} Nothing is new, worse or resolved.".strip())
    body = json.dumps(payload_of(channel, make_message(channel, report, change, links)), indent=2, ensure_ascii=False)
    return Preview(channel, body, reason)
