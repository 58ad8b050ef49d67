"""The reports of earlier checks, in the folder ``reports`` beside the report, with an index."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from trueup.errors import CannotCheckError
from trueup.reporting.artifacts import EARLIER, write_text
from trueup.reporting.page.index import render_index
from trueup.reporting.page.render import render
from trueup.results.reference import Rule
from trueup.results.report import Report

_RUNS = 90
_DAYS = 90
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)\d\dZ\.(healthy|findings|could_not_check)\.html")


@dataclass(frozen=True)
class Kept:
    """One report in the folder. ``began_at``: of its run, such as ``2026-02-04 13:00 UTC``; ``day``: the day of it."""

    name: str
    day: str
    began_at: str
    status: str


def keep(folder: Path, report: Report, rules: Mapping[str, Rule], began_at: datetime) -> None:
    """Add the report of the run that began at this time (UTC), in place of an earlier one of this run. The newest 90
    and the last one of each of the newest 90 days stay. Data Docs are those of the last check alone, so the report has
    no links to them. Raises CannotCheckError if it cannot be written.
    """
    reports = (folder / EARLIER).parent
    stamp = f"{began_at:%Y-%m-%dT%H%M%SZ}"
    alone = replace(report, data_docs="", suites=tuple(replace(one, page="") for one in report.suites))
    write_text(reports / f"{stamp}.{report.status}.html", render(alone, rules, earlier="index.html"))
    found = kept(folder)
    replaced = [one for one in found if one.name.startswith(stamp) and one.status != report.status]
    stay = _stay([one for one in found if one not in replaced])
    for one in found:
        if one not in stay:
            with contextlib.suppress(OSError):
                (reports / one.name).unlink()
    write_text(folder / EARLIER, render_index([(one.name, one.began_at, one.status) for one in stay]))


def _stay(found: Sequence[Kept]) -> list[Kept]:
    """Many runs a day (``trueup serve``) must not push out the reports of earlier days."""
    last: dict[str, Kept] = {}
    for one in found:
        last.setdefault(one.day, one)
    last_of_days = list(last.values())[:_DAYS]
    return [one for place, one in enumerate(found) if place < _RUNS or one in last_of_days]


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
    return [Kept(name, one[1], f"{one[1]} {one[2]}:{one[3]} UTC", one[4]) for name, one in found if one]
