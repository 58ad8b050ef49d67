"""A scenario seen at every moment: when a pulse every five minutes would have told each finding, and closed it.

Between two changes of the data only the time moves. There, pulses that say the same at both ends of a stretch are not
made in between; where the ends differ, the stretch is halved.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trueup.gateways.embedded import published_endpoint
from trueup.reporting.alerts.change import Noted, find_change
from trueup.reporting.alerts.state import Sent
from trueup.results.report import Report
from trueup.results.told import Telling, Told
from trueup.runs.loading import fill, write_documents
from trueup.runs.pulse.pulse import MEMORY, run_pulse
from trueup.runs.variables import judge_settings
from trueup.runs.workplace import Workplace
from trueup.scenario.moments import documents_at, moments, rows_at
from trueup.scenario.scenario import Scenario
from trueup.temporary import temporary_folder
from trueup.window import PULSE_DAYS, Window

EVERY = timedelta(minutes=5)


def timeline(work: Workplace, scenario: Scenario) -> Iterator[Told]:
    """What pulses tell from the begin of the first day to the scenario's time. ``work``: a run on the scenario, whose
    tables and documents are replaced.
    """
    with temporary_folder() as folder:
        yield from _told(_Stage(work, scenario, folder).reports())


def _told(reports: Iterable[Report]) -> Iterator[Told]:
    """What changes from one report to the next, as alerts tell it."""
    sent = Sent()
    for report in reports:
        change = find_change(sent, report)
        if change.is_news:
            sent = change.after
        at = report.window.as_of
        told: list[tuple[Telling, Noted]] = [*(("told", one) for one in change.new)]
        told += [("worse", one) for one in change.worse]
        for kind, noted in told:
            one = noted.finding
            yield Told(at, kind, one.rule, one.game_date, one.subject, one.severity, one.summary)
        for gone in change.resolved:
            row = gone.row
            yield Told(at, "closed", row.rule, row.game_date, row.subject, row.severity, gone.note)


class _Stage:
    """The warehouse and the documents of a scenario, at one moment after the other."""

    def __init__(self, work: Workplace, scenario: Scenario, folder: Path) -> None:
        self._work = work
        self._scenario = scenario
        self._folder = folder
        self._zone = judge_settings(work.settings).zone
        self._ticks: list[datetime] = []
        self._shown: Mapping[str, object] = {name: [] for name in scenario.tables}

    def reports(self) -> Iterator[Report]:
        """The reports of the pulses that can differ from the one before, in order."""
        settings = self._work.settings
        assert settings.completions is not None
        # From empty tables on; rows only come.
        fill(replace(self._scenario, tables={}), settings.project_dir, published_endpoint(), settings.completions)
        stretches = self._stretches()
        self._ticks = [at for ticks in stretches for at in ticks]
        self._work.listener.start(f"Pulses of {self._scenario.name}, every five minutes")
        for ticks in stretches:
            self._show(ticks[0])
            seen: dict[datetime, Report] = {}

            def pulse(at: datetime, seen: dict[datetime, Report] = seen) -> Report:
                if at not in seen:
                    seen[at] = self._pulse(at)
                return seen[at]

            _explore(ticks, pulse)
            yield from (seen[at] for at in sorted(seen))

    def _stretches(self) -> list[list[datetime]]:
        """The times of pulses, in stretches in which neither the data nor the days change."""
        scenario = self._scenario
        first = datetime.combine(scenario.first_date, datetime.min.time(), self._zone).astimezone(UTC)
        changes = moments(scenario, self._work.schemas)
        found: list[list[datetime]] = []
        at, before = first, None
        over = datetime.combine(scenario.last_date + timedelta(days=PULSE_DAYS), datetime.min.time(), self._zone)
        while at <= scenario.as_of and at < over:
            state = (sum(change <= at for change in changes), at.astimezone(self._zone).date())
            if state != before:
                found.append([])
            found[-1].append(at)
            before, at = state, at + EVERY
        if found and found[-1][-1] < scenario.as_of < over:
            found[-1].append(scenario.as_of)  # the moment of the check, which the last pulse must agree with
        return found

    def _show(self, moment: datetime) -> None:
        """Make the data those of a moment."""
        now = rows_at(self._scenario, self._work.schemas, moment)
        for name, rows in now.items():
            if rows != self._shown.get(name):
                dataset, table = name.split(".")
                self._work.tables.load(dataset, table, rows, is_replacing=True)
        self._shown = now
        for memory in self._folder.glob(f"*/{MEMORY}"):
            memory.unlink()
        file = self._work.settings.completions
        assert file is not None
        for part in file.parent.glob(f"{file.name}*"):  # with SQLite's log; no pulse is reading it
            part.unlink()
        write_documents(self._scenario.name, documents_at(self._scenario, moment), file)

    def _pulse(self, at: datetime) -> Report:
        window = self._window(at)
        work = replace(self._work, settings=replace(self._work.settings, window=window))
        done = bisect(self._ticks, at)
        self._work.listener.node(f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}", done, len(self._ticks))
        days = str(len(window.dates))
        programs = work.settings.state_dir / "timeline" / days  # the next timeline takes them
        return run_pulse(work, self._folder / days, knows_changes=True, programs=programs)

    def _window(self, at: datetime) -> Window:
        """The days of a pulse. Of other days than its own, a scenario says nothing."""
        today, scenario = at.astimezone(self._zone).date(), self._scenario
        first = max(today - timedelta(days=PULSE_DAYS - 1), scenario.first_date)
        return Window(first, min(today, scenario.last_date), at)


def _explore(ticks: list[datetime], pulse: Callable[[datetime], Report]) -> None:
    """Make the pulses of a stretch in which a report changes. Time alone takes nothing back: see _says."""
    first, last = ticks[0], ticks[-1]
    if len(ticks) > 2 and _says(pulse(first)) != _says(pulse(last)):
        middle = len(ticks) // 2
        _explore(ticks[: middle + 1], pulse)
        _explore(ticks[middle:], pulse)
    elif len(ticks) <= 2:
        pulse(first)
        pulse(last)


def _says(report: Report) -> object:
    """What a report tells. What becomes due stays due, so that two equal reports have only equal ones between them."""
    return (
        {(one.fingerprint, one.severity, one.waived_because) for one in report.findings},
        {(one.rule, one.game_date, one.outcome, one.is_blocking) for one in report.outcomes},
        report.problems,
        report.open_dates,
    )
