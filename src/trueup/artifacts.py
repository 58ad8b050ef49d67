"""What a run leaves behind: its report, for machines and for ``trueup report``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from trueup.errors import CannotCheckError
from trueup.page import render
from trueup.reference import Rule
from trueup.report import Report, from_json, to_json, to_junit

_DATA = "report.json"


def write_report(state_dir: Path, report: Report, rules: Mapping[str, Rule]) -> Path:
    """Write report.json, junit.xml and report.html; returns the path of the last."""
    _write(state_dir / _DATA, to_json(report))
    write_junit(state_dir / "junit.xml", report)
    return write_page(state_dir, report, rules)


def write_page(state_dir: Path, report: Report, rules: Mapping[str, Rule]) -> Path:
    """Write report.html, for people; returns its path."""
    path = state_dir / "report.html"
    _write(path, render(report, rules))
    return path


def write_junit(path: Path, report: Report) -> None:
    """Write the report as JUnit XML."""
    _write(path, to_junit(report))


def read_report(state_dir: Path) -> Report:
    """The last run's report. Raises CannotCheckError when it, or a page that it links to, is missing or broken."""
    path = state_dir / _DATA
    try:
        report = from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CannotCheckError(
            f"There is no report of a last run at {path}.", "Run trueup check or trueup demo first."
        ) from error
    except OSError as error:
        raise CannotCheckError(f"The report {path} cannot be read: {error.strerror}.", "Look at the file.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotCheckError(
            f"The report {path} is broken: {_told(error)}.", "Run trueup check again; it writes a new one."
        ) from error
    for page in dict.fromkeys((report.data_docs, *(suite.page for suite in report.suites))):
        if page and not (state_dir / page).is_file():
            raise CannotCheckError(
                f"The report {path} links to {state_dir / page}, which is not there.",
                "Run trueup check again; it writes Great Expectations' pages anew.",
            )
    return report


def _told(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def write_crash(state_dir: Path, text: str) -> Path:
    """Keep the traceback of a defect of ours for the one who reports it."""
    path = state_dir / "crash.log"
    _write(path, text)
    return path


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
