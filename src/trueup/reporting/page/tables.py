"""The tables of the page: calendar, service levels, expectations, not run, costs. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from trueup.plural import counted
from trueup.reporting.page import wording
from trueup.reporting.page.charts import LevelChart, level_chart
from trueup.reporting.page.links import beside
from trueup.results.finding import SEVERITIES, Finding, by_severity
from trueup.results.outcome import RuleOutcome
from trueup.results.reference import Rule
from trueup.results.report import Cost, ErrorBudget, Report, ServiceLevel, SuiteResult

COSTS_SHOWN = 15
_DATES_SHOWN = 3
_DAYS_OF_MONTH = 30
# Of a cell: its CSS class, its word, and its text in the legend.
STATES = (
    ("p", "passed", "passed"),
    ("e", "failed", "failed: an error"),
    ("w", "warning", "failed: a warning"),
    ("i", "information", "failed: information, or waived"),
    ("b", "could not check", "could not check"),
    ("n", "nothing to examine", "nothing to examine"),
    ("u", "no outcome", "not part of this run"),
)
_WORST = {"error": "e", "warn": "w", "info": "i"}


@dataclass(frozen=True)
class Cell:
    """One rule on one date. ``anchor``: the anchor of its worst finding, "" if it has none."""

    state: str
    anchor: str


@dataclass(frozen=True)
class CalendarRow:
    """One rule over the days of the window."""

    rule: str
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Calendar:
    """Rules by family, days by month, oldest first."""

    months: tuple[tuple[str, int], ...]
    days: tuple[date, ...]
    families: tuple[tuple[str, tuple[CalendarRow, ...]], ...]
    words: Mapping[str, str]
    legend: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class BudgetView:
    """How much of an error budget is burned. ``filled``: of a bar, 0 to 100, None for no bar; ``text``: the same in
    words; ``is_over``: whether more is burned than there was.
    """

    period: str
    filled: int | None
    text: str
    is_over: bool = False


@dataclass(frozen=True)
class LevelView:
    """One service level: its newest value, and all values as a chart and a table."""

    rule: str
    metric: str
    value: str
    day: str
    target: str
    alert_when: str
    state: str
    grade: str
    mark: str
    history: str
    chart: LevelChart
    rows: tuple[tuple[str, str, str], ...]
    budgets: tuple[BudgetView, ...]


@dataclass(frozen=True)
class NotRun:
    """One reason why rules were not run, with the rules and their dates."""

    is_blocking: bool
    reason: str
    rules: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Costs:
    """The costs of the checks, most expensive first: shown costs, folded costs, and the sums.

    Each cost is followed by its time, and the bytes that it read and that are billed. ``billed``: those of this check,
    of each of its days, and of a month with a check each day.
    """

    shown: tuple[tuple[Cost, str, str, str], ...]
    folded: tuple[tuple[Cost, str, str, str], ...]
    seconds: str
    size: str
    is_measured: bool
    billed: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str], ...]


# Of a service level: its text, CSS class, symbol, and short text.
_LEVEL_STATES = {
    "met": ("target met", "ok", "✓", "met"),
    "missed": ("target missed, alert not reached", "warn", "▲", "missed"),
    "alert": ("past its alert", "error", "✕", "past the alert"),
    "not_run": ("not measured", "idle", "", "not measured"),
}


def calendar_of(report: Report, rules: Mapping[str, Rule]) -> Calendar:
    """The outcome of each rule on each day; rules without an outcome have a row too."""
    days = report.window.dates
    outcomes = {(one.rule, one.game_date): one for one in report.outcomes}
    worst: dict[tuple[str, date], Finding] = {}
    for finding in by_severity(report.findings):
        worst.setdefault((finding.rule, finding.game_date), finding)
    codes = list(dict.fromkeys([*rules, *sorted({code for code, _ in (*outcomes, *worst)})]))
    families: dict[str, list[CalendarRow]] = {}
    for code in codes:
        rule = rules.get(code)
        cells = tuple(_cell(outcomes.get((code, day)), worst.get((code, day))) for day in days)
        row = CalendarRow(code, rule.title if rule else "unknown rule", cells)
        families.setdefault(wording.plain(rule.family) if rule else "other rules", []).append(row)
    used = {cell.state for rows in families.values() for row in rows for cell in row.cells}
    return Calendar(
        months=tuple((name, len(list(group))) for name, group in groupby(f"{day:%b %Y}" for day in days)),
        days=days,
        families=tuple((name, tuple(rows)) for name, rows in families.items()),
        words={state: word for state, word, _ in STATES},
        legend=tuple((state, says) for state, _, says in STATES if state in used),
    )


def _cell(outcome: RuleOutcome | None, finding: Finding | None) -> Cell:
    if finding is not None:
        return Cell(_WORST[finding.severity], f"f-{finding.fingerprint[:12]}")
    if outcome is None:
        return Cell("u", "")
    if outcome.outcome == "not_run":
        return Cell("b" if outcome.is_blocking else "n", "")
    return Cell("p" if outcome.outcome == "passed" else "e", "")


def levels_of(levels: Sequence[ServiceLevel], budgets: Sequence[ErrorBudget]) -> tuple[LevelView, ...]:
    """The service levels by rule and metric, with their error budgets."""
    ordered = sorted(levels, key=lambda one: (one.rule, one.metric, one.game_date))
    return tuple(
        _level(list(days), [one for one in budgets if one.rule == rule])
        for (rule, _), days in groupby(ordered, key=lambda one: (one.rule, one.metric))
    )


def _budget(budget: ErrorBudget) -> BudgetView:
    period = f"{budget.period_days} days"
    burned = budget.burn_percent
    if burned is None or not budget.measured_count:
        return BudgetView(period, None, "not measured")
    days = f"{budget.missed_count} of {counted(budget.measured_count, 'measured day')} missed the target"
    if 2 * budget.measured_count < budget.period_days:  # one bad day of one would be 2000 %
        return BudgetView(period, None, f"{days}: too few days for a budget")
    return BudgetView(period, min(100, round(burned)), f"{days}: {burned:.0f} % of the error budget", burned > 100)


def _level(days: Sequence[ServiceLevel], budgets: Sequence[ErrorBudget]) -> LevelView:
    newest = days[-1]
    state, grade, mark, _ = _LEVEL_STATES.get(newest.state, (wording.plain(newest.state), "idle", "", ""))
    counts = [(word, sum(one.state == name for one in days)) for name, (*_, word) in _LEVEL_STATES.items()]
    return LevelView(
        rule=newest.rule,
        metric=wording.plain(newest.metric),
        value=_value(newest),
        day=f"{newest.game_date}",
        target=wording.measure(newest.target_value, newest.unit),
        alert_when=newest.alert_when,
        state=state,
        grade=grade,
        mark=mark,
        history=f"Of {len(days)} days: {', '.join(f'{word} on {count}' for word, count in counts if count)}.",
        chart=level_chart(days),
        rows=tuple(
            (f"{one.game_date}", _value(one), _LEVEL_STATES.get(one.state, (wording.plain(one.state),))[0])
            for one in reversed(days)
        ),
        budgets=tuple(map(_budget, sorted(budgets, key=lambda one: one.period_days))),
    )


def _value(level: ServiceLevel) -> str:
    return "–" if level.value is None else wording.measure(level.value, level.unit)


def suites_of(suites: Sequence[SuiteResult]) -> tuple[tuple[SuiteResult, str], ...]:
    """The suites, failed ones first, each with the path of its page."""
    ordered = sorted(suites, key=lambda one: (-one.failed_count, -len(one.unexamined), one.rule, one.name))
    return tuple((one, beside(one.page)) for one in ordered)


def not_run_of(report: Report) -> tuple[NotRun, ...]:
    """The rules that were not run, by reason; blocking reasons first."""
    reasons: dict[tuple[bool, str], dict[str, list[date]]] = {}
    for one in report.outcomes:
        if one.outcome == "not_run":
            key = (not one.is_blocking, one.reason or "no reason given")
            reasons.setdefault(key, {}).setdefault(one.rule, []).append(one.game_date)
    return tuple(
        NotRun(not is_idle, reason, tuple((rule, _dates(days)) for rule, days in sorted(rules.items())))
        for (is_idle, reason), rules in sorted(reasons.items(), key=lambda one: one[0])
    )


def absent_rules(report: Report, rules: Mapping[str, Rule]) -> tuple[str, ...]:
    """The rules without an outcome in the report."""
    return tuple(sorted(set(rules) - {one.rule for one in report.outcomes}))


def _dates(days: Iterable[date]) -> str:
    """Dates as spans: ``2026-02-01 to 2026-02-04, 2026-02-07``; after three spans the number of further days."""
    spans: list[list[date]] = []
    for day in sorted(set(days)):
        if spans and day.toordinal() - spans[-1][1].toordinal() == 1:
            spans[-1][1] = day
        else:
            spans.append([day, day])
    shown = ", ".join(wording.day_span(first, last) for first, last in spans[:_DATES_SHOWN])
    more = sum((last - first).days + 1 for first, last in spans[_DATES_SHOWN:])
    return f"{shown} and {counted(more, 'more day')}" if more else shown


def costs_of(report: Report) -> Costs:
    """The costs, most expensive first: by billed bytes, then by bytes read, then by seconds."""
    ordered = sorted(
        report.costs, key=lambda one: (-(one.bytes_billed or 0), -(one.bytes_processed or 0), -one.seconds, one.name)
    )
    rows = tuple(
        (one, wording.seconds(one.seconds), wording.size(one.bytes_processed), wording.size(one.bytes_billed))
        for one in ordered
    )
    measured = [one.bytes_processed for one in ordered if one.bytes_processed is not None]
    billed = [one.bytes_billed for one in ordered if one.bytes_billed is not None]
    return Costs(
        shown=rows[:COSTS_SHOWN],
        folded=rows[COSTS_SHOWN:],
        seconds=wording.seconds(sum(one.seconds for one in ordered)),
        size=wording.size(sum(measured)) if measured else "not measured",
        is_measured=bool(measured),
        billed=_billed(sum(billed), len(report.window.dates)) if billed else (),
        steps=tuple((name, wording.seconds(value)) for name, value in report.seconds.items()),
    )


def _billed(count: int, days: int) -> tuple[tuple[str, str], ...]:
    """The billed bytes of a check of some days: in all, of each day, and of a month with a check each day."""
    return (
        ("Billed for this check", wording.size(count)),
        ("for each of its days", wording.size(round(count / days))),
        ("for a month of daily checks", wording.size(count * _DAYS_OF_MONTH)),
    )


def severities_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The severities that occur, worst first."""
    return tuple(sorted({one.severity for one in findings}, key=SEVERITIES.index))
