"""Pages in Debian's chromium."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page


@dataclass
class Opened:
    """A page in the browser, with its requests and console messages."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def opened(context: BrowserContext, file: Path, after: str = "") -> Opened:
    page = context.new_page()
    heard = Opened(page)
    page.on("request", lambda request: heard.requests.append(request.url))
    page.on("console", lambda message: heard.complaints.append(message.text))
    page.on("pageerror", lambda error: heard.complaints.append(str(error)))
    page.goto(file.as_uri() + after)
    return heard
