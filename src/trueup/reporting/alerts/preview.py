"""What would be sent, without sending or writing anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from trueup.completion.store import CompletionStore
from trueup.errors import CompletionsError
from trueup.reporting.alerts.change import find_change, whole_report
from trueup.reporting.alerts.channels import channels_of, host_of, link_of, payload_of
from trueup.reporting.alerts.message import MOST_IN_SUMMARY, make_message
from trueup.reporting.alerts.settings import AlertSettings
from trueup.reporting.alerts.state import ALERTS, Sent, UnreadableStateError, document_id, read_state
from trueup.reporting.alerts.step_summary import step_summary
from trueup.results.report import Report


@dataclass(frozen=True)
class Preview:
    """What would be sent to one channel: ``body`` is JSON, or Markdown for the step summary; "" if nothing would be
    sent. ``reason``: why not, or a remark.
    """

    channel: str
    body: str
    reason: str = ""


def preview(report: Report, settings: AlertSettings, open_store: Callable[[], CompletionStore]) -> tuple[Preview, ...]:
    """What ``send_alerts`` would send now, for each channel that is set. States are only read, and the store is opened
    only for channels with a state. A store that cannot be read is a reason, not an exception.
    """
    link = link_of(settings)
    shown = []
    for channel in channels_of(settings):
        if channel.name == "step_summary":
            message = make_message(channel.name, report, whole_report(report), link, MOST_IN_SUMMARY)
            shown.append(Preview(channel.name, step_summary(message)))
        elif host_of(channel.address) is None:
            shown.append(Preview(channel.name, "", f"{channel.variable} is not a valid http or https URL."))
        else:
            shown.append(_of_webhook(channel.name, report, link, open_store))
    return tuple(shown)


def _of_webhook(channel: str, report: Report, link: str, open_store: Callable[[], CompletionStore]) -> Preview:
    document = document_id(channel, report.target)
    sent, reason = Sent(), ""
    try:
        store = open_store()
        try:
            snapshot = store.read([document]).get(document)
        finally:
            store.close()
        if snapshot is not None:
            state = read_state(snapshot.fields, channel, report.target)
            sent = state.sent
            if state.pending is not None:
                sent, reason = state.pending.after, "Follows the pending message of another run."
    except (CompletionsError, UnreadableStateError) as error:
        return Preview(channel, "", f"The state {ALERTS}/{document} cannot be read: {error}. Nothing would be sent.")
    if sent.as_of is not None and snapshot is not None and report.window.as_of < sent.as_of <= snapshot.read_time:
        return Preview(channel, "", f"A later report was already sent ({sent.as_of.isoformat()}).")
    change = find_change(sent, report)
    if not change.is_news:
        return Preview(channel, "", f"{reason} Nothing is new, worse or resolved.".strip())
    body = json.dumps(payload_of(channel, make_message(channel, report, change, link)), indent=2, ensure_ascii=False)
    return Preview(channel, body, reason)
