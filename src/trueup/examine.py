"""Suites run against the warehouse: what there is to examine, what Great Expectations says, and the verdicts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from trueup.errors import CannotCheckError, UsageError
from trueup.expectations.queries import batch_query, coverage_query
from trueup.expectations.suites import Suite, read_suites
from trueup.expectations.validator import Validator
from trueup.expectations.verdicts import Examined, Validation, judge_suite, not_validated, unexamined
from trueup.report import Cost, SuiteResult
from trueup.verdicts import Verdict
from trueup.workplace import Workplace

# The tables that tell of the run itself: they are there only once it has written its report.
REPORTING = "EXP004"
VERDICTS = "trueup.expectation_verdicts"


@dataclass(frozen=True)
class Examination:
    """What the suites said. ``data_docs``: the index of their pages ("" where there are none); ``notes``: why not."""

    verdicts: tuple[Verdict, ...] = ()
    suites: tuple[SuiteResult, ...] = ()
    costs: tuple[Cost, ...] = ()
    data_docs: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Validated:
    """One suite as it was run. ``problem``: why it could not be ("" when it was)."""

    suite: Suite
    examined: Mapping[date, Examined]
    validations: tuple[Validation, ...]
    cost: Cost
    problem: str = ""


class Examiner:
    """The suites of one run, whose Data Docs are one site. ``left_out``: why none is run ("" when they are).

    Raises UsageError for a suite that cannot be read, or is of a rule that there is not.
    """

    def __init__(self, work: Workplace, left_out: str = "") -> None:
        self._work = work
        self._left_out = left_out
        folder = work.settings.project_dir / "expectations"
        self._suites = read_suites(folder)
        self._validator: Validator | None = None
        for suite in self._suites:
            if suite.rule not in work.reference.rules:
                raise UsageError(
                    f"The suite {folder / suite.name}.json is of the rule {suite.rule}, which there is not.",
                    "Name a rule of seeds/rules.csv in its meta.",
                )

    def examine_data(self, unbuilt: frozenset[str] = frozenset()) -> Examination:
        """Run every suite but those of the report. ``unbuilt``: models that were not built in this run, whose
        tables hold what an earlier one saw.
        """
        return self._examine([one for one in self._suites if one.rule != REPORTING], unbuilt)

    def examine_report(self, unbuilt: frozenset[str] = frozenset()) -> Examination:
        """Run the suites of the report that this run has written."""
        return self._examine([one for one in self._suites if one.rule == REPORTING], unbuilt)

    def publish(self) -> tuple[str, ...]:
        """Put the Data Docs of this run in the place of the last one's. Returns why not, if not."""
        try:
            if self._validator is not None:
                self._validator.publish_docs()
        except CannotCheckError as error:
            return (error.message,)
        return ()

    def _examine(self, suites: Sequence[Suite], unbuilt: frozenset[str]) -> Examination:
        work, window = self._work, self._work.settings.window
        if self._left_out:
            return Examination(
                tuple(one for suite in suites for one in not_validated(suite, window, self._left_out, False))
            )
        run = [self._validate(one, unbuilt) for one in suites]
        pages: Mapping[str, str] = {}
        notes: tuple[str, ...] = ()
        try:
            pages = self._validator.build_docs() if self._validator is not None else {}
        except CannotCheckError as error:
            notes = (error.message,)
        return Examination(
            verdicts=tuple(verdict for one in run for verdict in _judge(one, work, pages.get(one.suite.name, ""))),
            suites=tuple(_result(one, pages.get(one.suite.name, "")) for one in run),
            costs=tuple(one.cost for one in run),
            data_docs=pages.get("", ""),
            notes=notes,
        )

    def _validate(self, suite: Suite, unbuilt: frozenset[str]) -> _Validated:
        work = self._work
        began, bytes_before = time.monotonic(), work.tables.bytes_processed
        examined: Mapping[date, Examined] = {}
        validations: tuple[Validation, ...] = ()
        problem = ""
        if suite.table in unbuilt:
            problem = f"the model {suite.table} was not built"
        else:
            try:
                examined = self._count(suite)
                row_count = sum(one.row_count for one in examined.values())
                if row_count:
                    query = batch_query(suite, work.relation, work.settings.window)
                    parameters = {"team_codes": list(work.reference.teams)}
                    validations = self._open().validate(suite, query, row_count, parameters)
            except CannotCheckError as error:
                problem = error.told
        seconds = round(time.monotonic() - began, 3)
        read = None if work.settings.is_embedded else work.tables.bytes_processed - bytes_before
        return _Validated(suite, examined, validations, Cost(suite.name, "suite", seconds, read), problem)

    def _count(self, suite: Suite) -> dict[date, Examined]:
        """What there is to examine: the warehouse counts it, for Great Expectations says nothing of single days."""
        rows = self._work.tables.query(coverage_query(suite, self._work.relation, self._work.settings.window))
        places = range(len(suite.expectations))
        return {
            row["game_date"]: Examined(row["row_count"], tuple(row[f"examined_{place}"] for place in places))
            for row in rows
        }

    def _open(self) -> Validator:
        if self._validator is None:
            self._validator = self._work.validator()
        return self._validator


def _judge(run: _Validated, work: Workplace, page: str) -> Iterable[Verdict]:
    suite, window = run.suite, work.settings.window
    if run.problem:
        return not_validated(suite, window, run.problem, True)
    rule = work.reference.rules[suite.rule]
    return judge_suite(suite, run.validations, run.examined, window, rule, work.relation, page)


def _result(run: _Validated, page: str) -> SuiteResult:
    suite = run.suite
    names = tuple(one.says for one in suite.expectations)
    skipped = unexamined(suite, run.validations, run.examined) if run.validations else names
    failed = sum(1 for one in run.validations if one.unexpected)
    return SuiteResult(suite.name, suite.rule, len(names), failed, skipped, page)
