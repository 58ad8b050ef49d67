"""A message as the step summary of GitHub Actions: Markdown with all findings of this run."""

import html
import re

from trueup.reporting.alerts.message import GROUPS, Item, Message, headline, runbook_link, subline

# Characters with a meaning in Markdown or HTML; as entities they are plain text.
_MARKUP = {ord(one): f"&#{ord(one)};" for one in "&<>|`*_[]\\~#!$@"}
# An empty element splits what GitHub recognises only after it has read entities: e-mail and other addresses, mentions,
# numbers of issues, emoji, and the marks that begin a list or a line.
_LIVE = re.compile(r"(?<=&#64;)|(?<=&#35;)|(?<=:)(?=[\w+/-])|(?<=www)(?=\.)|^(?=[\d+=-])")
# The step summary does not compare with other runs.
_TITLES = {"ongoing": "Findings"}
_COLUMNS = ("", "rule", "date", "subject", "what is wrong", "next", "runbook")


def step_summary(message: Message) -> str:
    """Markdown that ends with a newline; it starts with a blank line, because the file may have content."""
    lines = ["", f"## {escape(headline(message, 'findings to act on'))}", "", escape(subline(message)), ""]
    if message.could_not_check:
        lines += ["### Could not check", ""]
        lines += [f"- {escape(one)}" for one in message.could_not_check]
        lines += [*_more(message, "could_not_check", len(message.could_not_check)), ""]
    for name, title in GROUPS.items():
        items: tuple[Item, ...] = getattr(message, name)
        if items:
            lines += [f"### {_TITLES.get(name, title)}", "", _row(_COLUMNS), _row(["---"] * len(_COLUMNS))]
            lines += [_row(_cells(one, message)) for one in items]
            lines += ["", *_more(message, name, len(items)), ""]
    if message.report_url:
        lines += [f'<a href="{html.escape(message.report_url)}">The report</a>', ""]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text without Markdown or HTML structure, emoji, mentions, and addresses that would become links."""
    return _LIVE.sub("<b></b>", text.translate(_MARKUP))


def _cells(item: Item, message: Message) -> list[str]:
    what = f"{item.summary} ({item.note})" if item.summary and item.note else item.summary or item.note
    remedy = f"<code>{escape(item.remedy)}</code>" if item.remedy else ""
    return [
        item.severity,
        escape(item.rule),
        item.game_date,
        escape(item.subject),
        escape(what),
        remedy,
        _runbook(item, message),
    ]


def _runbook(item: Item, message: Message) -> str:
    name = escape(item.runbook)
    url = runbook_link(message, item)
    return f'<a href="{html.escape(url)}">{name}</a>' if url else name


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _more(message: Message, name: str, shown: int) -> list[str]:
    more = message.counts[name] - shown
    return [f"and {more} more" + ("" if message.report_url else ": `trueup report`")] if more else []
