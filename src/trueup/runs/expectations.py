"""The expectations, on their own (``trueup expectations``) or as one step of the check."""

from dataclasses import replace

from trueup.errors import UsageError
from trueup.expectations.examine import Examination, Examiner
from trueup.results.reference import REPORTING, codes_of
from trueup.results.report import Report
from trueup.runs.answers import read_judged, unseen
from trueup.runs.build import AFTER_VERDICTS, building, built_by_others, node_costs, refuse_mixed, seed
from trueup.runs.notes import settings_notes
from trueup.runs.variables import families_off
from trueup.runs.verdicts import COMPLETION_VERDICTS, EXPECTATION_VERDICTS, add_verdicts, write_verdicts
from trueup.runs.workplace import Clock, Workplace


def check_expectations(work: Workplace) -> Report:
    """Build what the suites read, and run them. The suites on the report itself run only in trueup check."""
    if "expectations" in families_off(work.settings):
        raise UsageError(
            "The expectations are switched off.", "Remove them from the var families_off in dbt_project.yml."
        )
    examiner = open_examiner(work)
    clock = Clock(work.listener)
    with building(work) as work:
        clock.start("Building what the expectations read")
        seed(work)
        results = work.dbt.run(["run", "--exclude", AFTER_VERDICTS], work.listener.node)
        clock.start("Running the expectations")
        data = expect(work, examiner, has_verdicts=False)
        left_out = open_examiner(work, "only trueup check runs it, on its own report").examine_report()
        add_verdicts(work, EXPECTATION_VERDICTS, left_out.verdicts)
        refuse_mixed(built_by_others(work, results))
        report = read_judged(work, codes_of(work.reference, "expectations", REPORTING))
    notes = (*settings_notes(work), *data.notes, *examiner.publish())
    clock.finish()
    return replace(
        report,
        problems=(*report.problems, *unseen(work, report.outcomes)),
        notes=notes,
        seconds=clock.seconds,
        suites=data.suites,
        costs=(*node_costs(work, results), *data.costs),
        data_docs=data.data_docs,
    )


def open_examiner(work: Workplace, left_out: str = "") -> Examiner:
    """The suites of the project. ``left_out`` is the reason why they are not run, "" if they are run."""
    return Examiner(
        work.tables,
        work.validator,
        project_dir=work.settings.project_dir,
        relation=work.relation,
        window=work.settings.window,
        reference=work.reference,
        is_measured=not work.settings.is_embedded,
        left_out=left_out,
    )


def expect(
    work: Workplace, examiner: Examiner, unbuilt: frozenset[str] = frozenset(), has_verdicts: bool = True
) -> Examination:
    """Run the suites on the data and write their verdicts, which dbt turns into findings. See Examiner.examine_data.
    ``has_verdicts``: whether this run judged the documents.
    """
    unwritten = frozenset() if has_verdicts else frozenset({work.schemas[COMPLETION_VERDICTS].table})
    examination = examiner.examine_data(unbuilt, unwritten)
    write_verdicts(work, EXPECTATION_VERDICTS, examination.verdicts)
    return examination
