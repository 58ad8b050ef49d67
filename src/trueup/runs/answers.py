"""Reads back what this run built and checks that it is complete. Missing results become problems of the report."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import date
from typing import Any, TypeVar

from trueup.errors import CannotCheckError
from trueup.plural import counted
from trueup.results.finding import Finding, finding_from_row
from trueup.results.outcome import NodeResult, RuleOutcome
from trueup.results.reference import LEVELS, REPORTING, missing_rule
from trueup.results.report import ErrorBudget, Lateness, Report, ServiceLevel, unseen_days
from trueup.runs.commands import completed, console_of
from trueup.runs.owners import read_owners
from trueup.runs.seeds import RULE_TESTS
from trueup.runs.variables import judge_settings
from trueup.runs.workplace import Workplace

_Result = TypeVar("_Result")
# trueup check skips these dbt tests, because its report shows the same. Each rule has one.
FINDING_TESTS = ("no_findings", "no_warnings")
RULE_TEST = f"{FINDING_TESTS[0]}_"
# A column of rule_outcomes that RuleOutcome lacks: the number of failed subjects. Each has a finding.
_FAILED = "failed_subject_count"
# Fields of Finding that the models lack.
_UNSTORED = ("command", "owner")
Rows = Sequence[Mapping[str, Any]]
_AGAIN = (
    "Another run may have built the same tables at the same time, or a model was skipped (see the other problems). Run "
    "trueup check again."
)


def read_answers(work: Workplace) -> Report:
    """What this run built. Missing or contradictory rows become problems of the report."""
    rules = [rule for rule in work.reference.rules.values() if rule.family != REPORTING]
    levels = [rule.code for rule in rules if rule.family == LEVELS]
    report = _read_findings(work, "findings", "rule_outcomes", [rule.code for rule in rules])
    service_levels = tuple(
        ServiceLevel(**row) for row in _read(work, "service_levels", columns_of(ServiceLevel), "rule")
    )
    budgets = tuple(
        ErrorBudget(**row) for row in _read(work, "error_budgets", columns_of(ErrorBudget), "rule", "period_days")
    )
    found = [(one.rule, one.game_date) for one in service_levels]
    periods = {(one.rule, one.game_date) for one in budgets}
    return replace(
        report,
        service_levels=service_levels,
        lateness=tuple(
            Lateness(**row) for row in _read(work, "scraper_lateness", columns_of(Lateness), "scraper_name")
        ),
        error_budgets=budgets,
        problems=(
            *report.problems,
            *_miscounted("service level", found, levels, report.window.dates),
            *_miscounted("error budget", periods, levels, [report.window.last_date]),
        ),
    )


def no_answers(work: Workplace) -> Report:
    """A report of this run without findings and outcomes: nothing could be read."""
    return Report(work.settings.window, work.settings.target, documents=work.settings.documents)


def read_judged(work: Workplace, rules: Collection[str]) -> Report:
    """The findings and outcomes of rules that are judged outside SQL, from the current verdicts of this run."""
    return _read_findings(work, "verdict_findings", "verdict_outcomes", rules)


def _read_findings(work: Workplace, findings: str, outcomes: str, rules: Collection[str]) -> Report:
    """Some rules' findings and outcomes from two models."""
    with ThreadPoolExecutor(2, "reads") as pool:  # each waits for the warehouse
        reading = pool.submit(_read, work, outcomes, columns_of(RuleOutcome), "rule")
        rows = _read(work, findings, columns_of(Finding), "rule", "subject")
        return report_of(work, rows, reading.result(), rules)


def columns_of(kind: type[Any]) -> list[str]:
    """The columns of the model that has this shape, ``findings`` or ``rule_outcomes``, which the report needs."""
    names = [field.name for field in fields(kind) if field.name not in _UNSTORED]
    return [*names, _FAILED] if kind is RuleOutcome else names


def report_of(work: Workplace, findings: Rows, outcomes: Rows, rules: Collection[str]) -> Report:
    """The report of some rules: rows of ``findings`` and ``rule_outcomes``. Contradictions become problems."""
    known, settings = work.reference.rules, work.settings
    owner_of = read_owners(settings.project_dir / "models", work.schemas)
    found = tuple(
        finding_from_row({**completed(row, known.get(row["rule"]), settings), "owner": owner_of(row["subject"])})
        for row in findings
    )
    rows = [dict(row) for row in outcomes if row["rule"] in rules]
    failed = {(row["rule"], row["game_date"]): row.pop(_FAILED) for row in rows}
    report = Report(
        work.settings.window,
        work.settings.target,
        documents=work.settings.documents,
        console=console_of(work),
        findings=tuple(one for one in found if one.rule in rules),
        outcomes=tuple(RuleOutcome(**row) for row in rows),
    )
    return replace(report, problems=tuple(_contradictions(report, failed, rules)))


def _read(work: Workplace, model: str, columns: Sequence[str], *order: str) -> list[dict[str, Any]]:
    """The sorted rows of a model that this run built for the checked days."""
    window = work.settings.window
    rows = work.tables.rows_between(model, columns, window.first_date, window.last_date, work.settings.run_id)
    return sorted(rows, key=lambda row: tuple(str(row[key]) for key in ("game_date", *order)))


def _contradictions(report: Report, failed: Mapping[tuple[str, date], int], rules: Collection[str]) -> Iterator[str]:
    """Deviations from exactly one outcome per rule and day, and one finding per failed subject."""
    outcomes = [(one.rule, one.game_date) for one in report.outcomes]
    yield from _miscounted("outcome", outcomes, rules, report.window.dates)
    found = Counter((one.rule, one.game_date) for one in report.findings)
    for rule, day in sorted(found.keys() | failed.keys()):
        subjects = failed.get((rule, day), 0)
        if found[rule, day] != subjects:
            counts = f"{counted(subjects, 'subject')} and has {counted(found[rule, day], 'finding')}"
            yield f"{rule} of {day} failed for {counts}. {_AGAIN}"


def _miscounted(
    what: str, found: Iterable[tuple[str, date]], rules: Iterable[str], days: Sequence[date]
) -> Iterator[str]:
    counts = Counter(found)
    wanted = {(rule, day) for rule in rules for day in days}
    wrong = sorted(key for key in wanted | counts.keys() if counts[key] != (key in wanted))
    if wrong:
        rule, day = wrong[0]
        yield (
            f"{len(wrong)} of {len(wanted)} {what}s of this run are missing, duplicate or unknown, such as "
            f"{rule} of {day} ({counted(counts[rule, day], 'row')}). {_AGAIN}"
        )


def unseen(work: Workplace, outcomes: Sequence[RuleOutcome]) -> Iterator[str]:
    """The days of the run that could not be checked, by the platform's clock."""
    return unseen_days(outcomes, work.settings.window, judge_settings(work.settings).zone)


def unrun_checks(work: Workplace, results: Sequence[NodeResult], with_tests: bool) -> Iterator[str]:
    """Models and tests of the dbt project without a result, and rules that are in only one of seed and dbt tests."""
    checks = work.dbt.checks
    done = {one.name for one in results}
    wanted = {
        name for name, kind in checks.items() if kind == "model" or (with_tests and not name.startswith(FINDING_TESTS))
    }
    missing = sorted(wanted - done)
    if missing:
        yield (
            f"{len(missing)} of {len(wanted)} models and tests of the dbt project did not run, such as {missing[0]}. "
            "Check the settings that can exclude them: flags in dbt_project.yml, `enabled` in a YAML file."
        )
    tested = {name.removeprefix(RULE_TEST) for name in checks if name.startswith(RULE_TEST)}
    known = {code for code, rule in work.reference.rules.items() if rule.family not in (LEVELS, REPORTING)}
    for code in sorted(tested ^ known):
        file = "seeds/rules.csv" if code in tested else RULE_TESTS
        yield missing_rule(file, code)


def tried(problems: list[str], do: Callable[[], _Result], otherwise: _Result) -> _Result:
    """The result, or ``otherwise`` and one more problem."""
    try:
        return do()
    except CannotCheckError as error:
        problems.append(error.text)
        return otherwise
