"""What a run leaves behind: its report, for machines and for ``trueup report``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from trueup.errors import CannotCheckError
from trueup.reporting.json_form import from_json, to_json
from trueup.reporting.junit import to_junit
from trueup.reporting.page.render import render
from trueup.results.report import Report
from trueup.results.rule import Rule

_DATA, _JUNIT, _PAGE = "report.json", "junit.xml", "report.html"


def write_report(folder: Path, report: Report, rules: Mapping[str, Rule], written_at: datetime) -> Report:
    """Write report.json, junit.xml and report.html, each whole or not at all; returns the report as it was written.

    Raises CannotCheckError where one cannot be written.
    """
    written = replace(report, written_at=written_at)
    _write(folder / _DATA, to_json(written))
    write_junit(folder / _JUNIT, written)
    write_page(folder, written, rules)
    return written


def write_page(folder: Path, report: Report, rules: Mapping[str, Rule]) -> Path:
    """Write report.html, for people; returns its path. Raises CannotCheckError where it cannot be written."""
    path = page_path(folder)
    _write(path, render(report, rules))
    return path


def page_path(folder: Path) -> Path:
    """Where the page of the report in a folder is."""
    return folder / _PAGE


def write_junit(path: Path, report: Report) -> None:
    """Write the report as JUnit XML. Raises CannotCheckError where it cannot be written."""
    _write(path, to_junit(report))


def discard_report(folder: Path) -> None:
    """Remove the last run's report.json, junit.xml and report.html. Raises CannotCheckError where one stays."""
    kept = []
    for name in (_DATA, _JUNIT, _PAGE):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            kept.append(f"{folder / name}: {error.strerror}")
    if kept:
        raise CannotCheckError(
            f"The last run's report cannot be replaced ({'; '.join(kept)}). What is there is not today's.",
            "Remove it, and make the folder writable.",
        )


def read_report(folder: Path) -> Report:
    """The last run's report. Raises CannotCheckError when it, or a page that it links to, is missing or broken."""
    path = folder / _DATA
    try:
        report = from_json(path.read_text(encoding="utf-8"))
        if report.written_at is None:
            raise ValueError("it does not say when it was written")
    except FileNotFoundError as error:
        raise CannotCheckError(f"There is no report of a last run at {path}.", "Run trueup check first.") from error
    except OSError as error:
        raise CannotCheckError(f"The report {path} cannot be read: {error.strerror}.", "Look at the file.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotCheckError(
            f"The report {path} is broken: {_told(error)}.", "Run trueup check again; it writes a new one."
        ) from error
    for page in dict.fromkeys((report.data_docs, *(suite.page for suite in report.suites))):
        if page and not (folder / page).is_file():
            raise CannotCheckError(
                f"The report {path} links to {folder / page}, which is not there.",
                "Run trueup check again; it writes Great Expectations' pages anew.",
            )
    return report


def _told(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def write_crash(folder: Path, text: str) -> Path:
    """Keep the traceback of a defect of ours for the one who reports it.

    Raises CannotCheckError where it cannot be written.
    """
    path = folder / "crash.log"
    _write(path, text)
    return path


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never meets half a file. What UTF-8 cannot hold becomes a question mark."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8", errors="replace")
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise CannotCheckError(
            f"{path} cannot be written: {error.strerror}.", "Make room, or make the folder writable."
        ) from error
