"""Makes the screenshots in docs/images: the output of `trueup demo`, and its report. Needs Debian's chromium.

`make pictures` runs it. With a folder as argument, it also writes screenshots of reports with 500 and with 0 findings.
"""

import os
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.text import Text

from helpers.report_cases import RULES, WINDOW, large
from trueup.reporting.page.render import render
from trueup.results.report import Report

PROJECT = Path(__file__).resolve().parents[1]
IMAGES = PROJECT / "docs" / "images"
COLUMNS = 96
# Shows rich's SVG at a fixed width, with local fonts only.
TERMINAL = """<style>body{{margin:0}} svg{{display:block;width:1100px;height:auto}}</style>{svg}"""
CASES = {"500-findings": large(500, 1), "none": Report(WINDOW, "prod", outcomes=large(0, 1).outcomes)}


def main() -> int:
    """Run the demo and take every screenshot; returns the demo's exit code."""
    command = [str(Path(sys.executable).with_name("trueup")), "demo"]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    demo = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False, cwd=PROJECT)
    others = Path(sys.argv[1]) if sys.argv[1:] else None
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        terminal = folder / "terminal.html"
        terminal.write_text(TERMINAL.format(svg=terminal_svg(demo.stdout)), encoding="utf-8")
        take(browser, terminal, IMAGES / "demo.png", 1100, 800, is_whole=True)
        report = PROJECT / ".trueup" / "demo" / "report.html"
        take(browser, report, IMAGES / "report.png", 1280, 1500)
        take(browser, report, IMAGES / "report-phone.png", 390, 1100)
        take(browser, report, IMAGES / "report-dark.png", 1280, 1100, scheme="dark", place="#calendar")
        for name, case in CASES.items() if others else ():
            page = folder / f"{name}.html"
            page.write_text(render(case, RULES), encoding="utf-8")
            take(browser, page, Path(str(others)) / f"{name}.png", 1280, 1500)
            take(browser, page, Path(str(others)) / f"{name}-phone.png", 390, 1100)
        browser.close()
    return demo.returncode


def terminal_svg(printed: str) -> str:
    """Terminal output as SVG."""
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text.from_ansi("$ make demo\n" + printed))
    return console.export_svg(title="trueup demo").replace("https://", "none:")


def take(
    browser: Browser,
    page_file: Path,
    picture: Path,
    width: int,
    height: int,
    scheme: str = "light",
    place: str = "",
    is_whole: bool = False,
) -> None:
    """Take a screenshot of a page, scrolled to the selector ``place``."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(page_file.as_uri())
    if place:
        page.evaluate("where => document.querySelector(where).scrollIntoView()", place)
    page.screenshot(path=picture, full_page=is_whole)
    context.close()
    print(picture)


if __name__ == "__main__":
    sys.exit(main())
