"""Links between stories of a date, from cause to effect, with the numbers that show them. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from trueup.completion.encoding import parse_timestamp
from trueup.reporting.stories.titles import detail_number, listed
from trueup.results.finding import SEVERITIES, Finding
from trueup.window import EASTERN

# Phase 3 builds these tables from the games in the gamebooks.
_FROM_GAMEBOOKS = frozenset({"player_game_summary", "team_offense_game_summary", "team_defense_game_summary"})
# Events after these times are not linked to the arrival or the write.
_SOON_AFTER_ARRIVAL = timedelta(hours=1)
_SOON_AFTER_WRITE = timedelta(minutes=30)


@dataclass(frozen=True)
class Story:
    """Findings of one date with one cause, worst first. ``title``: one sentence with numbers."""

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
    """One story caused another. ``because``: the numbers that show it, timestamps in Eastern time."""

    cause: Story
    effect: Story
    because: str


def counts_too_few(finding: Finding) -> bool:
    """Whether a document counts fewer processors than have delivered."""
    return finding.rule == "DONE001" and (finding.observed or 0) < (finding.expected or 0)


def _timestamp(finding: Finding, key: str) -> datetime | None:
    """A timestamp of the detail in UTC; None if it is missing or invalid."""
    try:
        timestamp = parse_timestamp(str(finding.detail.get(key) or ""))
        return timestamp.astimezone(UTC) if timestamp.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _names(finding: Finding, key: str) -> tuple[str, ...]:
    """A list of names in the detail; empty if there is none."""
    names = finding.detail.get(key)
    return tuple(str(one) for one in names) if isinstance(names, list | tuple) else ()


def _clock(timestamp: datetime) -> str:
    local = timestamp.astimezone(EASTERN)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _arrivals(findings: Iterable[Finding]) -> list[datetime]:
    """When late data arrived: the first useful run after due, and the last late game. Sorted."""
    keys = {"LATE001": "first_useful_run_at", "LATE004": "last_arrived_at"}
    found = [_timestamp(one, keys[one.rule]) for one in findings if one.rule in keys]
    return sorted(one for one in found if one is not None)


def _is_race(finding: Finding) -> bool:
    return finding.rule == "DUP001" and finding.detail.get("cause") == "racing_writers"


def caused_by_lateness(finding: Finding, others: Sequence[Finding]) -> bool:
    """Whether racing writers doubled the finding's table when late data arrived; holds for all its duplicates."""
    races = [one for one in others if _is_race(one) and one.subject == finding.subject]
    first_run = min((at for one in others if one.rule == "LATE001" for at in _arrivals([one])), default=None)
    if first_run is None:
        return False
    return any(
        first_run <= written and any(at <= written <= at + _SOON_AFTER_ARRIVAL for at in _arrivals(others))
        for one in races
        if (written := _timestamp(one, "first_written_at")) is not None
    )


def _unfinished_left_gaps(stories: Sequence[Story]) -> Iterator[Link]:
    """The tables have only the final games: they lack the games that the schedule never showed as final."""
    for stale, delivery in _pairs(stories, "stale", "delivery"):
        for unfinished in stale.findings:
            short = [
                one.subject
                for one in delivery.findings
                if one.rule == "DONE009" and one.subject in _FROM_GAMEBOOKS and _has_final_alone(one, unfinished)
            ]
            if short:
                because = f"{_final_games(unfinished)}, and {_have(short)} the same number."
                yield Link(stale, delivery, because)


def _unfinished_did_not_arrive(stories: Sequence[Story]) -> Iterator[Link]:
    for stale, late in _pairs(stories, "stale", "late"):
        for unfinished in stale.findings:
            # A late scraper is another cause.
            if all(one.rule == "LATE004" and _has_final_alone(one, unfinished) for one in late.findings):
                tables = listed([one.subject for one in late.findings])
                because = f"{_final_games(unfinished)}, and {tables} had the same number at the alert time."
                yield Link(stale, late, because)


def _has_final_alone(finding: Finding, unfinished: Finding) -> bool:
    """Whether ``observed`` counts final games and ``expected`` scheduled games."""
    final, games = detail_number(unfinished, "final_games"), detail_number(unfinished, "expected_games")
    return None not in (final, games) and (finding.observed, finding.expected) == (final, games)


def _final_games(unfinished: Finding) -> str:
    final, games = detail_number(unfinished, "final_games") or 0, detail_number(unfinished, "expected_games") or 0
    return f"the schedule shows {final:.0f} of {games:.0f} games as final"


def _have(tables: Sequence[str]) -> str:
    return f"{listed(tables)} {'has' if len(tables) == 1 else 'have'}"


def _unscheduled_left_gaps(stories: Sequence[Story]) -> Iterator[Link]:
    """Rows under an unknown game id are missing under the id in the schedule."""
    for unscheduled, delivery in _pairs(stories, "unscheduled", "delivery"):
        games = {one.subject: detail_number(one, "unscheduled_games") or 0 for one in unscheduled.findings}
        short = [
            one.subject
            for one in delivery.findings
            if one.rule == "DONE009" and 0 < (one.expected or 0) - (one.observed or 0) == games.get(one.subject)
        ]
        if short:
            because = (
                f"{_have(short)} rows of games that are not in the schedule, and as many scheduled games are missing."
            )
            yield Link(unscheduled, delivery, because)


def _lateness_doubled(stories: Sequence[Story]) -> Iterator[Link]:
    for late, doubled in _pairs(stories, "late", "doubled"):
        races = [one for one in doubled.findings if _is_race(one)]
        if not all(caused_by_lateness(one, (*late.findings, *races)) for one in doubled.findings):
            continue
        first = min(at for one in races if (at := _timestamp(one, "first_written_at")) is not None)
        arrived = max(at for at in _arrivals(late.findings) if at <= first)
        tables = " and ".join(sorted({one.subject for one in races}))
        yield Link(
            late,
            doubled,
            f"the late data had arrived by {_clock(arrived)} ET, and from {_clock(first)} ET "
            f"several writers wrote {tables} at the same time.",
        )


def _race_drifted(stories: Sequence[Story]) -> Iterator[Link]:
    for doubled, document in _pairs(stories, "doubled", "document"):
        count = next((one for one in document.findings if counts_too_few(one)), None)
        completions = [_timestamp(one, "completed_at") for one in document.findings if one.rule == "TRIG001"]
        completed_at = next((one for one in completions if one is not None), None)
        if count is None or completed_at is None:
            continue
        delivered = _names(count, "delivered")
        for race in (one for one in doubled.findings if _is_race(one) and one.subject in delivered):
            written = _timestamp(race, "last_written_at")
            if written is not None and written <= completed_at <= written + _SOON_AFTER_WRITE:
                yield Link(
                    doubled,
                    document,
                    f"writers of {race.subject} raced until {_clock(written)} ET, and the last report came at "
                    f"{_clock(completed_at)} ET. Reports written at the same time can be lost from the count: the "
                    f"document counts {count.observed or 0:.0f} of {count.expected or 0:.0f}.",
                )
                break


def _lateness_left_gaps(stories: Sequence[Story]) -> Iterator[Link]:
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
                    f"and {_have(short)} the same number."
                )
                yield Link(late, delivery, because)
                break


def _gaps_triggered(stories: Sequence[Story]) -> Iterator[Link]:
    for delivery, trigger in _pairs(stories, "delivery", "trigger"):
        left_out = {name for one in trigger.findings if one.rule == "TRIG003" for name in _names(one, "missing")}
        empty = sorted({one.subject for one in delivery.findings if one.subject in left_out})
        if empty:
            because = f"phase 4 was started although {' and '.join(empty)} had not delivered."
            yield Link(delivery, trigger, because)


def _pairs(stories: Sequence[Story], cause: str, effect: str) -> list[tuple[Story, Story]]:
    return [(one, other) for one in stories if one.kind == cause for other in stories if other.kind == effect]


LINKS: tuple[Callable[[Sequence[Story]], Iterator[Link]], ...] = (
    _unfinished_left_gaps,
    _unfinished_did_not_arrive,
    _unscheduled_left_gaps,
    _lateness_doubled,
    _race_drifted,
    _lateness_left_gaps,
    _gaps_triggered,
)
