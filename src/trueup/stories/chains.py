"""What is wrong as stories: the findings of a date that tell of one thing, and which of them led to which. Pure.

Two stories are linked only where the numbers of their findings say so; everything else stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from trueup.completions import parse_moment
from trueup.reference import Rule
from trueup.report import SEVERITIES, Finding
from trueup.settings import EASTERN
from trueup.stories.titles import title_of

# Cause before effect: in this order the stories of a chain are told.
_KINDS = ("late", "doubled", "unkeyed", "two_ids", "delivery", "document", "trigger", "values", "contradiction")
_KIND_OF = {
    **dict.fromkeys(("LATE001", "LATE002", "LATE003", "LATE004"), "late"),
    **dict.fromkeys(("DUP001", "DUP002", "DUP005"), "doubled"),
    "DUP003": "unkeyed",
    "DUP004": "two_ids",
    **dict.fromkeys(("DONE003", "DONE005", "DONE009"), "delivery"),
    **dict.fromkeys(("DONE001", "DONE002", "DONE004", "DONE006", "DONE007", "DONE008"), "document"),
    **dict.fromkeys(("TRIG001", "TRIG002", "TRIG003", "TRIG004"), "trigger"),
    **dict.fromkeys(("EXP001", "EXP002", "EXP003"), "values"),
    "EXP004": "contradiction",
}
_SERVICE_LEVELS = "service_levels"
# The tables that phase 3 makes of the games that the gamebook scrapers bring.
_FROM_GAMEBOOKS = frozenset({"player_game_summary", "team_offense_game_summary", "team_defense_game_summary"})
# What comes later than this is a matter of its own, not an answer to what came before.
_SOON_AFTER_ARRIVAL = timedelta(hours=1)
_SOON_AFTER_WRITE = timedelta(minutes=30)


@dataclass(frozen=True)
class Story:
    """Findings of one date that tell of one thing, worst first. ``title``: one sentence with numbers."""

    kind: str
    game_date: date
    title: str
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> str:
        """The worst of its findings."""
        return min((one.severity for one in self.findings), key=SEVERITIES.index)


@dataclass(frozen=True)
class Link:
    """One story led to another; ``because`` says which numbers show it. Moments in it are Eastern."""

    cause: Story
    effect: Story
    because: str


@dataclass(frozen=True)
class Chain:
    """Stories that are linked, cause before effect; a story that is linked with none is a chain of one."""

    stories: tuple[Story, ...]
    links: tuple[Link, ...] = ()

    @property
    def severity(self) -> str:
        """The worst of its stories."""
        return min((one.severity for one in self.stories), key=SEVERITIES.index)


@dataclass(frozen=True)
class Day:
    """What is wrong on one date. ``effects``: the service levels that are past their alert for it."""

    game_date: date
    chains: tuple[Chain, ...]
    effects: tuple[Finding, ...] = ()

    @property
    def stories(self) -> tuple[Story, ...]:
        """All stories of the date."""
        return tuple(story for chain in self.chains for story in chain.stories)


def tell(findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[Day, ...]:
    """The dates that have findings, newest first, each with its chains, worst first. No finding is left out."""
    dates: dict[date, list[Finding]] = {}
    for finding in findings:
        dates.setdefault(finding.game_date, []).append(finding)
    return tuple(_day(day, dates[day], rules) for day in sorted(dates, reverse=True))


def is_effect(finding: Finding, rules: Mapping[str, Rule]) -> bool:
    """Whether a finding only informs of a service level: its causes are findings of their own."""
    rule = rules.get(finding.rule)
    family = rule.family if rule else _SERVICE_LEVELS if finding.rule.startswith("SLO") else ""
    return family == _SERVICE_LEVELS and finding.severity == "info"


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By severity, rule, then how far the observed is from the expected."""
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
    told = [one for one in findings if not is_effect(one, rules)]
    groups: dict[tuple[str, bool], list[Finding]] = {}
    for finding in told:
        kind = _kind(finding, told, rules)
        groups.setdefault((kind, kind == "doubled" and _came_of_lateness(finding, told)), []).append(finding)
    stories = sorted(
        (_story(kind, day, ones, rules) for (kind, _), ones in groups.items()),
        key=lambda one: (_stage(one), one.title),
    )
    links = [link for find in _LINKS for link in find(stories)]
    chains = sorted(_chains(stories, links), key=lambda one: SEVERITIES.index(one.severity))
    return Day(day, tuple(chains), tuple(sorted(effects, key=lambda one: (one.rule, one.subject))))


def _story(kind: str, day: date, findings: Sequence[Finding], rules: Mapping[str, Rule]) -> Story:
    return Story(kind, day, title_of(findings, rules), worst_first(findings))


def _stage(story: Story) -> int:
    return _KINDS.index(story.kind) if story.kind in _KINDS else len(_KINDS)


def _kind(finding: Finding, others: Sequence[Finding], rules: Mapping[str, Rule]) -> str:
    # Who counts too few never sees that all are there: the count and the missing start are one thing.
    if finding.rule == "TRIG001" and any(_counts_too_few(one) for one in others):
        return "document"
    rule = rules.get(finding.rule)
    return _KIND_OF.get(finding.rule) or (rule.family if rule else finding.rule.rstrip("0123456789"))


def _counts_too_few(finding: Finding) -> bool:
    return finding.rule == "DONE001" and (finding.observed or 0) < (finding.expected or 0)


def _chains(stories: Sequence[Story], links: Sequence[Link]) -> list[Chain]:
    """The stories that hang together, directly or by others."""
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


def _moment(finding: Finding, key: str) -> datetime | None:
    """A moment of the detail in UTC; None where there is none, or none that can be read."""
    try:
        moment = parse_moment(str(finding.detail.get(key) or ""))
        return moment.astimezone(timezone.utc) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _names(finding: Finding, key: str) -> tuple[str, ...]:
    """The names that the detail lists; none where it lists none."""
    names = finding.detail.get(key)
    return tuple(str(one) for one in names) if isinstance(names, list | tuple) else ()


def _number(finding: Finding, key: str) -> float | None:
    value = finding.detail.get(key)
    return value if isinstance(value, int | float) else None


def _clock(moment: datetime) -> str:
    local = moment.astimezone(EASTERN)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _arrivals(findings: Iterable[Finding]) -> list[datetime]:
    """When late data arrived: the first useful runs after due, and the last game of those that came late."""
    keys = {"LATE001": "first_useful_run_at", "LATE004": "last_arrived_at"}
    found = [_moment(one, keys[one.rule]) for one in findings if one.rule in keys]
    return sorted(one for one in found if one is not None)


def _is_race(finding: Finding) -> bool:
    return finding.rule == "DUP001" and finding.detail.get("cause") == "racing_writers"


def _came_of_lateness(finding: Finding, others: Sequence[Finding]) -> bool:
    """Whether a table was doubled by writers that raced when late data had come. What else is wrong with the
    duplicates of a table goes with it.
    """
    races = [one for one in others if _is_race(one) and one.subject == finding.subject]
    first_run = min((at for one in others if one.rule == "LATE001" for at in _arrivals([one])), default=None)
    if first_run is None:
        return False
    return any(
        first_run <= written and any(at <= written <= at + _SOON_AFTER_ARRIVAL for at in _arrivals(others))
        for one in races
        if (written := _moment(one, "first_written_at")) is not None
    )


def _lateness_doubled(stories: Sequence[Story]) -> list[Link]:
    links = []
    for late, doubled in _pairs(stories, "late", "doubled"):
        races = [one for one in doubled.findings if _is_race(one)]
        if not all(_came_of_lateness(one, (*late.findings, *races)) for one in doubled.findings):
            continue
        first = min(at for one in races if (at := _moment(one, "first_written_at")) is not None)
        arrived = max(at for at in _arrivals(late.findings) if at <= first)
        tables = " and ".join(sorted({one.subject for one in races}))
        links.append(
            Link(
                late,
                doubled,
                f"the late data had arrived by {_clock(arrived)} ET, and from {_clock(first)} ET on "
                f"several writers wrote {tables} at once.",
            )
        )
    return links


def _race_drifted(stories: Sequence[Story]) -> list[Link]:
    links = []
    for doubled, document in _pairs(stories, "doubled", "document"):
        count = next((one for one in document.findings if _counts_too_few(one)), None)
        moments = [_moment(one, "completed_at") for one in document.findings if one.rule == "TRIG001"]
        completed_at = next((one for one in moments if one is not None), None)
        if count is None or completed_at is None:
            continue
        delivered = _names(count, "delivered")
        for race in (one for one in doubled.findings if _is_race(one) and one.subject in delivered):
            written = _moment(race, "last_written_at")
            if written is not None and written <= completed_at <= written + _SOON_AFTER_WRITE:
                links.append(
                    Link(
                        doubled,
                        document,
                        f"writers of {race.subject} raced until {_clock(written)} ET, the last report of the night "
                        f"came at {_clock(completed_at)} ET, and of reports that meet in the one document some are "
                        f"not counted: it counts {count.observed or 0:.0f} of {count.expected or 0:.0f}.",
                    )
                )
                break
    return links


def _lateness_left_gaps(stories: Sequence[Story]) -> list[Link]:
    links = []
    for late, delivery in _pairs(stories, "late", "delivery"):
        for arrival in (one for one in late.findings if one.rule == "LATE004"):
            so_far, final = _number(arrival, "arrived_so_far"), _number(arrival, "final_games")
            if so_far is None or final is None or so_far >= final:
                continue
            short = [
                one.subject
                for one in delivery.findings
                if one.rule == "DONE009" and one.subject in _FROM_GAMEBOOKS and one.observed == so_far
            ]
            if short:
                because = (
                    f"{so_far:.0f} of {final:.0f} games have arrived in {arrival.subject} so far, "
                    f"and {' and '.join(short)} has the same {so_far:.0f}."
                )
                links.append(Link(late, delivery, because))
                break
    return links


def _gaps_triggered(stories: Sequence[Story]) -> list[Link]:
    links = []
    for delivery, trigger in _pairs(stories, "delivery", "trigger"):
        left_out = {name for one in trigger.findings if one.rule == "TRIG003" for name in _names(one, "missing")}
        empty = sorted({one.subject for one in delivery.findings if one.subject in left_out})
        if empty:
            because = f"phase 4 was started although {' and '.join(empty)} had not delivered."
            links.append(Link(delivery, trigger, because))
    return links


def _pairs(stories: Sequence[Story], cause: str, effect: str) -> list[tuple[Story, Story]]:
    return [(one, other) for one in stories if one.kind == cause for other in stories if other.kind == effect]


_LINKS: tuple[Callable[[Sequence[Story]], list[Link]], ...] = (
    _lateness_doubled,
    _race_drifted,
    _lateness_left_gaps,
    _gaps_triggered,
)
