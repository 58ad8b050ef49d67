"""What a run leaves behind: its report, for machines and for ``trueup report``."""

from __future__ import annotations

import os
from pathlib import Path

from trueup.errors import CannotCheckError
from trueup.report import Report, from_json, to_json, to_junit


def write_report(state_dir: Path, report: Report) -> Path:
    """Write report.json and junit.xml; returns the path of the first."""
    path = state_dir / "report.json"
    _write(path, to_json(report))
    write_junit(state_dir / "junit.xml", report)
    return path


def write_junit(path: Path, report: Report) -> None:
    """Write the report as JUnit XML."""
    _write(path, to_junit(report))


def read_report(state_dir: Path) -> Report:
    """The last run's report. Raises CannotCheckError when it is missing or broken."""
    path = state_dir / "report.json"
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotCheckError(
            f"There is no report of a last run at {path}.", "Run trueup check or trueup demo first."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CannotCheckError(
            f"The report {path} is broken: {error}", "Run trueup check again; it writes a new one."
        ) from error


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
