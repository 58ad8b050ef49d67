"""A message as Slack's Block Kit, within its limits."""

from collections.abc import Iterator, Mapping
from typing import Any

from trueup.reporting.alerts.message import GROUPS, Item, Message, headline, runbook_link, subline

_HEADER_LENGTH = 150
# A section holds 3,000 characters after escaping; an escape has up to 5. So each part has its share.
_SUMMARY_SHARE = 1200
_REMEDY_SHARE = 800
_SHORT_SHARE = 400
_REASON_SHARE = 900
_MOST_NAMED = 10
_MOST_REASONS = 3
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack_payload(message: Message) -> dict[str, Any]:
    """The JSON for an incoming webhook: ``text`` for notifications, ``blocks`` for reading.

    At most ten findings are named, new ones first; the others are counted and linked. This makes at most about 35
    blocks; Slack allows 50. Sentences are plain text, which has no markup; names and commands are code.
    """
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(_cut(headline(message), _HEADER_LENGTH))},
        _context(_plain(subline(message))),
    ]
    if message.could_not_check:
        blocks += [_section("*Could not check*"), *_reasons(message)]
    room = _MOST_NAMED
    for name, title in GROUPS.items():
        items: tuple[Item, ...] = getattr(message, name)
        if not items:
            continue
        blocks.append(_section(f"*{title}*"))
        for one in items[:room]:
            blocks += _item_blocks(one, message)
        more = message.counts[name] - min(room, len(items))
        if more:
            blocks.append(_context(_markup(f"and {more} more: {_link(message)}")))
        room = max(0, room - len(items))
    blocks.append(_context(_markup(f"{_link(message)} · message {escape(message.message_id[:12])}")))
    # Slack interprets markup in the fallback text too.
    return {"text": escape(_cut(headline(message), _HEADER_LENGTH)), "blocks": blocks}


def escape(text: str, share: int = _SUMMARY_SHARE) -> str:
    """Text without Slack markup (links, mentions), cut to ``share`` characters but never within an escape."""
    escaped = [_ESCAPES.get(one, one) for one in text]
    if sum(map(len, escaped)) <= share:
        return "".join(escaped)
    kept, length = [], 1
    for one in escaped:
        length += len(one)
        if length > share:
            break
        kept.append(one)
    return "".join([*kept, "…"])


def _item_blocks(item: Item, message: Message) -> Iterator[dict[str, Any]]:
    rule = f"*{escape(item.rule, _SHORT_SHARE)}* {item.severity}"
    lines = [f"{rule} · {item.game_date} · {_code(item.subject, _SHORT_SHARE)}"]
    if item.remedy:
        lines.append(f"Next: {_code(item.remedy, _REMEDY_SHARE)}")
    if item.runbook:
        url, name = runbook_link(message, item), f"Runbook: {escape(item.runbook, _SHORT_SHARE)}"
        lines.append(_linked(url, name) if url else name)
    yield _section("\n".join(lines))
    note = f"({_cut(item.note, _SHORT_SHARE)})" if item.note else ""
    if text := " ".join(filter(None, (_cut(item.summary, _SUMMARY_SHARE), note))):
        yield _context(_plain(text))


def _reasons(message: Message) -> Iterator[dict[str, Any]]:
    shown = message.could_not_check[:_MOST_REASONS]
    lines = [f"• {_cut(one, _REASON_SHARE)}" for one in shown]
    if more := message.counts["could_not_check"] - len(shown):
        lines.append(f"and {more} more")
    yield _context(_plain("\n".join(lines)))


def _link(message: Message) -> str:
    if not message.report_url:
        return "see the report: `trueup report`"
    return _linked(message.report_url, "the report")


def _linked(url: str, name: str) -> str:
    # These characters would end the link, or start another one.
    encoded = url.translate({ord(one): f"%{ord(one):02X}" for one in "<>| "})
    return f"<{encoded.replace('&', '&amp;')}|{name}>"


def _code(text: str, share: int) -> str:
    return f"`{escape(text.replace('`', chr(39)), share)}`"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _markup(text)}


def _context(text: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "context", "elements": [text]}


def _markup(text: str) -> dict[str, Any]:
    # "verbatim" stops Slack from adding links and mentions.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> dict[str, Any]:
    """A text of others, in which ``*``, ``_`` and ``:x:`` are no markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
