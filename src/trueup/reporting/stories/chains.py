"""Groups the findings of a date into stories, and links stories into chains of cause and effect. Pure.

Two stories are linked only if the numbers of their findings show it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from trueup.reporting.stories.links import LINKS, Link, Story, caused_by_lateness, counts_too_few
from trueup.reporting.stories.titles import title_of
from trueup.results.finding import SEVERITIES, Finding
from trueup.results.reference import LEVELS, Rule

# The order of stories in a chain: cause before effect.
_KINDS = (
    "stale", "unscheduled", "late", "doubled", "unkeyed", "two_ids", "delivery", "document", "trigger", "values",
    "contradiction",
)  # fmt: skip
_KIND_OF = {
    "SCHED001": "stale",
    "SCHED002": "unscheduled",
    **dict.fromkeys(("LATE001", "LATE002", "LATE003", "LATE004"), "late"),
    **dict.fromkeys(("DUP001", "DUP002", "DUP005"), "doubled"),
    "DUP003": "unkeyed",
    "DUP004": "two_ids",
    **dict.fromkeys(("DONE003", "DONE005", "DONE009"), "delivery"),
    **dict.fromkeys(("DONE001", "DONE002", "DONE004", "DONE006", "DONE007", "DONE008"), "document"),
    "LOCK001": "lock",
    **dict.fromkeys(("TRIG001", "TRIG002", "TRIG003", "TRIG004"), "trigger"),
    **dict.fromkeys(("EXP001", "EXP002", "EXP003"), "values"),
    "EXP004": "contradiction",
}


@dataclass(frozen=True)
class Chain:
    """Linked stories, cause before effect. A story without links is a chain of one."""

    stories: tuple[Story, ...]
    links: tuple[Link, ...] = ()

    @property
    def severity(self) -> str:
        """The worst of its stories."""
        return min((one.severity for one in self.stories), key=SEVERITIES.index)


@dataclass(frozen=True)
class Day:
    """The findings of one date. ``effects``: service levels that are past their alert."""

    game_date: date
    chains: tuple[Chain, ...]
    effects: tuple[Finding, ...] = ()

    @property
    def stories(self) -> tuple[Story, ...]:
        """All stories of the date."""
        return tuple(story for chain in self.chains for story in chain.stories)


def story_days(findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[Day, ...]:
    """The dates with findings, newest first, each with its chains, worst first. Every finding is in the result once."""
    dates: dict[date, list[Finding]] = {}
    for finding in findings:
        dates.setdefault(finding.game_date, []).append(finding)
    return tuple(_day(day, dates[day], rules) for day in sorted(dates, reverse=True))


def is_effect(finding: Finding, rules: Mapping[str, Rule]) -> bool:
    """Whether a finding is only information about a service level; its causes are separate findings."""
    rule = rules.get(finding.rule)
    family = rule.family if rule else LEVELS if finding.rule.startswith("SLO") else ""
    return family == LEVELS and finding.severity == "info"


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By severity, then rule, then distance of observed from expected."""
    return tuple(
        sorted(
            findings,
            key=lambda one: (
                SEVERITIES.index(one.severity),
                one.rule,
                -abs((one.observed or 0) - (one.expected or 0)),
                one.subject,
                one.fingerprint,
            ),
        )
    )


def _day(day: date, findings: Sequence[Finding], rules: Mapping[str, Rule]) -> Day:
    effects = [one for one in findings if is_effect(one, rules)]
    others = [one for one in findings if not is_effect(one, rules)]
    groups: dict[tuple[str, bool], list[Finding]] = {}
    for finding in others:
        kind = _kind(finding, others, rules)
        groups.setdefault((kind, kind == "doubled" and caused_by_lateness(finding, others)), []).append(finding)
    stories = sorted(
        (Story(kind, day, title_of(ones, rules), worst_first(ones)) for (kind, _), ones in groups.items()),
        key=lambda one: (_stage(one), one.title),
    )
    links = [link for find in LINKS for link in find(stories)]
    chains = sorted(_chains(stories, links), key=lambda one: SEVERITIES.index(one.severity))
    return Day(day, tuple(chains), tuple(sorted(effects, key=lambda one: (one.rule, one.subject))))


def _stage(story: Story) -> int:
    return _KINDS.index(story.kind) if story.kind in _KINDS else len(_KINDS)


def _kind(finding: Finding, others: Sequence[Finding], rules: Mapping[str, Rule]) -> str:
    # A document that counts too few never starts phase 4: both findings have one cause.
    if finding.rule == "TRIG001" and any(counts_too_few(one) for one in others):
        return "document"
    rule = rules.get(finding.rule)
    return _KIND_OF.get(finding.rule) or (rule.family if rule else finding.rule.rstrip("0123456789"))


def _chains(stories: Sequence[Story], links: Sequence[Link]) -> list[Chain]:
    """The connected groups of stories."""
    member = list(range(len(stories)))
    places = {id(story): index for index, story in enumerate(stories)}
    for link in links:
        one, other = member[places[id(link.cause)]], member[places[id(link.effect)]]
        member = [one if mark == other else mark for mark in member]
    return [
        Chain(
            tuple(story for story, mine in zip(stories, member, strict=True) if mine == mark),
            tuple(link for link in links if member[places[id(link.cause)]] == mark),
        )
        for mark in dict.fromkeys(member)
    ]
