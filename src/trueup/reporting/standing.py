"""The report that stands for today from the moment a check begins.

First it says that the run has not finished, which is what a killed run leaves; then what the run found, or why it did
not end well. The last run's report is gone before anything else is done, so that nobody takes it for today's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from trueup.errors import CannotCheckError, TrueupError, UsageError
from trueup.reporting import artifacts
from trueup.reporting.page.wording import utc
from trueup.results.report import Report
from trueup.results.rule import Rule
from trueup.window import Window

_LONGEST_DEFECT = 300


@dataclass
class Standing:
    """One run's report in its folder. ``junit``: another file of JUnit XML, or None; ``clock`` says the moment in UTC.

    ``found``: what the run has found, if it came so far; ``rules``: those that its page names.
    """

    folder: Path
    window: Window
    target: str
    junit: Path | None
    began_at: datetime
    clock: Callable[[], datetime]
    found: Report | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict)

    def begin(self) -> None:
        """Put a report that says that the run has not finished in the place of the last run's.

        Raises CannotCheckError where that cannot be done, and UsageError for ``junit`` alone.
        """
        report = self._unknown(unfinished(self.began_at))
        artifacts.discard_report(self.folder)
        self._write(report)
        try:
            if self.junit and self.junit.is_file():
                self.junit.unlink()
            self._write_junit(report)
        except (CannotCheckError, OSError) as error:
            raise UsageError(f"--junit {self.junit} cannot be written: {error}", "Name another file.") from error

    def finish(self, report: Report, rules: Mapping[str, Rule]) -> Report:
        """Write what the run found; returns the report as it was written."""
        self.found, self.rules = report, rules
        self.found = self._write(report)
        self._write_junit(self.found)
        return self.found

    def fail(self, error: BaseException) -> None:
        """Write why the run did not end well, beside what it found until then. What cannot be written is left: the
        report that is there says that the run has not finished.
        """
        reason = reason_of(error, self.began_at)
        found = self.found
        report = replace(found, problems=(*found.problems, reason)) if found else self._unknown(reason)
        with suppress(CannotCheckError):
            self._write(report)
        with suppress(CannotCheckError):
            self._write_junit(report)

    def _unknown(self, problem: str) -> Report:
        return Report(self.window, self.target, problems=(problem,))

    def _write(self, report: Report) -> Report:
        return artifacts.write_report(self.folder, report, self.rules, self.clock())

    def _write_junit(self, report: Report) -> None:
        if self.junit:
            artifacts.write_junit(self.junit, report)


@contextmanager
def standing_report(standing: Standing) -> Iterator[None]:
    """While a run lasts its report says that it has not finished; afterwards what it found, or why it ended."""
    try:
        standing.begin()
        yield
    except BaseException as error:  # also Ctrl-C: whatever ends a run is told, and goes on
        standing.fail(error)
        raise


def refuse(standing: Standing, error: UsageError) -> None:
    """Leave the reason why a run was not begun, in the place of the last run's report."""
    with suppress(CannotCheckError, UsageError):  # the wrong usage is what has to be told
        standing.begin()
    standing.fail(error)


def unfinished(began_at: datetime) -> str:
    """What a report says whose run has not finished."""
    return (
        f"The run that began at {utc(began_at)} has not finished: it is still running, or it was killed. "
        "Run trueup check again if it is not running."
    )


def reason_of(error: BaseException, began_at: datetime) -> str:
    """Why a run did not end well, and what to do next."""
    run = f"The run that began at {utc(began_at)}"
    if isinstance(error, UsageError):
        return f"{run} was called or set up wrongly: {error.text}"
    if isinstance(error, TrueupError):
        return f"{run} could not go on: {error.text}"
    if isinstance(error, Exception):
        defect = f"{type(error).__name__}: {str(error)[:_LONGEST_DEFECT]}"
        return f"{run} met a defect in trueup itself: {defect}. Report it with crash.log, and run trueup check again."
    return f"{run} was interrupted. Run trueup check again."
