"""The daily run, in order: models, reconciliation, expectations, reporting; then the report."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import time
from pathlib import Path
from time import monotonic
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trueup import examine
from trueup.answers import FINDING_TESTS, read_answers, unrun_checks, unseen_days
from trueup.case import CompletionRule, JudgeSettings
from trueup.errors import CannotCheckError, UsageError
from trueup.examine import Examination, Examiner
from trueup.judge import FAMILIES
from trueup.reconcile import NO_DOCUMENTS, Judged, judge_days, not_looked_at, read_evidence
from trueup.report import Cost, Report
from trueup.scenarios import SEED_ALIASES
from trueup.settings import Settings
from trueup.verdicts import Verdict, verdict_findings, verdict_outcomes, verdict_rows
from trueup.workplace import Listener, NodeResult, Workplace

VERDICTS = "trueup.completion_verdicts"
# Everything that reads verdicts is built after they are written.
_AFTER_VERDICTS = ("stg_trueup__completion_verdicts+", "stg_trueup__expectation_verdicts+")
# They say for people who run dbt alone what the report says anyway.
_FINDING_TESTS = tuple(f"test_name:{name}" for name in FINDING_TESTS)
_NOT_ASKED = "the scenario does not ask for expectations"
_OFF = "the var families_off switches the expectations off"


def run_check(work: Workplace, with_tests: bool = True, with_expectations: bool = True) -> Report:
    """Run the whole day. What could not be done is in the report, not raised; UsageError for what must be corrected."""
    off = families_off(work.settings)
    judge_settings(work.settings)  # what is set wrongly is told before anything is built
    left_out = _OFF if "expectations" in off else "" if with_expectations else _NOT_ASKED
    examiner = Examiner(work, left_out)
    clock = _Clock(work.listener)
    try:
        with building(work):
            report = _checked(work, examiner, clock, with_tests)
    except CannotCheckError as error:
        clock.finish()
        report = Report(work.settings.window, work.settings.target, problems=(error.told,))
    return replace(report, seconds=clock.seconds, notes=(*_settings_notes(work), *report.notes))


def _checked(work: Workplace, examiner: Examiner, clock: _Clock, with_tests: bool) -> Report:
    """Build, judge, validate and read the answers, one after the other."""
    clock.start("Building models: what arrived, what is wrong, what is true")
    _seed(work)
    examiner.prepare()
    results = list(_build(work, with_tests, ["--exclude", *_AFTER_VERDICTS]))
    clock.start("Judging the completion documents")
    judged = reconcile(work)
    if not examiner.left_out:
        clock.start("Running the expectations")
    data = expect(work, examiner, _unbuilt(results), has_verdicts=not judged.is_off)
    clock.start("Putting the report together")
    results += _build(work, with_tests, ["--select", *_AFTER_VERDICTS, "--exclude", *_FINDING_TESTS])
    told = examiner.examine_report(_unbuilt(results))
    report = read_answers(work)
    notes = [NO_DOCUMENTS] if judged.is_without_documents else []
    notes += [*data.notes, *told.notes, *examiner.publish()]
    notes += [f"The dbt test {one.name} warns: {one.message}" for one in _failed(results, "warn")]
    notes += _coverage_notes(work)
    clock.finish()
    outcomes = (*report.outcomes, *verdict_outcomes(told.verdicts))
    problems = [judged.unread] if judged.unread else []
    problems += report.problems
    problems += unrun_checks(work, results, with_tests)
    problems += [f"The dbt test {one.name} failed: {one.message}" for one in _failed(results, "fail")]
    problems += [
        f"Model {name} was not built: a test on a model it reads failed." for name in sorted(_unbuilt(results))
    ]
    problems += unseen_days(outcomes, work.settings.window, judge_settings(work.settings).zone)
    if not work.tables.holds_build(work.settings.run_id):
        problems.append("Another run took over the tables while this one was building them: run trueup check again.")
    return replace(
        report,
        findings=(*report.findings, *verdict_findings(told.verdicts)),
        outcomes=outcomes,
        problems=tuple(problems),
        notes=tuple(notes),
        suites=(*data.suites, *told.suites),
        costs=(*_costs(work, results), *data.costs, *told.costs),
        data_docs=told.data_docs or data.data_docs,
    )


@contextmanager
def building(work: Workplace) -> Iterator[None]:
    """The tables of the dataset are this run's to build for as long as this lasts.

    Raises CannotCheckError where the warehouse does not answer, or another run is building.
    """
    run_id = work.settings.run_id
    work.tables.probe()
    work.tables.claim_build(run_id, work.settings.holder)
    try:
        yield
    finally:
        # Where it cannot be given back, the next run takes it over: that is no reason to lose what was found.
        with suppress(CannotCheckError):
            work.tables.release_build(run_id)


def check_expectations(work: Workplace) -> Report:
    """Build what the suites read, and run them: all but those of the report, which run with the whole day."""
    if "expectations" in families_off(work.settings):
        raise UsageError("The var families_off switches the expectations off.", "Correct it in dbt_project.yml.")
    examiner = Examiner(work)
    clock = _Clock(work.listener)
    with building(work):
        clock.start("Building what the expectations read")
        _seed(work)
        results = work.dbt.run(["run", "--exclude", *_AFTER_VERDICTS], work.listener.node)
        clock.start("Running the expectations")
        # One of them reads the verdicts on the documents, of which there may be none yet.
        work.tables.create_table(work.schemas[VERDICTS], work.dataset)
        data = expect(work, examiner, has_verdicts=False)
    left_out = Examiner(work, "trueup check runs it, on the report that it writes").examine_report()
    notes = (*_settings_notes(work), *data.notes, *examiner.publish())
    clock.finish()
    return Report(
        work.settings.window,
        work.settings.target,
        findings=verdict_findings(data.verdicts),
        outcomes=verdict_outcomes((*data.verdicts, *left_out.verdicts)),
        notes=notes,
        seconds=clock.seconds,
        suites=data.suites,
        costs=(*_costs(work, results), *data.costs),
        data_docs=data.data_docs,
    )


def build_evidence(work: Workplace) -> None:
    """Build only what reconciliation needs to judge."""
    work.listener.start("Building the evidence")
    _seed(work)
    work.dbt.run(["run", "--select", "+completion_evidence", "+phase4_evidence"], work.listener.node)


def judge_settings(settings: Settings) -> JudgeSettings:
    """How the documents are judged. Raises UsageError for a completion rule that there is not."""
    rule = settings.variable("completion_rule")
    if rule not in get_args(CompletionRule):
        raise UsageError(
            f"The var completion_rule is {rule!r}.",
            f"Use one of {', '.join(get_args(CompletionRule))} in dbt_project.yml.",
        )
    try:
        due = time.fromisoformat(str(settings.variable("reports_due_time")))
        zone = ZoneInfo(str(settings.variable("platform_time_zone")))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise UsageError(
            f"The vars reports_due_time and platform_time_zone cannot be read: {error}.",
            "Write them as in 08:00 and America/New_York in dbt_project.yml.",
        ) from error
    return JudgeSettings(as_of=settings.window.as_of, completion_rule=rule, reports_due=due, zone=zone)


def families_off(settings: Settings) -> frozenset[str]:
    """The families of rules that this deployment does without. Raises UsageError for what is no such family."""
    off = frozenset(settings.variable("families_off") or ())
    known = FAMILIES | {"expectations"}
    if unknown := sorted(map(str, off - known)):
        raise UsageError(
            f"The var families_off names {', '.join(unknown)}.",
            f"It may name {', '.join(sorted(known))}: correct it in dbt_project.yml.",
        )
    return off


def reconcile(work: Workplace) -> Judged:
    """Judge the documents of all days and write the verdicts; see reconcile.judge_days."""
    window = work.settings.window
    days = read_evidence(work.tables, window, work.settings.run_id)
    if families_off(work.settings) >= FAMILIES:
        judged = not_looked_at(days)
    else:
        judged = judge_days(days, work.completions, work.reference, judge_settings(work.settings))
    _write_verdicts(work, VERDICTS, judged.verdicts)
    return judged


def expect(
    work: Workplace,
    examiner: Examiner,
    unbuilt: frozenset[str] = frozenset(),
    has_verdicts: bool = True,
) -> Examination:
    """Run the suites on the data and write their verdicts, which dbt makes findings of. See Examiner.examine_data;
    ``has_verdicts``: whether this run has judged documents.
    """
    unwritten = frozenset() if has_verdicts else frozenset({work.schemas[VERDICTS].table})
    examination = examiner.examine_data(unbuilt, unwritten)
    _write_verdicts(work, examine.VERDICTS, examination.verdicts)
    return examination


def _write_verdicts(work: Workplace, table: str, verdicts: Sequence[Verdict]) -> None:
    window, schema = work.settings.window, work.schemas[table]
    work.tables.create_table(schema, work.dataset)
    rows = verdict_rows(verdicts, window.as_of, work.settings.run_id)
    work.tables.replace_days(schema, rows, window.first_date, window.last_date)


class _Clock:
    """Names the steps to the listener, and keeps how long each took (seconds)."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._name = ""
        self._began = 0.0
        self.seconds: dict[str, float] = {}

    def start(self, name: str) -> None:
        self.finish()
        self._name, self._began = name, monotonic()
        self._listener.start(name)

    def finish(self) -> None:
        self._listener.finish()
        if self._name:
            self.seconds[self._name] = round(monotonic() - self._began, 2)
        self._name = ""


def _seed(work: Workplace) -> None:
    work.dbt.run(["seed"], work.listener.node)
    folder = work.settings.seeds
    for path in sorted(folder.glob("*.csv")) if folder else ():
        work.tables.replace_seed(SEED_ALIASES.get(path.stem, path.stem), _csv_rows(path))


def _csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _build(work: Workplace, with_tests: bool, selection: Sequence[str]) -> Sequence[NodeResult]:
    # Unit tests are about the models, not about the data of the day: CI runs them.
    without = ["--exclude-resource-type", "seed", "--exclude-resource-type", "unit_test"]
    command = ["build", *without] if with_tests else ["run"]
    return work.dbt.run([*command, *selection], work.listener.node)


def _failed(results: Sequence[NodeResult], status: str) -> list[NodeResult]:
    return [one for one in results if one.status == status]


def _unbuilt(results: Iterable[NodeResult]) -> frozenset[str]:
    return frozenset(one.name for one in results if one.status == "skipped" and one.kind == "model")


def _costs(work: Workplace, results: Sequence[NodeResult]) -> tuple[Cost, ...]:
    """What each model and test took. Nobody measures the embedded warehouse: no bytes are not 0 bytes."""
    is_measured = not work.settings.is_embedded
    return tuple(
        Cost(one.name, one.kind, round(one.seconds, 3), one.bytes_processed if is_measured else None) for one in results
    )


def _settings_notes(work: Workplace) -> list[str]:
    """What was switched off or passed over, told by every run."""
    notes = [
        f"The rules of the family {family} are switched off (var families_off): nothing of it was checked."
        for family in sorted(families_off(work.settings))
    ]
    if ignored := work.dbt.ignored_variables:
        notes.append(
            f"These environment variables are options of dbt, and were not handed to it: {', '.join(ignored)}."
        )
    return notes


def _coverage_notes(work: Workplace) -> list[str]:
    """What the sources have that trueup does not know, and the other way round."""
    rows = work.tables.query(
        "select relation_name, is_present, is_optional, missing_columns, undeclared_columns "
        f"from `{work.dataset}.source_coverage` order by relation_name"
    )
    notes = []
    for row in rows:
        if not row["is_present"]:
            kind = "optional source" if row["is_optional"] else "source"
            notes.append(f"The {kind} {row['relation_name']} is not there; its checks are not run.")
        if row["missing_columns"]:
            notes.append(f"{row['relation_name']} lacks {row['missing_columns']}; read as NULL.")
        if row["undeclared_columns"]:
            notes.append(
                f"{row['relation_name']} has columns that are not declared in _sources.yml and are not "
                f"kept in its _latest table: {row['undeclared_columns']}."
            )
    return notes
