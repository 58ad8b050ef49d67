"""The reports of earlier checks, in the folder ``reports`` beside the report, with an index."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from trueup.errors import CannotCheckError
from trueup.reporting.artifacts import EARLIER, write_text
from trueup.reporting.page.index import render_index
from trueup.reporting.page.render import render
from trueup.results.reference import Rule
from trueup.results.report import Report

_KEPT = 90
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)\d\dZ\.(healthy|findings|could_not_check)\.html")


@dataclass(frozen=True)
class Kept:
    """One report in the folder. ``began_at``: of its run, such as ``2026-02-04 13:00 UTC``."""

    name: str
    began_at: str
    status: str


def keep(folder: Path, report: Report, rules: Mapping[str, Rule], began_at: datetime) -> None:
    """Add the report of the run that began at this time (UTC), and forget all but the newest 90. Data Docs are those of
    the last check alone, so it has no links to them. Raises CannotCheckError if it cannot be written.
    """
    reports = (folder / EARLIER).parent
    stamp = f"{began_at:%Y-%m-%dT%H%M%SZ}"
    alone = replace(report, data_docs="", suites=tuple(replace(one, page="") for one in report.suites))
    write_text(reports / f"{stamp}.{report.status}.html", render(alone, rules, earlier="index.html"))
    found = kept(folder)
    # A second result of the same run replaces the first.
    replaced = [one for one in found if one.name.startswith(stamp) and one.status != report.status]
    stay = [one for one in found if one not in replaced]
    for one in (*replaced, *stay[_KEPT:]):
        with contextlib.suppress(OSError):
            (reports / one.name).unlink()
    write_text(folder / EARLIER, render_index([(one.name, one.began_at, one.status) for one in stay[:_KEPT]]))


def kept(folder: Path) -> list[Kept]:
    """The reports in the folder, newest first. Other files are not looked at."""
    try:
        names = sorted((one.name for one in ((folder / EARLIER).parent).iterdir()), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CannotCheckError(
            f"{(folder / EARLIER).parent} cannot be read: {error.strerror}.", "Check the folder."
        ) from error
    found = ((name, _NAME.fullmatch(name)) for name in names)
    return [Kept(name, f"{one[1]} {one[2]}:{one[3]} UTC", one[4]) for name, one in found if one]
