"""One pulse: reads what is needed for the last days, judges it, and reports the rules that are told at once.

In steps, because each needs the rows of the one before: the games and the runs; the rows of the tables that changed;
what is in no schedule; the evidence; after the judge, findings and outcomes. The statements of a step run at once.
"""

import json
from dataclasses import replace
from pathlib import Path

from trueup.completion.roster import read_seed
from trueup.judge.case import DOCUMENT_FAMILIES, JudgeSettings
from trueup.results.finding import Finding
from trueup.results.outcome import RuleOutcome
from trueup.results.report import Report
from trueup.results.verdict import verdict_rows
from trueup.runs.answers import columns_of, report_of
from trueup.runs.notes import EMPTY, settings_notes
from trueup.runs.pulse.changes import has_days, stamps_of
from trueup.runs.pulse.counting import COUNTS, GAMES, Counter
from trueup.runs.pulse.evaluation import Evaluation
from trueup.runs.pulse.program import ANSWERS, EVIDENCE, Program, open_program
from trueup.runs.reconcile import Judged, evidence_of, judge_days
from trueup.runs.variables import families_off, judge_settings
from trueup.runs.verdicts import COMPLETION_VERDICTS, EXPECTATION_VERDICTS
from trueup.runs.workplace import Workplace
from trueup.scenario.folders import SEED_ALIASES, seed_columns

_PROGRAM, MEMORY = "program.json", "memory.json"
# Models that only the other rules need.
_LEFT_OUT = (
    *("dup002_tied_newest", "dup003_null_keys", "dup004_counted_twice", "dup005_poorer_newest"),
    *("sched002_unscheduled", "service_levels", "slo_alerts"),
)


def compile_ahead(work: Workplace, programs: Path) -> None:
    """Compile what a pulse of as many days needs into the folder, unless it is there."""
    open_program(work, programs / _PROGRAM)


def run_pulse(work: Workplace, folder: Path, knows_changes: bool | None = None, programs: Path | None = None) -> Report:
    """Judge the days of the window. ``folder`` keeps what was counted before, and what was compiled, unless another
    folder is given for that (``programs``).

    ``knows_changes``: whether the warehouse knows when a partition changed; by default, BigQuery does. Nothing is
    written to the warehouse. Raises CannotCheckError and UsageError.
    """
    judging = judge_settings(work.settings)
    rules = {code for code, rule in work.reference.rules.items() if rule.is_in_pulse}
    work.tables.probe()
    program = open_program(work, (programs or folder) / _PROGRAM)
    read = [program.sources[name] for name, facts in program.facts.items() if facts and name not in program.unreadable]
    work.tables.settle_location({table.rpartition(".")[0] for table in read})
    knows = not work.settings.is_embedded if knows_changes is None else knows_changes
    evaluation = evaluate_evidence(work, program, folder / MEMORY if knows else None)
    judged = _judge(work, evaluation, judging)
    evaluation.evaluate(*ANSWERS)
    findings = [row for row in evaluation.selected("findings", columns_of(Finding)) if row["rule"] in rules]
    report = report_of(work, findings, evaluation.selected("rule_outcomes", columns_of(RuleOutcome)), rules)
    return replace(
        report,
        kind="pulse",
        open_dates=tuple(day for day in work.settings.window.dates if not judging.are_reports_due(day)),
        problems=(*judged.problems, *report.problems),
        notes=(*settings_notes(work), *([EMPTY] if work.settings.is_embedded and not read else [])),
    )


def evaluate_evidence(work: Workplace, program: Program, memory: Path | None) -> Evaluation:
    """Everything that the judge needs. ``memory``: the file with what was counted before; None: count everything."""
    evaluation = _evaluation(work, program)
    counter = _counter(work, program, evaluation, memory)
    evaluation.evaluate(GAMES, "scraper_runs")
    counter.count()
    evaluation.evaluate("unscheduled")
    evaluation.evaluate("game_days", "game_arrivals", *EVIDENCE)
    return evaluation


def _evaluation(work: Workplace, program: Program) -> Evaluation:
    """All models of the program, with the seeds, and without what a pulse does not read."""
    window = work.settings.window
    evaluation = Evaluation(program.models, lambda name: program.sql(name, window), work.tables.query)
    for name, columns in seed_columns().items():
        rows = read_seed(_seed_file(work, name), tuple(columns))
        relation = f"`{work.project}`.`{work.dataset}`.`{name}`"
        evaluation.give(name, columns, ([row[one] or None for one in columns] for row in rows), relation)
    for name in _LEFT_OUT:
        evaluation.give_model(name, [])
    evaluation.give(_staging(EXPECTATION_VERDICTS), work.schemas[EXPECTATION_VERDICTS].columns, [])
    return evaluation


def _seed_file(work: Workplace, name: str) -> Path:
    """A seed of the scenario, else of the project."""
    names, settings = [name, *(alias for alias, seed in SEED_ALIASES.items() if seed == name)], work.settings
    own = [settings.seeds / f"{one}.csv" for one in names if settings.seeds]
    return next((file for file in own if file.exists()), settings.project_dir / "seeds" / f"{name}.csv")


def _staging(source: str) -> str:
    """The staging model of a source ``dataset.table``."""
    return f"stg_{source.replace('.', '__')}"


def _counter(work: Workplace, program: Program, evaluation: Evaluation, memory: Path | None) -> Counter:
    """The counter of the tables whose rows are counted. Reads the state of their partitions."""
    models, window = set(program.read_by(COUNTS, known=[GAMES])), work.settings.window
    schemas = {schema.table: schema for name, schema in work.schemas.items() if _staging(name) in models}
    told = {table: schema for table, schema in schemas.items() if has_days(schema, program.facts[schema.name])}
    names = {table: program.sources[schema.name] for table, schema in told.items()}
    facts = {name: one and [one.partition_column, *one.columns.items()] for name, one in program.facts.items()}
    by_staging = {_staging(schema.name): schema for schema in schemas.values()}
    return Counter(
        evaluation,
        {table: _staging(schema.name) for table, schema in schemas.items()},
        stamps_of(work.tables.query, names, window.dates) if memory else {},
        lambda model: evaluation.give(model, by_staging[model].columns, []),
        memory,
        json.dumps([program.inputs, facts, sorted(program.unreadable), str(window.first_date), str(window.last_date)]),
    )


def _judge(work: Workplace, evaluation: Evaluation, judging: JudgeSettings) -> Judged:
    """Judge the documents, and give the verdicts to the models that read them."""
    days = evidence_of(work.settings.window, evaluation.selected)
    if families_off(work.settings) >= DOCUMENT_FAMILIES:
        judged = Judged(days, {}, (), is_off=True)
    else:
        judged = judge_days(days, work.completions, work.reference, judging)
    columns = work.schemas[COMPLETION_VERDICTS].columns
    verdicts = verdict_rows(judged.verdicts, judging.as_of, work.settings.run_id)
    given = [[verdict.get(one) for one in columns] for verdict in verdicts]
    evaluation.give(_staging(COMPLETION_VERDICTS), columns, given)
    return judged
