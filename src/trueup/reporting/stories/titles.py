"""The titles of stories: one short sentence with numbers. Pure."""

from collections.abc import Callable, Mapping, Sequence

from trueup.plural import counted
from trueup.results.finding import Finding
from trueup.results.reference import Rule

_NAMED = 2


def title_of(findings: Sequence[Finding], rules: Mapping[str, Rule]) -> str:
    """One sentence about the findings. For a rule without a phrase, the title of the rule."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=lambda one: one.rule):
        by_rule.setdefault(finding.rule, []).append(finding)
    phrases = [
        _PHRASES[code](ones) if code in _PHRASES else _unknown(code, ones, rules) for code, ones in by_rule.items()
    ]
    text = "; ".join(dict.fromkeys(phrases))
    # Names of tables and scrapers keep their case.
    return text if text.startswith(tuple(one.subject for one in findings)) else text[:1].upper() + text[1:]


def duration(minutes: float) -> str:
    """Minutes in days, hours and minutes: ``405`` is ``6 h 45 min``, ``4320`` is ``3 d``."""
    whole = round(abs(minutes))
    sign = "−" if minutes < 0 and whole else ""
    days, rest = divmod(whole, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (left, "min")) if count]
    return sign + (" ".join(parts) or "0 min")


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def detail_number(finding: Finding, key: str) -> float | None:
    """A number in the detail; None if there is none."""
    value = finding.detail.get(key)
    return value if isinstance(value, int | float) else None


def _names(findings: Sequence[Finding]) -> str:
    """The subjects: up to two by name, more as a number."""
    subjects = list(dict.fromkeys(one.subject for one in findings))
    return " and ".join(subjects) if len(subjects) <= _NAMED else counted(len(subjects), "processor")


def _sum(findings: Sequence[Finding]) -> int:
    return round(sum(one.observed or 0 for one in findings))


def _in_tables(findings: Sequence[Finding]) -> str:
    subjects = {one.subject for one in findings}
    return min(subjects) if len(subjects) == 1 else counted(len(subjects), "table")


def _late(findings: Sequence[Finding]) -> str:
    worst = duration(max((one.observed or 0) for one in findings))
    if len(findings) == 1:
        return f"{findings[0].subject} was late, {worst} past due"
    return f"{counted(len(findings), 'scraper')} were late, up to {worst} past due"


def _scrapers(verb: str) -> Callable[[Sequence[Finding]], str]:
    def phrase(findings: Sequence[Finding]) -> str:
        return f"{findings[0].subject if len(findings) == 1 else counted(len(findings), 'scraper')} {verb}"

    return phrase


def _arrived(findings: Sequence[Finding]) -> str:
    expected = round(sum(one.expected or 0 for one in findings))
    return f"{_sum(findings)} of {expected} games had arrived at the alert time"


def _doubled(findings: Sequence[Finding]) -> str:
    raced = all(one.detail.get("cause") == "racing_writers" for one in findings)
    return f"rows doubled in {_in_tables(findings)}: {counted(_sum(findings), 'excess row')}" + (
        ", from racing writers" if raced else ""
    )


def _count_drifted(findings: Sequence[Finding]) -> str:
    one = findings[0]
    stored = "nothing" if one.observed is None else f"{one.observed:.0f}"
    return f"document counts {stored} of {one.expected or 0:.0f} processors"


def _games_lack(findings: Sequence[Finding]) -> str:
    if len(findings) == 1:
        one = findings[0]
        return f"{one.subject} has {one.observed or 0:.0f} of {one.expected or 0:.0f} games"
    return f"{counted(len(findings), 'table')} lack games of the schedule"


def _stale(findings: Sequence[Finding]) -> str:
    one = findings[0]
    count = one.observed or 0
    games = detail_number(one, "expected_games") or count
    if detail_number(one, "final_games") == 0:
        what = f"none of its {games:.0f} games is final, so rules that need it could not check the date"
    else:
        what = f"{count:.0f} of {games:.0f} games {'is' if count == 1 else 'are'} neither final nor called off"
    return f"the schedule is stale: {what}"


def _unscheduled(findings: Sequence[Finding]) -> str:
    reports = [one.detail["reported"] for one in findings if isinstance(one.detail.get("reported"), list)]
    if reports or any(detail_number(one, "listed_games") == 0 for one in findings):
        there = _data_without_games(findings, sum(len(one) for one in reports))
        return f"the schedule has no game on this date, but there are {there}"
    games = round(max((detail_number(one, "unscheduled_games") or 0) for one in findings))
    what = counted(games, "game") if games else "games"
    return f"{what} not in the schedule: {counted(_sum(findings), 'row')} in {_in_tables(findings)}"


def _data_without_games(findings: Sequence[Finding], reported: int) -> str:
    rows = [one for one in findings if detail_number(one, "unscheduled_rows")]
    runs = [one for one in findings if one not in rows and detail_number(one, "unscheduled_runs")]
    there = [
        *([f"rows in {_in_tables(rows)}"] if rows else []),
        *([f"useful runs of {counted(len(runs), 'scraper')}"] if runs else []),
        *([f"reports of {counted(reported, 'processor')}"] if reported else []),
    ]
    return listed(there) or "data"


def _values(findings: Sequence[Finding]) -> str:
    return f"unexpected values: {counted(_sum(findings), 'row')} in {_in_tables(findings)}"


def _started_late(findings: Sequence[Finding]) -> str:
    return f"phase 4 was started {duration(max(one.observed or 0 for one in findings))} after the night was complete"


def _unknown(code: str, findings: Sequence[Finding], rules: Mapping[str, Rule]) -> str:
    rule = rules.get(code)
    what = rule.title if rule else f"unknown rule {code}"
    return f"{what}: {counted(len(findings), 'finding')}"


_PHRASES: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "DUP001": _doubled,
    "DUP002": lambda ones: f"the newest row is ambiguous in {_in_tables(ones)}: {counted(_sum(ones), 'tied key')}",
    "DUP003": lambda ones: f"NULL in the key of {counted(_sum(ones), 'row')} in {_in_tables(ones)}",
    "DUP004": lambda ones: f"counted under two game ids in {_in_tables(ones)}",
    "DUP005": lambda ones: f"the newest rows of {_in_tables(ones)} have more NULLs than those they replace",
    "LATE001": _late,
    "LATE002": _scrapers("never ran"),
    "LATE003": _scrapers("ran and returned no data"),
    "LATE004": _arrived,
    "DONE001": _count_drifted,
    "DONE002": lambda ones: f"rows without a report: {_names(ones)}",
    "DONE003": lambda ones: f"reported as done, but no rows: {_names(ones)}",
    "DONE004": lambda ones: f"reported and actual row counts differ: {_names(ones)}",
    "DONE005": lambda ones: f"reported a failure: {_names(ones)}",
    "DONE006": lambda ones: f"unexpected report: {_names(ones)}",
    "DONE007": lambda _: "games were played, but there is no completion document",
    "DONE008": lambda _: "the completion document cannot be read",
    "DONE009": _games_lack,
    "TRIG001": lambda _: "phase 4 was not started",
    "TRIG002": _started_late,
    "TRIG003": lambda _: "phase 4 was started too early",
    "TRIG004": lambda _: "phase 4 was started and wrote nothing",
    "LOCK001": lambda ones: f"a lock was not given back: {_names(ones)}",
    "SCHED001": _stale,
    "SCHED002": _unscheduled,
    "EXP001": _values,
    "EXP002": _values,
    "EXP003": lambda ones: f"trueup's evidence contradicts itself in {_in_tables(ones)}",
    "EXP004": lambda ones: f"trueup's own report contradicts itself in {_in_tables(ones)}",
}
