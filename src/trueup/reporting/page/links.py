"""What the page may link to. Pure."""

import re

# Absolute URLs and paths.
_ABSOLUTE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:|//|/|\\)", re.IGNORECASE)
_CONSOLE = re.compile(r"https://console\.cloud\.google\.com/bigquery\?project=[\w.%:-]+")


def beside(page: str) -> str:
    """The path if it is relative to the report's folder, else "": the page links only to files beside it."""
    return "" if _ABSOLUTE.match(page) else page


def console(url: str) -> str:
    """The URL if it is a page of BigQuery's console, else "": a report that was read back may hold any text."""
    return url if _CONSOLE.fullmatch(url) else ""
