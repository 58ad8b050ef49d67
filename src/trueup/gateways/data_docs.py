"""Makes Data Docs safe: Great Expectations writes values as markup, and its pages load scripts from the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from trueup.plain import plain_text

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 }
td, th { border: 1px solid #8888; padding: .2rem .5rem; text-align: left; vertical-align: top }
nav, footer, .ge-section > button, .navbar, .modal { display: none }
"""
_HEAD = (
    f'<meta charset="UTF-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
)
_ACTIVE = re.compile(
    r"<script\b.*?</script\s*>|<(?:link|img)\b[^>]*>|\son[a-z]+\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.DOTALL | re.IGNORECASE
)


def escaped(value: Any) -> Any:
    """A part of a result with its texts escaped, because the pages do not escape them."""
    if isinstance(value, str):
        return escape(plain_text(value))
    if isinstance(value, Mapping):
        return {key: escaped(one) for key, one in value.items()}
    return [escaped(one) for one in value] if isinstance(value, list | tuple | set) else value


def secure(folder: Path, pages: Mapping[str, str]) -> None:
    """Remove scripts and requests from the pages in a folder and forbid them. ``pages``: the page of each suite,
    relative to the folder; the index lists them, because that of Great Expectations needs scripts.
    """
    for path in folder.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        path.write_text(_ACTIVE.sub("", page).replace("<head>", f"<head>{_HEAD}", 1), encoding="utf-8")
    items = "\n".join(f'<li><a href="{quote(page)}">{escape(name)}</a>' for name, page in sorted(pages.items()))
    index = f'<!DOCTYPE html><html lang="en"><head>{_HEAD}<title>Data Docs</title></head><body><h1>Data Docs</h1>\n'
    (folder / "index.html").write_text(f"{index}<ul>\n{items}\n</ul></body></html>\n", encoding="utf-8")
