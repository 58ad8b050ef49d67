"""A scenario seen at every moment: when a pulse every five minutes would have told each finding, and closed it.

Between two changes of the data only the time moves. There, pulses that say the same at both ends of a stretch are not
made in between; where the ends differ, the stretch is halved.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import local
from zoneinfo import ZoneInfo

from trueup.gateways.embedded import Endpoint
from trueup.reporting.alerts.change import Noted, find_change
from trueup.reporting.alerts.state import Sent
from trueup.results.report import Report
from trueup.results.told import Telling, Told
from trueup.runs.loading import fill, write_documents
from trueup.runs.pulse.pulse import MEMORY, compile_ahead, run_pulse
from trueup.runs.variables import judge_settings
from trueup.runs.wiring import elsewhere
from trueup.runs.workplace import Workplace
from trueup.scenario.moments import documents_at, moments, rows_at
from trueup.scenario.scenario import Scenario
from trueup.schemas import TableSchema
from trueup.temporary import temporary_folder
from trueup.window import PULSE_DAYS, Window

EVERY = timedelta(minutes=5)


def timeline(work: Workplace, scenario: Scenario, warehouses: Sequence[Endpoint]) -> Iterator[Told]:
    """What pulses tell from the begin of the first day to the scenario's time. ``work``: a run on the scenario.

    ``warehouses``: embedded ones beside that of the run. Their tables are replaced, and they share the pulses: each
    executes one statement at a time.
    """
    with temporary_folder() as folder, ExitStack() as opened:
        stages = []
        for place, endpoint in enumerate(warehouses):
            own = folder / str(place)
            own.mkdir()
            moved = opened.enter_context(elsewhere(work, endpoint, own / "completions.db"))
            stages.append(_Stage(moved, scenario, endpoint, own))
        yield from _told(_reports(_Times(scenario, judge_settings(work.settings).zone), work, stages))


def _reports(times: "_Times", work: Workplace, stages: "Sequence[_Stage]") -> Iterator[Report]:
    """The reports of the pulses that can differ from the one before, in order."""
    stretches = times.stretches(work.schemas)
    # dbt can work in one thread only, so before all others.
    for window in {len(one.dates): one for ticks in stretches for one in map(times.window, ticks)}.values():
        compile_ahead(_pulsing(work, window), _programs(work, window))
    work.listener.start(f"Pulses of {times.scenario.name}, every five minutes")

    own, free = local(), iter(stages)

    def take_stage() -> None:
        own.stage = next(free)

    def explored(ticks: list[datetime]) -> list[Report]:
        stage: _Stage = own.stage
        return stage.reports(ticks, times)

    with ThreadPoolExecutor(len(stages), "pulses", take_stage) as pool:
        try:
            # Each thread takes them in order, so that its stage does not go back in time.
            for done, (ticks, reports) in enumerate(zip(stretches, pool.map(explored, stretches), strict=True), 1):
                work.listener.node(f"{ticks[-1].astimezone(times.zone):%Y-%m-%d %H:%M}", done, len(stretches))
                yield from reports
        finally:
            pool.shutdown(cancel_futures=True)


def _pulsing(work: Workplace, window: Window) -> Workplace:
    return replace(work, settings=replace(work.settings, window=window))


def _programs(work: Workplace, window: Window) -> Path:
    """What was compiled for as many days; the next timeline takes it."""
    return work.settings.state_dir / "timeline" / str(len(window.dates))


@dataclass(frozen=True)
class _Times:
    """When there are pulses of a scenario, and of which days. ``zone``: of the platform's days."""

    scenario: Scenario
    zone: ZoneInfo

    def stretches(self, schemas: Mapping[str, TableSchema]) -> list[list[datetime]]:
        """The times of pulses, in stretches in which neither the data nor the days change."""
        scenario = self.scenario
        first = datetime.combine(scenario.first_date, datetime.min.time(), self.zone).astimezone(UTC)
        changes = moments(scenario, schemas)
        found: list[list[datetime]] = []
        at, before = first, None
        over = datetime.combine(scenario.last_date + timedelta(days=PULSE_DAYS), datetime.min.time(), self.zone)
        while at <= scenario.as_of and at < over:
            state = (sum(change <= at for change in changes), at.astimezone(self.zone).date())
            if state != before:
                found.append([])
            found[-1].append(at)
            before, at = state, at + EVERY
        if found and found[-1][-1] < scenario.as_of < over:
            found[-1].append(scenario.as_of)  # the moment of the check, which the last pulse must agree with
        return found

    def window(self, at: datetime) -> Window:
        """The days of a pulse. Of other days than its own, a scenario says nothing."""
        today, scenario = at.astimezone(self.zone).date(), self.scenario
        first = max(today - timedelta(days=PULSE_DAYS - 1), scenario.first_date)
        return Window(first, min(today, scenario.last_date), at)


class _Stage:
    """The warehouse and the documents of a scenario, at one moment after the other. ``work``: a run on them."""

    def __init__(self, work: Workplace, scenario: Scenario, endpoint: Endpoint, folder: Path) -> None:
        self._work = work
        self._scenario = scenario
        self._endpoint = endpoint
        self._folder = folder
        self._shown: Mapping[str, object] | None = None

    def reports(self, ticks: list[datetime], times: _Times) -> list[Report]:
        """The reports of a stretch, in order, of the pulses that can differ from the one before."""
        self._show(ticks[0])
        seen: dict[datetime, Report] = {}

        def pulse(at: datetime) -> Report:
            if at not in seen:
                window = times.window(at)
                work, own = _pulsing(self._work, window), self._folder / str(len(window.dates))
                seen[at] = run_pulse(work, own, knows_changes=True, programs=_programs(work, window))
            return seen[at]

        _explore(ticks, pulse)
        return [seen[at] for at in sorted(seen)]

    def _show(self, moment: datetime) -> None:
        """Make the data those of a moment."""
        settings = self._work.settings
        file = settings.completions
        assert file is not None
        if self._shown is None:
            # From empty tables on; rows only come.
            fill(replace(self._scenario, tables={}), settings.project_dir, self._endpoint, file)
            self._shown = {name: [] for name in self._scenario.tables}
        now = rows_at(self._scenario, self._work.schemas, moment)
        for name, rows in now.items():
            if rows != self._shown.get(name):
                dataset, table = name.split(".")
                self._work.tables.load(dataset, table, rows, is_replacing=True)
        self._shown = now
        for memory in self._folder.glob(f"*/{MEMORY}"):
            memory.unlink()
        for part in file.parent.glob(f"{file.name}*"):  # with SQLite's log; no pulse is reading it
            part.unlink()
        write_documents(self._scenario.name, documents_at(self._scenario, moment), file)


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
