"""The index of earlier reports. Pure."""

from collections.abc import Sequence

from markupsafe import Markup

from trueup.reporting.page.render import environment, policy, text

_WORDS = {"healthy": "healthy", "findings": "errors", "could_not_check": "could not check"}


def render_index(reports: Sequence[tuple[str, str, str, str]]) -> str:
    """``reports``: file name, when its run began, target, and status, newest first."""
    style = text("page.css")
    rows = [(name, began_at, target, status, _WORDS[status]) for name, began_at, target, status in reports]
    return environment().get_template("index.html.j2").render(rows=rows, style=Markup(style), policy=policy(style, ""))
