"""A report as one HTML file with its style, script and charts. Pure."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from trueup import __version__
from trueup.reporting.page import charts, links, tables, view, wording
from trueup.reporting.page.cards import SEVERITY_WORDS
from trueup.reporting.page.timeline import timeline_chart
from trueup.results.reference import Rule
from trueup.results.report import Report


def render(report: Report, rules: Mapping[str, Rule], earlier: str = "") -> str:
    """The page of a report. ``rules``: by code; an unknown rule is shown with its code only. ``earlier``:
    the index of earlier reports, relative to the page ("" if there is none).

    The same report gives the same bytes. Links go to anchors on the page and to files beside it, such as Data Docs.
    """
    style, script = text("page.css"), text("page.js")
    page = environment().get_template("template.html.j2")
    return page.render(
        report=report,
        rules=rules,
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script),
        earlier=earlier,
        version=__version__,
        headline=view.headline_of(report, rules),
        days=view.days_of(report, rules),
        calendar=tables.calendar_of(report, rules),
        lateness=charts.lateness_charts(report.lateness),
        timeline=timeline_chart(report.timeline, report.window.as_of),
        levels=tables.levels_of(report.service_levels, report.error_budgets),
        suites=tables.suites_of(report.suites),
        data_docs=links.beside(report.data_docs),
        console=links.console(report.console),
        not_run=tables.not_run_of(report),
        absent=tables.absent_rules(report, rules),
        costs=tables.costs_of(report),
        found_rules=sorted({one.rule for one in report.findings}),
        severities=tables.severities_of(report.findings),
        charts=charts,
        wording=wording,
        words=SEVERITY_WORDS,
    )


def environment() -> Environment:
    """Of the templates in this folder."""
    return Environment(
        loader=FunctionLoader(text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def text(name: str) -> str:
    """A file of this folder."""
    return files("trueup.reporting.page").joinpath(name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """The content security policy: exactly this style and this script, nothing from the network."""

    def source(text: str) -> str:
        return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {source(style)}; script-src {source(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
