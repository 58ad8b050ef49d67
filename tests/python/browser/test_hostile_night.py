"""A night with hostile names in rows and documents: the report and Data Docs in chromium, and the SQL behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from helpers.browsing import opened
from helpers.hostile import FRAGMENTS
from helpers.nights import scenario_of
from helpers.replaying import Silent
from helpers.report_cases import DAY
from helpers.support import PROJECT
from trueup.expectations.verdicts import DATA_DOCS
from trueup.plain import plain
from trueup.reporting.artifacts import write_report
from trueup.results.reference import load_reference
from trueup.results.report import Report
from trueup.runs.check import run_check
from trueup.runs.replay import loaded
from trueup.scenario.scenario import Scenario
from trueup.window import now

pytestmark = pytest.mark.slow

PLAYERS = "nba_analytics.player_game_summary"
RULES = load_reference(PROJECT / "seeds").rules
# Lone surrogates and NUL cannot be stored; the keys of a document are not empty.
STORABLE = [name for name in FRAGMENTS if name.strip() and "\0" not in name]


@dataclass
class Seen:
    folder: Path
    report: Report


def hostile() -> Scenario:
    """The clean twin; each name is a player's, and an unknown processor's in the document."""
    night = scenario_of("clean-twin-2026-02-03")
    rows = list(night.tables[PLAYERS])
    for number, name in enumerate(STORABLE):
        rows[number] = {**rows[number], "player_lookup": name}
    ((collection, documents),) = night.documents.items()
    entry = {"status": "success", "record_count": 1}
    documents = {key: {**one, **dict.fromkeys(STORABLE, entry)} for key, one in documents.items()}
    return replace(night, tables={**night.tables, PLAYERS: tuple(rows)}, documents={collection: documents})


@pytest.fixture(scope="module")
def seen(endpoint: object, state_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("report")
    with loaded(hostile(), PROJECT, state_dir, Silent(), folder / DATA_DOCS) as work:
        report = run_check(work, with_tests=False, with_expectations=True)
    write_report(folder, report, RULES, now())
    return Seen(folder, report)


def test_every_name_has_its_finding_with_the_remedy_that_python_would_write(seen: Seen) -> None:
    assert seen.report.problems == ()
    found = {one.subject: one.remedy for one in seen.report.findings if one.rule == "DONE006"}
    assert len(found) > 80
    # Processors' names in other forms, such as CamelCase, are written in snake_case.
    wanted = {plain(one): plain(RULES["DONE006"].remedy(one, DAY)) for one in STORABLE if one == one.lower().strip("_")}
    assert len(wanted) > 60
    assert sorted(wanted.items() - found.items()) == []


def test_every_page_is_text_only(seen: Seen, browser: Browser) -> None:
    pages = [seen.folder / "report.html", *(seen.folder / DATA_DOCS).rglob("*.html")]
    assert len(pages) > 20
    shown = ""
    context = browser.new_context()
    for path in pages:
        heard = opened(context, path)
        page = heard.page
        assert heard.requests == [path.as_uri()]
        assert heard.complaints == []
        own = 1 if path.name == "report.html" else 0
        assert page.locator("script").count() == own, path
        assert page.locator("img, iframe, object, embed, form[action], base, meta[http-equiv=refresh]").count() == 0, (
            path
        )
        if not own:
            shown += page.inner_text("body")
            assert "default-src 'none'" in (page.locator("meta[http-equiv]").get_attribute("content") or "")
        page.close()
    context.close()
    assert "<img src=x onerror=alert(1)>" in shown, "a wrong value is shown as text"


def test_the_index_leads_to_every_page(seen: Seen, browser: Browser) -> None:
    context = browser.new_context()
    page = opened(context, seen.folder / seen.report.data_docs).page
    links = page.locator("a").evaluate_all("all => all.map(one => one.href)")
    assert len(links) == len(seen.report.suites)
    for link in links:
        page.goto(link)
        assert len(page.inner_text("body")) > 200
    context.close()
