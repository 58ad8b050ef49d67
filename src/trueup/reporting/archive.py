"""The reports of earlier checks, in the folder ``reports`` beside the report, with an index."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from trueup.errors import CannotCheckError
from trueup.reporting.artifacts import EARLIER, write_text
from trueup.reporting.page.index import IndexRow, render_index
from trueup.reporting.page.render import render
from trueup.results.reference import Rule
from trueup.results.report import Report

_RUNS = 90
_DAYS = 90
# The begin of a page, with its title.
_MOST_OF_HEAD = 2000
_TITLE = re.compile(r"<title>[^<]*? · ([^<]*?) · trueup</title>")
# With the moment to the microsecond, two runs do not share a name. Earlier versions wrote neither it nor the target.
_NAME = re.compile(
    r"(?P<stamp>(?P<day>\d{4}-\d\d-\d\d)T(?P<hour>\d\d)(?P<minute>\d\d)\d\d(?:\d{6})?Z)\."
    r"(?:(?P<target>[\w-]+)\.)?(?P<status>healthy|findings|could_not_check)\.html"
)


@dataclass(frozen=True)
class Kept:
    """One report in the folder. ``stamp``: when its run began, sortable; ``began_at``: the same for people, such as
    ``2026-02-04 13:00 UTC``; ``day``: the day of it; ``target``: "" in reports of earlier versions.
    """

    name: str
    stamp: str
    day: str
    began_at: str
    target: str
    status: str


def keep(folder: Path, report: Report, rules: Mapping[str, Rule], began_at: datetime) -> None:
    """Add the report of the run that began at this time (UTC), in place of an earlier one of this run. The newest 90
    and each target's last one of each of the newest 90 days stay. Data Docs are those of the last check alone, so the
    report has no links to them. Raises CannotCheckError if it cannot be written.
    """
    reports = (folder / EARLIER).parent
    stamp = f"{began_at:%Y-%m-%dT%H%M%S%fZ}"
    run = f"{stamp}.{re.sub(r'[^A-Za-z0-9_-]', '_', report.target)}"
    name = f"{run}.{report.status}.html"
    alone = replace(report, data_docs="", suites=tuple(replace(one, page="") for one in report.suites))
    write_text(reports / name, render(alone, rules, earlier="index.html"))
    found = kept(folder)
    replaced = [one for one in found if one.name.startswith(f"{run}.") and one.name != name]
    stay = _stay([one for one in found if one not in replaced], stamp)
    for one in found:
        if one not in stay:
            with contextlib.suppress(OSError):
                (reports / one.name).unlink()
    rows = [IndexRow(one.name, one.began_at, _days_of(reports / one.name), one.target, one.status) for one in stay]
    write_text(folder / EARLIER, render_index(rows))


def _days_of(page: Path) -> str:
    """The days of a kept report, from the title of its page; "" if it has none."""
    with contextlib.suppress(OSError, UnicodeDecodeError), page.open(encoding="utf-8") as file:
        if found := _TITLE.search(file.read(_MOST_OF_HEAD)):
            return html.unescape(found[1])
    return ""


def _stay(found: Sequence[Kept], now: str) -> list[Kept]:
    """Many runs a day (``trueup serve``) must not push out the reports of earlier days, nor one target those of
    another. Those of a clock that was ahead are the first to go.
    """
    ranked = sorted(found, key=lambda one: (one.stamp <= now, one.stamp), reverse=True)
    last: dict[tuple[str, str], Kept] = {}
    for one in ranked:
        last.setdefault((one.day, one.target), one)
    days = list(dict.fromkeys(one.day for one in ranked))[:_DAYS]
    stay = {*ranked[:_RUNS], *(one for one in last.values() if one.day in days)}
    return [one for one in found if one in stay]


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
    return [_kept(found) for name in names if (found := _NAME.fullmatch(name))]


def _kept(found: re.Match[str]) -> Kept:
    began_at = f"{found['day']} {found['hour']}:{found['minute']} UTC"
    return Kept(found[0], found["stamp"], found["day"], began_at, found["target"] or "", found["status"])
