"""The headline and the stories of a report for the template. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from trueup.plural import counted
from trueup.reporting.page import wording
from trueup.reporting.page.cards import SEVERITY_WORDS, SYMBOLS, Card, card_of, cards_of
from trueup.reporting.stories.chains import Chain, Day, story_days, worst_first
from trueup.reporting.stories.links import Story
from trueup.results.finding import SEVERITIES, Finding
from trueup.results.reference import Rule
from trueup.results.report import Report, Status

FOLD_AFTER = 5
# With more findings, older days are folded.
OPEN_FINDINGS = 25


@dataclass(frozen=True)
class Group:
    """The findings of one rule in a story: the worst ones, and the folded rest."""

    rule: str
    worst: tuple[Card, ...]
    folded: tuple[Card, ...]


@dataclass(frozen=True)
class StoryView:
    """A story. ``because``: each reason, with the number of its cause in the chain."""

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
    """A date with findings. ``text``: their numbers."""

    game_date: date
    name: str
    text: str
    severity: str
    is_open: bool
    titles: tuple[tuple[str, str], ...]
    chains: tuple[ChainView, ...]
    effects: tuple[Card, ...]
    effects_text: str


@dataclass(frozen=True)
class CleanDays:
    """Consecutive dates without findings. ``text``: how much was examined."""

    name: str
    text: str
    is_clean: bool


@dataclass(frozen=True)
class Headline:
    """The status at the top of the page. ``mark``: its symbol, for readers without colours."""

    status: Status
    word: str
    sentence: str
    mark: str


def days_of(report: Report, rules: Mapping[str, Rule]) -> tuple[DayView | CleanDays, ...]:
    """All days of the window, newest first; consecutive days without findings are one line."""
    pages = {one.name: one.page for one in report.suites if one.page}
    found = {day.game_date: day for day in story_days(report.findings, rules)}
    dates = sorted({*report.window.dates, *found}, reverse=True)
    kinds = {day: "found" if day in found else _quiet_kind(report, day) for day in dates}
    lines: list[DayView | CleanDays] = []
    shown = 0
    for kind, group in groupby(dates, key=kinds.__getitem__):
        members = list(group)
        if kind == "found":
            for day in members:
                count = sum(len(story.findings) for story in found[day].stories)
                lines.append(_day(found[day], rules, pages, is_open=not shown or shown + count <= OPEN_FINDINGS))
                shown += count
        else:
            lines.append(_quiet(report, kind, members))
    return tuple(lines)


def headline_of(report: Report, rules: Mapping[str, Rule]) -> Headline:
    """The status of a report, in one sentence with numbers."""
    severities = Counter(one.severity for one in report.findings)
    warned = f" and {counted(severities['warn'], 'warning')}" if severities["warn"] else ""
    missed = _missed(report, rules)
    if report.status == "findings":
        days = [day for day in story_days(report.findings, rules) if any(one.severity == "error" for one in day.chains)]
        stories = sum(one.severity == "error" for day in days for one in day.stories)
        where = f"{len(days)} of {len(report.window.dates)} days"
        found = f"{counted(severities['error'], 'error')}{warned} in {_stories(stories)} on {where}"
        return Headline("findings", "Not healthy", f"{found}; {missed}.", "✕")
    counts = Counter(one.outcome for one in report.outcomes)
    examined = {one.rule for one in report.outcomes if one.outcome != "not_run"}
    done = (
        f"{counted(len(examined), 'rule')} examined {counted(len(report.window.dates), 'day')}, "
        f"{counts['passed']:,} of {counts['passed'] + counts['failed']:,} checks passed"
    )
    errors = f"no error{warned}"
    if report.status == "healthy":
        return Headline("healthy", "Healthy", f"{done}, {errors}; {missed}.", "✓")
    problems = f"{counted(len(report.problems), 'problem')}; " if report.problems else ""
    what = f"{errors} in what was examined: {done}" if examined else "nothing was examined"
    sentence = f"{problems}{missed}; {what}." if report.outcomes else f"{problems}nothing was examined."
    return Headline("could_not_check", "Could not check", sentence, "?")


def _stories(count: int) -> str:
    return "1 story" if count == 1 else f"{count:,} stories"


def _missed(report: Report, rules: Mapping[str, Rule]) -> str:
    blocked = len(report.blocked)
    absent = len(set(rules) - {one.rule for one in report.outcomes})
    text = (
        f"{counted(blocked, 'check')} could not be completed"
        if blocked
        else "every check was completed"
        if not report.problems
        else "the other checks were completed"
    )
    idle = sum(len(one.unexamined) for one in report.suites)
    text += f"; {counted(idle, 'expectation')} examined nothing" if idle else ""
    return text + (f"; {counted(absent, 'rule')} not part of this run" if absent else "")


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
    passed = f"{counted(counts['passed'], 'check')} passed"
    blocked = counted(counts["blocked"], "check")
    idle = f", {counts['not_run']:,} had nothing to examine" if counts["not_run"] else ""
    text = {
        "clean": f"no finding: {passed}{idle}.",
        "blocked": f"no finding, but {blocked} could not be completed; {passed}{idle}.",
        "nothing": "nothing was examined.",
    }[kind]
    name = wording.day_span(min(days), max(days))
    return CleanDays(name if len(days) == 1 else f"{name} ({len(days)} days)", text, kind == "clean")


def _day(day: Day, rules: Mapping[str, Rule], pages: Mapping[str, str], is_open: bool) -> DayView:
    findings = [one for story in day.stories for one in story.findings]
    counts = Counter(one.severity for one in findings)
    texts = [counted(counts[one], SEVERITY_WORDS[one]) for one in SEVERITIES[:2] if counts[one]]
    texts += [f"{counts['info']} information"] if counts["info"] else []
    where = f" in {_stories(len(day.stories))}" if findings else ""
    chained = sum(len(one.stories) > 1 for one in day.chains)
    if chained == 1 and len(day.chains) == 1:
        where += ", one chain"
    return DayView(
        game_date=day.game_date,
        name=wording.day_name(day.game_date),
        text=f"{wording.listed(texts)}{where}" if texts else "only service levels past their alert",
        severity=min((one.severity for one in day.chains), key=list(SYMBOLS).index, default="info"),
        is_open=is_open,
        titles=tuple((SYMBOLS[one.severity], one.title) for one in day.stories),
        chains=tuple(_chain(one, rules, pages) for one in day.chains),
        effects=tuple(card_of(one, rules, pages) for one in day.effects),
        effects_text=_effects_text(day.effects),
    )


def _effects_text(effects: Sequence[Finding]) -> str:
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
    cards = cards_of(worst_first(story.findings), rules, pages)
    groups = tuple(Group(rule, ones[:FOLD_AFTER], ones[FOLD_AFTER:]) for rule, ones in cards.items())
    return StoryView(story.title, story.severity, SYMBOLS[story.severity], groups, tuple(because))
