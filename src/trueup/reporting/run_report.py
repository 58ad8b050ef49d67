"""The report of a check, from the start of its run to the end.

``begin`` replaces the last run's report, which could be mistaken for today's, by the report of an unfinished run. A
killed run leaves that report. At the end it is replaced by the result, or by the reason for the failure.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from trueup.errors import CannotCheckError, TrueupError, UsageError, defect_of
from trueup.reporting import archive, artifacts
from trueup.reporting.page.wording import utc
from trueup.results.reference import Rule
from trueup.results.report import Report
from trueup.window import Window


@dataclass
class RunReport:
    """The report of one run in its folder. ``junit``: a further file for JUnit XML, or None; ``clock``: current UTC.

    ``result``: the last result that was written, None before the first; ``rules``: the rules that its page names.
    """

    folder: Path
    window: Window
    target: str
    junit: Path | None
    began_at: datetime
    clock: Callable[[], datetime]
    result: Report | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict)

    def begin(self) -> None:
        """Replace the last run's report by that of an unfinished run.

        Raises CannotCheckError if that fails, UsageError if only ``junit`` cannot be written.
        """
        report = self._unknown(unfinished(self.began_at))
        artifacts.discard_report(self.folder)
        self._write(self._kept(report))
        try:
            if self.junit and self.junit.is_file():
                self.junit.unlink()
            self._write_junit(report)
        except (CannotCheckError, OSError) as error:
            raise UsageError(f"--junit {self.junit} cannot be written: {error}", "Give another file.") from error

    def finish(self, report: Report, rules: Mapping[str, Rule]) -> Report:
        """Write the result of the run, and keep it with the earlier ones; returns the report as written."""
        self.result, self.rules = report, rules
        self.result = self._write(self._kept(report))
        self._write_junit(self.result)
        return self.result

    def fail(self, error: BaseException) -> None:
        """Write why the run failed, with the results so far. If that fails, the report stays unfinished."""
        reason = reason_of(error, self.began_at)
        known = self.result
        report = replace(known, problems=(*known.problems, reason)) if known else self._unknown(reason)
        with suppress(CannotCheckError):
            self._write(self._kept(report))
        with suppress(CannotCheckError):
            self._write_junit(report)

    def _unknown(self, problem: str) -> Report:
        return Report(self.window, self.target, problems=(problem,))

    def _write(self, report: Report) -> Report:
        return artifacts.write_report(self.folder, report, self.rules, self.clock())

    def _kept(self, report: Report) -> Report:
        """The report, which is also kept with the earlier ones. If that fails, it has a note."""
        try:
            archive.keep(self.folder, replace(report, written_at=self.clock()), self.rules, self.began_at)
        except CannotCheckError as error:
            return replace(report, notes=(*report.notes, f"It was not kept with the earlier reports: {error.text}"))
        return report

    def _write_junit(self, report: Report) -> None:
        if self.junit:
            artifacts.write_junit(self.junit, report)


@contextmanager
def open_report(run_report: RunReport) -> Iterator[None]:
    """Begin the report, and write to it the error that ends the block, if any."""
    try:
        run_report.begin()
        yield
    except BaseException as error:  # also Ctrl-C
        run_report.fail(error)
        raise


def refuse(run_report: RunReport, error: UsageError) -> None:
    """Replace the last run's report by the reason why this run did not start."""
    with suppress(CannotCheckError, UsageError):  # the usage error is reported, not this one
        run_report.begin()
    run_report.fail(error)


def unfinished(began_at: datetime) -> str:
    """The problem in the report of a run that has not finished."""
    return (
        f"The run that began at {utc(began_at)} has not finished: it is still running or was killed. "
        "If it is not running, run trueup check again."
    )


def reason_of(error: BaseException, began_at: datetime) -> str:
    """Why a run failed, and what to do next."""
    run = f"The run that began at {utc(began_at)}"
    if isinstance(error, UsageError):
        return f"{run} was called or set up wrongly: {error.text}"
    if isinstance(error, TrueupError):
        return f"{run} failed: {error.text}"
    if isinstance(error, Exception):
        return f"{run} hit {defect_of(error)}. Report it with crash.log, then run trueup check again."
    return f"{run} was interrupted. Run trueup check again."
