"""Runs the suites: the warehouse counts, Great Expectations validates, and both become verdicts."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from trueup.errors import CannotCheckError, UsageError
from trueup.expectations.counts import SuiteCounts, SuiteTables
from trueup.expectations.kinds import parameter_of
from trueup.expectations.queries import UNCOUNTED_GAMES, batch_query, rows_query
from trueup.expectations.suites import Suite, declared_suites, read_suites, refuse_missing_suites
from trueup.expectations.verdicts import SuiteRun, Validator, VerdictContext, judge_suite, not_validated
from trueup.results.bytes import NO_BYTES, Bytes
from trueup.results.reference import REPORTING, Reference
from trueup.results.report import Cost, SuiteResult
from trueup.results.verdict import Verdict
from trueup.window import Window

# Suites at once: each waits for its own queries most of the time.
SUITES_AT_ONCE = 16
# The cost of what all suites share.
ALL_SUITES = "counts of all suites"


@dataclass(frozen=True)
class Examination:
    """The result of the suites. ``data_docs``: the index of Data Docs ("" if there is none); ``notes``: the reasons."""

    verdicts: tuple[Verdict, ...] = ()
    suites: tuple[SuiteResult, ...] = ()
    costs: tuple[Cost, ...] = ()
    data_docs: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Step:
    """A suite after counting or after validation, and its cost so far."""

    run: SuiteRun
    cost: Cost
    bytes: Bytes = NO_BYTES


class Examiner:
    """The suites of one run, with one Data Docs site. ``open_validator``: imports and opens Great Expectations;
    ``relation``: ``project.dataset`` of our models; ``is_measured``: whether the warehouse measures bytes;
    ``left_out``: why no suite is run ("" if the suites are run).

    Raises UsageError for a suite that is invalid or missing, or has an unknown rule or parameter.
    """

    def __init__(
        self,
        tables: SuiteTables,
        open_validator: Callable[[], Validator],
        *,
        project_dir: Path,
        relation: str,
        window: Window,
        reference: Reference,
        is_measured: bool,
        left_out: str = "",
    ) -> None:
        self._tables = tables
        self._open_validator = open_validator
        self._relation = relation
        self._window = window
        self._rules = reference.rules
        self._is_measured = is_measured
        self.left_out = left_out
        self._folder = project_dir / "expectations"
        self._suites = read_suites(self._folder)
        self._parameters = {"team_codes": list(reference.teams)}
        self._opening: Future[Validator] | None = None
        self._counts = SuiteCounts(tables, relation, window, self._parameters)
        refuse_missing_suites(self._suites, declared_suites(project_dir / "models"), self._folder)
        for suite in self._suites:
            self._refuse_unknown(suite)

    def prepare(self) -> None:
        """Start importing Great Expectations in the background; it takes seconds."""
        if not self.left_out:
            self._open()

    def examine_data(
        self, unbuilt: frozenset[str] = frozenset(), unwritten: frozenset[str] = frozenset()
    ) -> Examination:
        """Run every suite except those of the report. ``unbuilt``: models that this run did not build, so their tables
        are stale; ``unwritten``: tables that this command does not write, so they need no rows.
        """
        suites = [one for one in self._suites if not self._is_of_report(one)]
        return self._examine(
            [replace(one, needs_rows_each_date=False) if one.table in unwritten else one for one in suites], unbuilt
        )

    def examine_report(self, unbuilt: frozenset[str] = frozenset()) -> Examination:
        """Run the suites of the report, which this run has written."""
        return self._examine([one for one in self._suites if self._is_of_report(one)], unbuilt)

    def _is_of_report(self, suite: Suite) -> bool:
        """Whether a suite reads the tables of the report, which exist only after the run has built the report."""
        return self._rules[suite.rule].family == REPORTING

    def publish(self) -> tuple[str, ...]:
        """Replace the last run's Data Docs by those of this run. Returns the reasons if that fails."""
        try:
            if self._opening is not None:
                self._opening.result().publish_docs()
        except CannotCheckError as error:
            return (error.message,)
        return ()

    def _refuse_unknown(self, suite: Suite) -> None:
        path = self._folder / f"{suite.name}.json"
        if suite.rule not in self._rules:
            raise UsageError(
                f"The suite {path} has the unknown rule {suite.rule}.", "Set meta.rule to a rule of seeds/rules.csv."
            )
        for one in suite.expectations:
            if (name := parameter_of(one.config)) and name not in self._parameters:
                raise UsageError(
                    f"The suite {path} uses the unknown parameter {name}.", f"Use one of {', '.join(self._parameters)}."
                )

    def _examine(self, suites: Sequence[Suite], unbuilt: frozenset[str]) -> Examination:
        window = self._window
        if self.left_out:
            return Examination(tuple(one for suite in suites for one in not_validated(suite, window, self.left_out)))
        together = self._count_together(suites, unbuilt)
        with ThreadPoolExecutor(SUITES_AT_ONCE, "suites") as pool:
            steps = list(pool.map(lambda suite: self._validated(self._counted(suite, unbuilt)), suites))
        pages, notes = self._build_docs(steps)
        return Examination(
            verdicts=tuple(verdict for one in steps for verdict in self._judge(one.run, pages)),
            suites=tuple(_result(one.run, pages) for one in steps),
            costs=(together, *(one.cost for one in steps)),
            data_docs=pages.get("", ""),
            notes=notes,
        )

    def _open(self) -> Future[Validator]:
        if self._opening is None:
            pool = ThreadPoolExecutor(1, "great-expectations")
            self._opening = pool.submit(self._open_validator)
            pool.shutdown(wait=False)
        return self._opening

    def _count_together(self, suites: Sequence[Suite], unbuilt: frozenset[str]) -> Cost:
        """Count all suites with one job. If that fails, each is counted alone, and fails alone."""
        counted = [one for one in suites if not self._unbuilt_inputs(one, unbuilt)]
        began, before = time.monotonic(), self._tables.bytes_of_thread
        with suppress(CannotCheckError):
            self._counts.count_together(counted)
        return self._cost(ALL_SUITES, round(time.monotonic() - began, 3), self._tables.bytes_of_thread - before)

    def _unbuilt_inputs(self, suite: Suite, unbuilt: frozenset[str]) -> frozenset[str]:
        return unbuilt & ({suite.table, UNCOUNTED_GAMES} if suite.counted_games_only else {suite.table})

    def _counted(self, suite: Suite, unbuilt: frozenset[str]) -> _Step:
        """Count the examined and the unexpected values in the warehouse."""
        begun = _Step(SuiteRun(suite), self._cost(suite.name, 0.0, NO_BYTES))
        if missing := self._unbuilt_inputs(suite, unbuilt):
            return replace(begun, run=SuiteRun(suite, problem=f"the model {min(missing)} was not built"))
        return self._measured(begun, self._counts.counted)

    def _validated(self, step: _Step) -> _Step:
        has_rows = any(one.row_count for one in step.run.examined.values())
        return self._measured(step, self._validate) if has_rows and not step.run.problem else step

    def _validate(self, run: SuiteRun) -> SuiteRun:
        query = batch_query(run.suite, self._relation, self._window)
        row_count = sum(one.row_count for one in run.examined.values())
        validator = self._open().result()
        validations = validator.validate(run.suite, query, row_count, self._parameters, run.wrong_places)
        return replace(run, validations=validations)

    def _measured(self, step: _Step, do: Callable[[SuiteRun], SuiteRun]) -> _Step:
        """Do one part of the work on a suite and add its cost; an error becomes the suite's problem."""
        tables = self._tables
        began, before = time.monotonic(), tables.bytes_of_thread - step.bytes
        try:
            run = do(step.run)
        except CannotCheckError as error:
            run = replace(step.run, problem=error.text)
        seconds = round(step.cost.seconds + time.monotonic() - began, 3)
        read = tables.bytes_of_thread - before
        return _Step(run, self._cost(run.suite.name, seconds, read), read)

    def _cost(self, name: str, seconds: float, read: Bytes) -> Cost:
        return Cost(name, "suite", seconds, *read.if_measured(self._is_measured))

    def _build_docs(self, steps: Iterable[_Step]) -> tuple[Mapping[str, str], tuple[str, ...]]:
        if not any(one.run.validations for one in steps):
            return {}, ()
        try:
            return self._open().result().build_docs(), ()
        except CannotCheckError as error:
            return {}, (error.message,)

    def _judge(self, run: SuiteRun, pages: Mapping[str, str]) -> tuple[Verdict, ...]:
        suite = run.suite

        def query(day: date, places: Sequence[int]) -> str:
            return rows_query(suite, self._relation, day, places, self._parameters)

        context = VerdictContext(self._rules[suite.rule], pages.get(suite.name, ""), query)
        return judge_suite(run, self._window, context)


def _result(run: SuiteRun, pages: Mapping[str, str]) -> SuiteResult:
    suite = run.suite
    page = pages.get(suite.name, "")
    return SuiteResult(suite.name, suite.rule, len(suite.expectations), run.failed_count, run.unexamined, page)
