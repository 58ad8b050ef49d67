"""The index of earlier reports. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from trueup.reporting.page.render import environment, policy, text

_WORDS = {"healthy": "healthy", "findings": "errors", "could_not_check": "could not check"}


class IndexRow(NamedTuple):
    """One report: its file, when its run began, its days in words, its target and its status."""

    name: str
    began_at: str
    days: str
    target: str
    status: str

    @property
    def word(self) -> str:
        """The status in words."""
        return _WORDS[self.status]


def render_index(rows: Sequence[IndexRow]) -> str:
    """The page. ``rows``: newest first."""
    style = text("page.css")
    return environment().get_template("index.html.j2").render(rows=rows, style=Markup(style), policy=policy(style, ""))
