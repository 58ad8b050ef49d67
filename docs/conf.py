"""The site: the README and docs/ as pages. ``make docs`` builds it and refuses dead links and anchors.

The sources are the files that GitHub shows, from the top of the repository, so that a relative link is right in both
places. The order of the pages and their titles in the sidebar are those of the lists in docs/index.md: no page has a
table of contents of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

project = "trueup"
copyright = "the trueup maintainers"
extensions = ["myst_parser"]
root_doc = "docs/index"
source_suffix = {".md": "markdown"}
include_patterns = ["*.md", "docs/**.md", "deploy/README.md", "tools/sqlcheck/README.md"]
# Folders that need not be searched for pages.
exclude_patterns = [".*", "*.egg-info", "target", "logs", "models", "tests", "scenarios", "src"]
myst_heading_anchors = 4
# Examples have placeholders and …, which no lexer knows: they are shown all the same.
highlight_language = "text"
suppress_warnings = ["misc.highlighting_failure"]
html_theme = "furo"
html_title = "trueup"
html_show_sourcelink = False
html_show_copyright = False
# The address of the site itself leads to its first page.
html_additional_pages = {"index": "redirect.html"}
templates_path = ["templates"]

# Pages whose lists of links are the order of the site.
_LISTS = ("docs/index", "docs/explanation/decisions/README")


def with_contents(text: str) -> str:
    """The text of a page with a hidden table of contents for each heading over a list of links to pages."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    captions = ["", *parts[1::2]]
    contents = []
    for caption, part in zip(captions, parts[0::2], strict=True):
        found = re.findall(r"^[-*] \[([^]]+)\]\(([^):#]+)\.md\)", part, flags=re.MULTILINE)
        links = [f"{title} <{page}>" for title, page in found]
        if links:
            head = [f":caption: {caption}"] if caption else []
            contents += ["```{toctree}", ":hidden:", *head, "", *links, "```", ""]
    return "\n".join([text, *contents])


def _add_contents(_: Sphinx, name: str, source: list[str]) -> None:
    if name in _LISTS:
        source[0] = with_contents(source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    assert Path(app.srcdir, "dbt_project.yml").is_file(), "the sources of the site are the whole repository"
    app.connect("source-read", _add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
