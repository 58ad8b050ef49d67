"""The site: every page is in it, and a dead link or anchor is refused. `make docs` builds it."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.documented import pages
from helpers.support import PROJECT

# As GitHub sees them: the sources of the site, and what they link.
SOURCES = ("docs", "deploy", "tools/sqlcheck", "scenarios", ".github")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the pages, so that a fault can be planted."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("*.csv", "__pycache__"))
    for path in (*PROJECT.glob("*.md"), PROJECT / "dbt_project.yml"):
        shutil.copy(path, copy)
    return copy


def options() -> list[str]:
    """The options of `make docs`."""
    (line,) = re.findall(r"-m sphinx (.+) \. \S+$", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return re.sub(r"-d \S+", "", line).split()


def build(sources: Path) -> subprocess.CompletedProcess[str]:
    """Build the site. The second time only what has changed is read."""
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options(), "-d", "built/doctrees", ".", "built/site"],
        cwd=sources, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip


def test_the_site_has_every_page_and_no_dead_link(sources: Path) -> None:
    built = build(sources)
    assert (built.returncode, built.stderr) == (0, "")
    made = sources / "built" / "site"
    for page in pages():
        assert (made / page.relative_to(PROJECT).with_suffix(".html")).is_file(), page
    assert 'href="runbook.html"' in (made / "docs" / "index.html").read_text(encoding="utf-8")
    assert 'id="duplicate-rows"' in (made / "docs" / "runbook.html").read_text(encoding="utf-8")
    assert "url=docs/index.html" in (made / "index.html").read_text(encoding="utf-8")


def test_the_sidebar_has_the_titles_of_the_lists(sources: Path) -> None:
    assert build(sources).returncode == 0
    text = (PROJECT / "docs" / "index.md").read_text(encoding="utf-8")
    titles = re.findall(r"^- \[([^]]+)\]\([^):#]+\.md\)", text, re.MULTILINE)
    built = (sources / "built" / "site" / "docs" / "index.html").read_text(encoding="utf-8")
    sidebar = re.findall(r'<li class="toctree-l1[^"]*"><a class="reference internal" href="[^"]*">([^<]*)</a>', built)
    assert len(titles) > 20
    assert [html.unescape(one) for one in sidebar] == titles


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "fault", "said"),
    [
        ("docs/how-to/pulse.md", "[dead](nowhere.md)", "nowhere.md"),
        ("docs/how-to/pulse.md", "[dead](repair.md#nowhere)", "nowhere"),
        ("docs/how-to/pulse.md", "[dead](#nowhere)", "nowhere"),
        ("docs/reference/rules.md", "[dead](../runbook.md#duplicate-row)", "duplicate-row"),
        ("README.md", "[dead](docs/alerts.md)", "docs/alerts.md"),
        ("README.md", "[dead](docs/how-to/alerts.md#nowhere)", "nowhere"),
        ("docs/how-to/lonely.md", "# A page that no list names", "lonely"),
    ],
)
def test_a_dead_link_is_refused(sources: Path, page: str, fault: str, said: str) -> None:
    path = sources / page
    before = path.read_text(encoding="utf-8") if path.exists() else None
    try:
        path.write_text(f"{before or ''}\n{fault}\n", encoding="utf-8")
        built = build(sources)
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")
    assert built.returncode != 0
    assert said in built.stderr
