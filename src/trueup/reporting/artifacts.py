"""The files of a report: ``report.json``, ``junit.xml``, ``report.html``."""

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
from trueup.results.reference import Rule
from trueup.results.report import Report

_DATA, _JUNIT, _PAGE = "report.json", "junit.xml", "report.html"
# The index of earlier reports. See archive.
EARLIER = "reports/index.html"


def write_report(folder: Path, report: Report, rules: Mapping[str, Rule], written_at: datetime) -> Report:
    """Write the three files, each completely or not at all; returns the report as written. Raises CannotCheckError."""
    written = write_data(folder, report, written_at)
    write_junit(folder / _JUNIT, written)
    write_page(folder, written, rules)
    return written


def write_data(folder: Path, report: Report, written_at: datetime) -> Report:
    """Write report.json alone; returns the report as written. Raises CannotCheckError if it cannot be written."""
    written = replace(report, written_at=written_at)
    write_text(folder / _DATA, to_json(written))
    return written


def write_page(folder: Path, report: Report, rules: Mapping[str, Rule]) -> Path:
    """Write report.html, with a link to the earlier reports if there are any; returns its path. Raises CannotCheckError
    if it cannot be written.
    """
    path = page_path(folder)
    write_text(path, render(report, rules, EARLIER if (folder / EARLIER).is_file() else ""))
    return path


def page_path(folder: Path) -> Path:
    """The path of report.html in a folder."""
    return folder / _PAGE


def write_junit(path: Path, report: Report) -> None:
    """Write the report as JUnit XML. Raises CannotCheckError if it cannot be written."""
    write_text(path, to_junit(report))


def discard_report(folder: Path) -> None:
    """Remove the last run's report.json, junit.xml and report.html. Raises CannotCheckError if that fails."""
    kept = []
    for name in (_DATA, _JUNIT, _PAGE):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            kept.append(f"{folder / name}: {error.strerror}")
    if kept:
        raise CannotCheckError(
            f"The report of an earlier run cannot be removed ({'; '.join(kept)}). It is out of date.",
            "Remove the file, and make the folder writable.",
        )


def read_report(folder: Path) -> Report:
    """The last run's report. Raises CannotCheckError if it, or a page that it links to, is missing or broken."""
    path = folder / _DATA
    if path.exists() and not path.is_file():
        raise CannotCheckError(f"{path} is not a file.", "Remove it, and run trueup check.")
    try:
        report = from_json(path.read_text(encoding="utf-8"))
        if report.written_at is None:
            raise ValueError("written_at is missing")
    except FileNotFoundError as error:
        raise CannotCheckError(
            f"There is no report at {path}.", "Run trueup check first (the report of trueup demo is in .trueup/demo/)."
        ) from error
    except OSError as error:
        raise CannotCheckError(
            f"The report {path} cannot be read: {error.strerror}.", "Check the file and its permissions."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise CannotCheckError(
            f"The report {path} is broken, or of another version of trueup: {what}.",
            "Run trueup check again to write a new report.",
        ) from error
    for page in dict.fromkeys((report.data_docs, *(suite.page for suite in report.suites))):
        if page and not (folder / page).is_file():
            raise CannotCheckError(
                f"The report {path} links to {folder / page}, which is missing.",
                "Run trueup check again to write the Data Docs.",
            )
    return report


def write_crash(folder: Path, text: str) -> Path:
    """Write the traceback of a bug in trueup to crash.log; returns its path. Raises CannotCheckError."""
    path = folder / "crash.log"
    write_text(path, text)
    return path


def write_text(path: Path, text: str) -> None:
    """Write the complete file or nothing. Characters that UTF-8 cannot encode become question marks.

    A link stays, and its target is written. A device is written to. Anything else that is not a file is refused,
    because the draft would replace it.
    """
    path = path.resolve() if path.is_symlink() else path
    is_device = path.is_char_device()
    if path.exists() and not (path.is_file() or is_device):
        raise CannotCheckError(f"{path} cannot be written: it is not a file.", "Name a file, or remove it.")
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        if is_device:
            path.write_text(text, encoding="utf-8", errors="replace")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8", errors="replace")
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise CannotCheckError(
            f"{path} cannot be written: {error.strerror}.", "Free disk space, or make the folder writable."
        ) from error
