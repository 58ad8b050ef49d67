"""The model of a message, the source of Slack's blocks, the webhook's JSON and the step summary."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from trueup.parsing import parse
from trueup.reporting.alerts.change import Change, Gone, Noted, is_alerted, unchecked_texts
from trueup.results.finding import Finding
from trueup.results.report import Kind, Report, Status
from trueup.results.runbook import runbook_section
from trueup.window import EASTERN

VERSION = 1
# Per list: the message is stored in the state document, beside the rows.
MOST_LISTED = 40
# Per list: GitHub allows 1 MiB.
MOST_IN_SUMMARY = 200
_SUMMARY_LENGTH = 300
_SHORT_LENGTH = 160


@dataclass(frozen=True)
class Item:
    """One finding in a message; every text is one line. ``note``: an addition, or "". ``runbook``: the section of the
    runbook; messages of earlier versions have none.
    """

    fingerprint: str
    rule: str
    severity: str
    game_date: str
    subject: str
    summary: str
    remedy: str
    note: str
    runbook: str = ""


@dataclass(frozen=True)
class Links:
    """The addresses of the report and of the runbook; "" for one that is not set."""

    report: str = ""
    runbook: str = ""


@dataclass(frozen=True)
class Message:
    """The content of an alert. ``as_of`` and the dates are ISO 8601. ``counts``: the full length of each list, which
    may be cut; ``info`` (information and waived findings); ``unwatched`` (findings that the state has no room for); and
    the rules' outcomes ``passed``, ``failed`` and ``not_run``.
    """

    message_id: str
    status: Status
    target: str
    kind: Kind
    as_of: str
    first_date: str
    last_date: str
    is_daily: bool
    new: tuple[Item, ...]
    worse: tuple[Item, ...]
    resolved: tuple[Item, ...]
    ongoing: tuple[Item, ...]
    not_looked_at: tuple[Item, ...]
    could_not_check: tuple[str, ...]
    counts: Mapping[str, int]
    report_url: str
    runbook_url: str = ""


NO_LINKS = Links()

# The lists of findings with their titles, most important first.
GROUPS = {
    "new": "New",
    "worse": "Worse",
    "resolved": "Resolved",
    "not_looked_at": "Could not check again",
    "ongoing": "Still open",
}

_STATUSES = {"healthy": "healthy", "findings": "errors", "could_not_check": "could not check"}
# A pulse judges some rules of two days: without errors they are not yet healthy.
_PULSE_STATUSES = {**_STATUSES, "healthy": "no errors now"}
_COUNTS = (*GROUPS, "could_not_check", "info", "unwatched", "passed", "failed", "not_run")


def runbook_link(message: Message, item: Item) -> str:
    """The address of an item's section of the runbook; "" if the runbook has none."""
    return f"{message.runbook_url}#{item.runbook}" if message.runbook_url and item.runbook else ""


def make_message(
    channel: str, report: Report, change: Change, links: Links = NO_LINKS, most: int = MOST_LISTED
) -> Message:
    """The message of a change, with at most ``most`` findings per list.

    Its id depends on the channel, the target, the number of earlier messages and the changes, so that a retry has the
    same id.
    """
    window, unchecked = report.window, unchecked_texts(report)
    lists: dict[str, Sequence[Noted | Gone]] = {name: getattr(change, name) for name in GROUPS}
    counts = {name: len(ones) for name, ones in lists.items()}
    counts["could_not_check"] = len(unchecked)
    counts["info"] = sum(not is_alerted(one) for one in report.findings)
    counts["unwatched"] = change.unwatched_count
    for outcome in ("passed", "failed", "not_run"):
        counts[outcome] = sum(one.outcome == outcome for one in report.outcomes)
    return Message(
        message_id=message_id(channel, report.target, change),
        status=report.status,
        target=report.target,
        kind=report.kind,
        as_of=window.as_of.isoformat(),
        first_date=window.first_date.isoformat(),
        last_date=window.last_date.isoformat(),
        is_daily=change.is_daily,
        **{name: tuple(map(_item, ones[:most])) for name, ones in lists.items()},
        could_not_check=tuple(_line(one, _SUMMARY_LENGTH) for one in unchecked[:most]),
        counts=counts,
        report_url=links.report,
        runbook_url=links.runbook,
    )


def message_id(channel: str, target: str, change: Change) -> str:
    """The idempotency key: sha256, hexadecimal."""
    identity = [channel, target, change.after.sequence, *change.changed]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def headline(message: Message, ongoing: str = "still open") -> str:
    """One line with the target, the status and the counts above 0. ``ongoing``: the word for ongoing findings."""
    is_pulse, counts = message.kind == "pulse", message.counts
    status = (_PULSE_STATUSES if is_pulse else _STATUSES)[message.status]
    if message.status == "healthy" and any(counts[name] for name in ("new", "worse", "ongoing")):
        status = "warnings, no errors"
    words = {"new": "new", "worse": "worse", "resolved": "resolved", "ongoing": ongoing}
    parts = [f"{counts[name]} {word}" for name, word in words.items() if counts[name]]
    return f"trueup {'pulse ' if is_pulse else ''}{_line(message.target, 40)}: {', '.join([status, *parts])}"


def subline(message: Message) -> str:
    """The checked days and the number of outcomes, including not run."""
    is_one_day = message.first_date == message.last_date
    days = message.first_date if is_one_day else f"{message.first_date} to {message.last_date}"
    as_of = datetime.fromisoformat(message.as_of).astimezone(EASTERN)
    counts = message.counts
    outcomes = f"{counts['passed']} passed, {counts['failed']} failed, {counts['not_run']} not run"
    more = f"; {counts['info']} information or waived" if counts["info"] else ""
    if counts["unwatched"]:
        more += f"; {counts['unwatched']} more findings not tracked"
    return f"{days}, as of {as_of:%Y-%m-%d %H:%M} Eastern. Rules by day: {outcomes}{more}."


def to_plain(message: Message) -> dict[str, Any]:
    """A message as JSON types, for the generic webhook and the state; ``from_plain`` reads it back."""
    return {"version": VERSION, **json.loads(json.dumps(asdict(message)))}


def from_plain(data: Mapping[str, Any]) -> Message:
    """The message that ``to_plain`` wrote. Raises ValueError if it is invalid."""
    if data.get("version") != VERSION:
        raise ValueError(f"the pending message has version {str(data.get('version'))[:40]!r}")
    message = parse(Message, json.dumps({"kind": "check", **data}))  # earlier versions had no pulse
    if missing := set(_COUNTS) - message.counts.keys():
        raise ValueError(f"the pending message has no count {min(missing)}")
    headline(message)
    subline(message)
    return message


def _item(one: Noted | Gone) -> Item:
    """A finding, or the row of a resolved finding, which has no summary and no remedy."""
    source = one.row if isinstance(one, Gone) else one.finding
    return Item(
        fingerprint=one.fingerprint if isinstance(one, Gone) else one.finding.fingerprint,
        rule=source.rule,
        severity=source.severity,
        game_date=source.game_date.isoformat(),
        subject=_line(source.subject, _SHORT_LENGTH),
        summary="" if isinstance(one, Gone) else _line(one.finding.summary, _SUMMARY_LENGTH),
        remedy="" if isinstance(one, Gone) else _remedy(one.finding),
        note=_line(one.note, _SHORT_LENGTH),
        runbook=runbook_section(source.rule),
    )


def _remedy(finding: Finding) -> str:
    """The remedy. A command is there as a whole or not at all: a shell would wait for the end of a cut one."""
    remedy = _line(finding.remedy, len(finding.remedy))
    if len(remedy) <= _SHORT_LENGTH or not finding.command:
        return _line(remedy, _SHORT_LENGTH)
    lead = finding.remedy.removesuffix(finding.command).strip().rstrip(":")
    return _line(f"{lead} (the command is in the report)".strip(), _SHORT_LENGTH)


def _line(text: str, length: int) -> str:
    """A text as one line without control characters, cut to ``length``."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
