"""Which stories of a date led to which, and the numbers that show it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from trueup.completion.encoding import parse_timestamp
from trueup.reporting.stories.titles import detail_number, listed
from trueup.results.finding import SEVERITIES, Finding
from trueup.window import EASTERN

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


def counts_too_few(finding: Finding) -> bool:
    """Whether a document counts fewer processors than have delivered."""
    return finding.rule == "DONE001" and (finding.observed or 0) < (finding.expected or 0)


def _moment(finding: Finding, key: str) -> datetime | None:
    """A moment of the detail in UTC; None where there is none, or none that can be read."""
    try:
        moment = parse_timestamp(str(finding.detail.get(key) or ""))
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _names(finding: Finding, key: str) -> tuple[str, ...]:
    """The names that the detail lists; none where it lists none."""
    names = finding.detail.get(key)
    return tuple(str(one) for one in names) if isinstance(names, list | tuple) else ()


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


def came_of_lateness(finding: Finding, others: Sequence[Finding]) -> bool:
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


def _unfinished_left_gaps(stories: Sequence[Story]) -> list[Link]:
    """The tables have the final games alone, and lack those that the schedule never showed as final."""
    links = []
    for stale, delivery in _pairs(stories, "stale", "delivery"):
        for unfinished in stale.findings:
            short = [
                one.subject
                for one in delivery.findings
                if one.rule == "DONE009" and one.subject in _FROM_GAMEBOOKS and _has_final_alone(one, unfinished)
            ]
            if short:
                because = f"{_final_games(unfinished)}, and {_have(short)} as many."
                links.append(Link(stale, delivery, because))
    return links


def _unfinished_did_not_arrive(stories: Sequence[Story]) -> list[Link]:
    links = []
    for stale, late in _pairs(stories, "stale", "late"):
        for unfinished in stale.findings:
            # A scraper that was late is a cause of its own.
            if all(one.rule == "LATE004" and _has_final_alone(one, unfinished) for one in late.findings):
                tables = listed([one.subject for one in late.findings])
                because = f"{_final_games(unfinished)}, and as many had arrived in {tables} at the alert time."
                links.append(Link(stale, late, because))
    return links


def _has_final_alone(finding: Finding, unfinished: Finding) -> bool:
    """Whether there are as many games as are final, of those that the schedule expects."""
    final, games = detail_number(unfinished, "final_games"), detail_number(unfinished, "expected_games")
    return None not in (final, games) and (finding.observed, finding.expected) == (final, games)


def _final_games(unfinished: Finding) -> str:
    final, games = detail_number(unfinished, "final_games") or 0, detail_number(unfinished, "expected_games") or 0
    return f"the schedule shows {final:.0f} of {games:.0f} games as final"


def _have(tables: Sequence[str]) -> str:
    return f"{listed(tables)} {'has' if len(tables) == 1 else 'have'}"


def _unscheduled_left_gaps(stories: Sequence[Story]) -> list[Link]:
    """Rows under a name that the schedule does not have are missed under the one that it has."""
    links = []
    for unscheduled, delivery in _pairs(stories, "unscheduled", "delivery"):
        games = {one.subject: detail_number(one, "unscheduled_games") or 0 for one in unscheduled.findings}
        short = [
            one.subject
            for one in delivery.findings
            if one.rule == "DONE009" and 0 < (one.expected or 0) - (one.observed or 0) == games.get(one.subject)
        ]
        if short:
            because = f"{_have(short)} rows of games that the schedule does not have, as many as are missing there."
            links.append(Link(unscheduled, delivery, because))
    return links


def _lateness_doubled(stories: Sequence[Story]) -> list[Link]:
    links = []
    for late, doubled in _pairs(stories, "late", "doubled"):
        races = [one for one in doubled.findings if _is_race(one)]
        if not all(came_of_lateness(one, (*late.findings, *races)) for one in doubled.findings):
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
        count = next((one for one in document.findings if counts_too_few(one)), None)
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
            so_far, due = detail_number(arrival, "arrived_so_far"), detail_number(arrival, "due_games")
            if so_far is None or due is None or so_far >= due:
                continue
            short = [
                one.subject
                for one in delivery.findings
                if one.rule == "DONE009" and one.subject in _FROM_GAMEBOOKS and one.observed == so_far
            ]
            if short:
                because = (
                    f"{so_far:.0f} of {due:.0f} games have arrived in {arrival.subject} so far, "
                    f"and {_have(short)} the same {so_far:.0f}."
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


LINKS: tuple[Callable[[Sequence[Story]], list[Link]], ...] = (
    _unfinished_left_gaps,
    _unfinished_did_not_arrive,
    _unscheduled_left_gaps,
    _lateness_doubled,
    _race_drifted,
    _lateness_left_gaps,
    _gaps_triggered,
)
