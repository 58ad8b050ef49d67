"""The verdict and the stories of a report as the template needs them. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from trueup.reporting.page import wording
from trueup.reporting.page.detail import Node, lay_out
from trueup.reporting.stories.chains import Chain, Day, tell, worst_first
from trueup.reporting.stories.links import Story
from trueup.results.finding import SEVERITIES, Finding
from trueup.results.report import Report, Status
from trueup.results.rule import Rule

FOLD_AFTER = 5
# So many findings are open at first: with more, older days are folded.
OPEN_FINDINGS = 25
SYMBOLS = {"error": "✕", "warn": "▲", "info": "i"}
SEVERITY_WORDS = {"error": "error", "warn": "warning", "info": "information"}
# The units that a bare number would be mistaken without.
_SAID = ("minutes", "percent")
_COMMAND = re.compile(r"(?:^|: ?)((?:trueup|dbt|gcloud|bq) \S.*)$")
# Only pages beside the report: a report says nothing of other places.
_ELSEWHERE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:|//|/|\\)", re.IGNORECASE)


@dataclass(frozen=True)
class FindingView:
    """One finding in words. ``lead`` and ``command`` are the two parts of its remedy."""

    finding: Finding
    anchor: str
    title: str
    severity: str
    symbol: str
    observed: str
    expected: str
    detail: tuple[tuple[str, Node], ...]
    lead: str
    command: str
    page: str


@dataclass(frozen=True)
class Group:
    """The findings of one rule in a story: the worst, and the rest, which is folded."""

    rule: str
    worst: tuple[FindingView, ...]
    folded: tuple[FindingView, ...]


@dataclass(frozen=True)
class StoryView:
    """A story; ``because``: why, and of its cause the number in the chain."""

    title: str
    severity: str
    symbol: str
    groups: tuple[Group, ...]
    because: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ChainView:
    """Linked stories, cause before effect."""

    stories: tuple[StoryView, ...]


@dataclass(frozen=True)
class DayView:
    """A date with findings: ``told`` counts them in words."""

    game_date: date
    name: str
    told: str
    severity: str
    is_open: bool
    titles: tuple[tuple[str, str], ...]
    chains: tuple[ChainView, ...]
    effects: tuple[FindingView, ...]
    effects_told: str


@dataclass(frozen=True)
class CleanDays:
    """Dates that follow one another and have no finding, and how much that says."""

    name: str
    told: str
    is_clean: bool


@dataclass(frozen=True)
class Verdict:
    """The sentence at the top. ``mark`` stands for it without colour."""

    status: Status
    word: str
    sentence: str
    mark: str


def days_of(report: Report, rules: Mapping[str, Rule]) -> tuple[DayView | CleanDays, ...]:
    """All days of the window, newest first; days without findings that follow one another are one line."""
    pages = {one.name: one.page for one in report.suites if one.page}
    told = {day.game_date: day for day in tell(report.findings, rules)}
    dates = sorted({*report.window.dates, *told}, reverse=True)
    kinds = {day: "found" if day in told else _quiet_kind(report, day) for day in dates}
    lines: list[DayView | CleanDays] = []
    shown = 0
    for kind, group in groupby(dates, key=kinds.__getitem__):
        members = list(group)
        if kind == "found":
            for day in members:
                count = sum(len(story.findings) for story in told[day].stories)
                lines.append(_day(told[day], rules, pages, is_open=not shown or shown + count <= OPEN_FINDINGS))
                shown += count
        else:
            lines.append(_quiet(report, kind, members))
    return tuple(lines)


def verdict_of(report: Report, rules: Mapping[str, Rule]) -> Verdict:
    """Healthy or not, in one sentence with numbers."""
    severities = Counter(one.severity for one in report.findings)
    warned = f" and {wording.counted(severities['warn'], 'warning')}" if severities["warn"] else ""
    missed = _missed(report, rules)
    if report.status == "findings":
        days = [day for day in tell(report.findings, rules) if any(one.severity == "error" for one in day.chains)]
        stories = sum(one.severity == "error" for day in days for one in day.stories)
        where = f"{len(days)} of {len(report.window.dates)} days"
        told = f"{wording.counted(severities['error'], 'error')}{warned} in {_stories(stories)} on {where}; {missed}."
        return Verdict("findings", "Not healthy", told, "✕")
    counts = Counter(one.outcome for one in report.outcomes)
    examined = {one.rule for one in report.outcomes if one.outcome != "not_run"}
    looked = (
        f"{wording.counted(len(examined), 'rule')} examined {wording.counted(len(report.window.dates), 'day')}, "
        f"{counts['passed']:,} of {counts['passed'] + counts['failed']:,} checks passed"
    )
    if report.status == "healthy":
        errors = f"no error{warned}"
        return Verdict("healthy", "Healthy", f"{looked}, {errors}; {missed}.", "✓")
    problems = f"{wording.counted(len(report.problems), 'problem')} stood in the way; " if report.problems else ""
    what = f"what was examined shows no error{warned}: {looked}" if examined else "nothing was examined"
    told = f"{problems}{missed}; {what}." if report.outcomes else f"{problems}nothing was examined."
    return Verdict("could_not_check", "Could not check", told, "?")


def _stories(count: int) -> str:
    return "1 story" if count == 1 else f"{count:,} stories"


def _missed(report: Report, rules: Mapping[str, Rule]) -> str:
    blocked = len(report.blocked)
    absent = len(set(rules) - {one.rule for one in report.outcomes})
    text = (
        f"{wording.counted(blocked, 'check')} that should have been made could not be"
        if blocked
        else "nothing that should have been checked was missed"
        if not report.problems
        else "what was reached was checked"
    )
    return text + (f"; {wording.counted(absent, 'rule')} had no part in this run" if absent else "")


def _quiet_kind(report: Report, day: date) -> str:
    outcomes = [one for one in report.outcomes if one.game_date == day]
    if any(one.outcome == "not_run" and one.is_blocking for one in outcomes):
        return "blocked"
    return "clean" if any(one.outcome == "passed" for one in outcomes) else "nothing"


def _quiet(report: Report, kind: str, days: Sequence[date]) -> CleanDays:
    members = set(days)
    counts = Counter(
        "blocked" if one.outcome == "not_run" and one.is_blocking else one.outcome
        for one in report.outcomes
        if one.game_date in members
    )
    passed = f"{wording.counted(counts['passed'], 'check')} passed"
    idle = f", {counts['not_run']:,} had nothing to examine" if counts["not_run"] else ""
    told = {
        "clean": f"no finding: {passed}{idle}.",
        "blocked": f"no finding, but {wording.counted(counts['blocked'], 'check')} could not be made; {passed}{idle}.",
        "nothing": "nothing was examined.",
    }[kind]
    name = wording.day_span(min(days), max(days))
    return CleanDays(name if len(days) == 1 else f"{name} ({len(days)} days)", told, kind == "clean")


def _day(day: Day, rules: Mapping[str, Rule], pages: Mapping[str, str], is_open: bool) -> DayView:
    findings = [one for story in day.stories for one in story.findings]
    counts = Counter(one.severity for one in findings)
    told = [wording.counted(counts[one], SEVERITY_WORDS[one]) for one in SEVERITIES[:2] if counts[one]]
    told += [f"{counts['info']} for information"] if counts["info"] else []
    where = f" in {_stories(len(day.stories))}" if findings else ""
    chained = sum(len(one.stories) > 1 for one in day.chains)
    if chained == 1 and len(day.chains) == 1:
        where += ", one chain"
    return DayView(
        game_date=day.game_date,
        name=wording.day_name(day.game_date),
        told=f"{wording.listed(told)}{where}" if told else "only service levels past their alert",
        severity=min((one.severity for one in day.chains), key=list(SYMBOLS).index, default="info"),
        is_open=is_open,
        titles=tuple((SYMBOLS[one.severity], one.title) for one in day.stories),
        chains=tuple(_chain(one, rules, pages) for one in day.chains),
        effects=tuple(finding_view(one, rules, pages) for one in day.effects),
        effects_told=_effects_told(day.effects),
    )


def _effects_told(effects: Sequence[Finding]) -> str:
    return ", ".join(
        f"{wording.plain(one.subject)} {wording.measure(one.observed, str(one.detail.get('unit') or ''))}"
        for one in effects
    )


def _chain(chain: Chain, rules: Mapping[str, Rule], pages: Mapping[str, str]) -> ChainView:
    places = {id(story): place for place, story in enumerate(chain.stories, start=1)}
    return ChainView(
        tuple(
            _story(
                story,
                [(one.because, places[id(one.cause)]) for one in chain.links if one.effect is story],
                rules,
                pages,
            )
            for story in chain.stories
        )
    )


def _story(
    story: Story, because: Sequence[tuple[str, int]], rules: Mapping[str, Rule], pages: Mapping[str, str]
) -> StoryView:
    by_rule: dict[str, list[FindingView]] = {}
    for finding in worst_first(story.findings):
        by_rule.setdefault(finding.rule, []).append(finding_view(finding, rules, pages))
    groups = tuple(Group(rule, tuple(ones[:FOLD_AFTER]), tuple(ones[FOLD_AFTER:])) for rule, ones in by_rule.items())
    return StoryView(story.title, story.severity, SYMBOLS[story.severity], groups, tuple(because))


def finding_view(finding: Finding, rules: Mapping[str, Rule], pages: Mapping[str, str]) -> FindingView:
    """A finding in words. ``pages``: the Data Docs page of each suite."""
    rule = rules.get(finding.rule)
    unit = wording.unit_of(finding.rule) or str(finding.detail.get("unit") or "")
    command = _COMMAND.search(finding.remedy)
    return FindingView(
        finding=finding,
        anchor=f"f-{finding.fingerprint[:12]}",
        title=rule.title if rule else "a rule that this version of trueup does not know",
        severity=SEVERITY_WORDS[finding.severity],
        symbol=SYMBOLS[finding.severity],
        observed="" if finding.observed is None else wording.measure(finding.observed, unit),
        expected="" if finding.expected is None else wording.measure(finding.expected, unit if unit in _SAID else ""),
        detail=lay_out(finding.detail),
        lead=finding.remedy[: command.start(1)].strip() if command else finding.remedy,
        command=command[1] if command else "",
        page=beside(str(finding.detail.get("data_docs") or pages.get(finding.subject, ""))),
    )


def beside(page: str) -> str:
    """A page's path from the report's folder; "" for what lies elsewhere, which the page never links to."""
    return "" if _ELSEWHERE.match(page) else page
