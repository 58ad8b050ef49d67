"""The report of the demo in Debian's chromium: user actions, and an accessibility audit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helpers.browsing import opened
from helpers.documented import blocks_of
from helpers.report_cases import RULES, WINDOW, large
from helpers.support import PROJECT, missing
from trueup.reporting.artifacts import read_report
from trueup.reporting.page.render import render
from trueup.results.report import Report

pytestmark = pytest.mark.slow

AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
CHECKED = ("report.json", "junit.xml", "report.html")
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def demo_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the demo, in a project that also has a check's report."""
    copy = tmp_path_factory.mktemp("project")
    (copy / ".trueup").mkdir()
    for name in CHECKED:
        (copy / ".trueup" / name).write_text(f"a check's {name}")
    for path in PROJECT.iterdir():
        if not path.name.startswith(".") and path.name not in ("target", "logs"):
            (copy / path.name).symlink_to(path)
    command = [sys.executable, "-m", "trueup.cli.main", "demo", "--project-dir", str(copy)]
    said = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=300)
    assert said.returncode == 0, said.stdout + said.stderr
    last = said.stdout.strip().splitlines()[-1]
    assert last == "The report: .trueup/demo/report.html"
    pages = [PROJECT / name for name in ("README.md", "docs/how-to/pulse.md")]
    quoted = [one.text for page in pages for one in blocks_of(page) if one.language == "text"]
    printed = " ".join(said.stdout.split())
    lines = [" ".join(line.split()) for one in quoted for line in one.splitlines() if line != "…"]
    assert len(quoted) == 3
    assert [line for line in lines if line not in printed] == [], f"{pages} quote another output"
    return copy / ".trueup" / "demo" / "report.html"


def test_the_demo_finds_the_incident_without_problems(demo_page: Path) -> None:
    report = read_report(demo_page.parent)
    assert (report.status, report.problems) == ("findings", ())
    # A failing test once kept dbt build from building rule_outcomes, and the report had none.
    assert {one.outcome for one in report.outcomes} == {"passed", "failed", "not_run"}


def test_the_demo_does_not_change_the_report_of_a_check(demo_page: Path) -> None:
    assert {path.name for path in demo_page.parent.iterdir()} == {*CHECKED, "data_docs"}
    state = demo_page.parents[1]
    assert [(state / name).read_text() for name in CHECKED] == [f"a check's {name}" for name in CHECKED]
    assert not (state / "data_docs").exists()


@pytest.fixture
def wide(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    yield context
    context.close()


def shown(page: Page) -> int:
    """The number of findings that are not filtered out."""
    return page.locator("article.f").evaluate_all("all => all.filter(one => !one.closest('[hidden]')).length")  # type: ignore[no-any-return]


def test_the_page_loads_nothing_and_logs_nothing(wide: BrowserContext, demo_page: Path) -> None:
    heard = opened(wide, demo_page)
    heard.page.wait_for_load_state("networkidle")
    assert heard.requests == [demo_page.as_uri()]
    assert heard.complaints == []
    assert "6 errors in 3 stories" in heard.page.locator("h1").inner_text()


def test_the_night_is_three_stories_in_one_chain(wide: BrowserContext, demo_page: Path) -> None:
    page = opened(wide, demo_page).page
    chains = page.locator("ol.chain")
    assert chains.count() == 1
    titles = page.locator("ol.chain li.story h4").all_inner_texts()
    assert len(titles) == 3
    for title, says in zip(titles, ("scrapers", "excess rows", "processors"), strict=True):
        assert says in title
    assert page.locator("li.story .because").count() == 2


def test_findings_are_filtered_by_rule_and_the_address_keeps_it(wide: BrowserContext, demo_page: Path) -> None:
    page = opened(wide, demo_page).page
    # Nine findings on eight cards: two scrapers were late for one cause.
    assert shown(page) == page.locator("article.f").count() == 8
    assert page.locator("#shown").inner_text() == "9 of 9 findings shown"
    page.locator("select[name=rule]").select_option("DUP001")
    assert shown(page) == 1
    assert page.locator("#shown").inner_text() == "1 of 9 findings shown"
    assert page.url.endswith("#rule=DUP001")
    again = opened(wide, demo_page, "#rule=LATE001").page
    assert shown(again) == 1
    assert again.locator("#shown").inner_text() == "2 of 9 findings shown"
    again.get_by_role("button", name="Clear").click()
    assert shown(again) == 8
    again.get_by_label("Text").fill("no such words")
    assert again.locator("#shown").inner_text() == "0 of 9 findings shown"


def test_a_link_opens_data_docs(wide: BrowserContext, demo_page: Path) -> None:
    wide.route(re.compile("^https?:"), lambda route: route.abort())  # Data Docs load styles from the network
    page = opened(wide, demo_page).page
    page.locator("li.story").get_by_role("link", name="Data Docs of player_game_summary").first.click()
    page.wait_for_load_state("domcontentloaded")
    assert page.url.startswith((demo_page.parent / "data_docs").as_uri())
    assert "player_game_summary" in page.content()
    assert "Evaluated Expectations" in page.content()


def test_every_data_docs_page_of_the_report_exists(wide: BrowserContext, demo_page: Path) -> None:
    page = opened(wide, demo_page).page
    links = page.locator("a[href^='data_docs']").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert len(links) >= 19
    assert [link for link in links if not (demo_page.parent / link).is_file()] == []


def test_without_a_script_everything_is_readable(browser: Browser, demo_page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = opened(context, demo_page).page
    assert page.locator("#filter").is_hidden()
    assert page.locator("article.f").first.is_visible()
    assert page.locator("article.f", has_text="72 excess rows").first.is_visible()
    context.close()


def test_the_keyboard_reaches_the_findings_and_copies_a_command(browser: Browser, demo_page: Path) -> None:
    context = browser.new_context(viewport=WIDE, permissions=["clipboard-read", "clipboard-write"])  # type: ignore[arg-type]
    page = opened(context, demo_page).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    button = page.locator("p.next:has(code) button").first
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#announcement")).to_contain_text("opied")
    context.close()


def test_on_paper_nothing_is_folded_and_no_control_is_printed(wide: BrowserContext, demo_page: Path) -> None:
    page = opened(wide, demo_page).page
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("#filter").is_hidden()
    assert page.locator("#theme").is_hidden()
    assert page.locator("details:not([open])").count() == 0


CASES = {
    # Large enough for every kind of element and for scrolling.
    "100 findings": large(100, 1),
    "30 days": large(100, 30),
    "none": Report(WINDOW, "prod", outcomes=large(0, 1).outcomes),
    "could not check": Report(WINDOW, "prod", problems=("BigQuery does not answer.",)),
}


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light")], ids=["wide", "dark", "phone"]
)
@pytest.mark.parametrize("case", ["demo", *CASES])
def test_axe_finds_no_serious_violation(
    browser: Browser, demo_page: Path, tmp_path: Path, case: str, viewport: dict[str, int], scheme: Any
) -> None:
    if not AXE.is_file():
        missing("axe-core (npm ci --prefix tests/python/browser)")
    file = demo_page
    if case != "demo":
        file = tmp_path / "report.html"
        file.write_text(render(CASES[case], RULES), encoding="utf-8")
    # The page's policy would block the audit's script.
    context = browser.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    heard = opened(context, file)
    page = heard.page
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], "it scrolls sideways"
    if case == "demo":
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []
    assert heard.complaints == []
    context.close()
