"""The daily run, in order: models, reconciliation, expectations, reporting; then the report."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from trueup.errors import CannotCheckError, LeaseHeldError
from trueup.expectations.examine import Examiner
from trueup.results.outcome import NodeResult
from trueup.results.reference import REPORTING, codes_of
from trueup.results.report import Report
from trueup.runs.answers import FINDING_TESTS, no_answers, read_answers, read_judged, tried, unrun_checks, unseen
from trueup.runs.build import (
    AFTER_VERDICTS,
    build,
    building,
    built_by_others,
    node_costs,
    own_cost,
    refuse_mixed,
    seed,
    unbuilt,
)
from trueup.runs.expectations import expect, open_examiner
from trueup.runs.notes import coverage_notes, read_waivers, settings_notes, waiver_notes
from trueup.runs.reconcile import reconcile
from trueup.runs.variables import families_off
from trueup.runs.verdicts import EXPECTATION_VERDICTS, add_verdicts
from trueup.runs.workplace import Clock, Workplace

# These tests are for people who run only dbt; the report shows the same facts.
_FINDING_TESTS = tuple(f"test_name:{name}" for name in FINDING_TESTS)
_NOT_ASKED = "the scenario does not enable the expectations"
_OFF = "the var families_off switches the expectations off"


def run_check(
    work: Workplace, with_tests: bool = True, with_expectations: bool = True, is_waiting: bool = False
) -> Report:
    """Run the whole check. CannotCheckError becomes a problem of the report; UsageError is raised.

    ``is_waiting``: the caller will try again if another run builds the same tables, so LeaseHeldError is raised, too.
    """
    off = families_off(work.settings)
    left_out = _OFF if "expectations" in off else "" if with_expectations else _NOT_ASKED
    examiner = open_examiner(work, left_out)
    clock = Clock(work.listener)
    try:
        with building(work) as built:
            report = _checked(built, examiner, clock, with_tests)
    except CannotCheckError as error:
        clock.finish()
        if is_waiting and isinstance(error, LeaseHeldError):
            raise
        report = replace(no_answers(work), problems=(error.text,))
    return replace(report, seconds=clock.seconds, notes=(*settings_notes(work), *report.notes))


def _checked(work: Workplace, examiner: Examiner, clock: Clock, with_tests: bool) -> Report:
    """Build, judge, validate, and read the results, in this order."""
    clock.start("Building the models")
    seed(work)
    examiner.prepare()
    results = list(build(work, with_tests, ["--exclude", AFTER_VERDICTS]))
    clock.start("Judging the completion documents")
    judged = reconcile(work)
    if not examiner.left_out:
        clock.start("Running the expectations")
    data = expect(work, examiner, unbuilt(results), has_verdicts=not judged.is_off)
    clock.start("Building the report")
    results += build(work, with_tests, ["--select", AFTER_VERDICTS, "--exclude", *_FINDING_TESTS])
    written = examiner.examine_report(unbuilt(results))
    add_verdicts(work, EXPECTATION_VERDICTS, written.verdicts)
    report = read_answers(work)
    late: list[str] = []  # problems from here on, which leave the findings that were read
    refuse_mixed(tried(late, lambda: built_by_others(work, results), ()))
    with ThreadPoolExecutor(2, "reads") as pool:  # each waits for the warehouse
        reading = pool.submit(read_judged, work, codes_of(work.reference, REPORTING))
        waived = pool.submit(read_waivers, work)
    of_report = tried(late, reading.result, no_answers(work))
    findings = (*report.findings, *of_report.findings)
    notes = judged.notes
    notes += [*data.notes, *written.notes, *examiner.publish()]
    notes += [f"The dbt test {one.name} warns: {one.message}" for one in results if one.status == "warn"]
    notes += tried(late, lambda: coverage_notes(work), [])
    notes += tried(late, lambda: waiver_notes(waived.result(), findings), [])
    clock.finish()
    outcomes = (*report.outcomes, *of_report.outcomes)
    problems = judged.problems
    problems += _build_problems(results)  # first: these cause the problems below
    problems += [*report.problems, *of_report.problems]
    problems += unrun_checks(work, results, with_tests)
    problems += unseen(work, outcomes)
    if not tried(late, lambda: work.tables.has_lease(work.settings.run_id), True):
        problems.append("Another run built the same tables at the same time. Run trueup check again.")
    suite_costs = (*data.costs, *written.costs)
    reads = [one.ran for one in results if one.ran and one.name in work.dbt.source_readers]
    return replace(
        report,
        read_from=min((began for began, _ in reads), default=None),
        read_until=max((ended for _, ended in reads), default=None),
        findings=findings,
        outcomes=outcomes,
        problems=(*problems, *late),
        notes=tuple(notes),
        suites=(*data.suites, *written.suites),
        costs=(*node_costs(work, results), *suite_costs, *own_cost(work, suite_costs)),
        data_docs=written.data_docs or data.data_docs,
    )


def _build_problems(results: Sequence[NodeResult]) -> list[str]:
    """The failed data tests, and the models that dbt skipped because of them."""
    problems = [f"The dbt test {one.name} failed: {one.message}" for one in results if one.status == "fail"]
    skipped = sorted(unbuilt(results))
    return problems + [f"Model {name} was skipped: a test on a model it reads failed." for name in skipped]
