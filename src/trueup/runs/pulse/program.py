"""The models that a pulse evaluates, compiled ahead.

dbt compiles them once for days far in the future. A pulse replaces those days and that time by its own, so that its SQL
is what dbt would compile, without dbt's seconds. They are compiled again when the project, the settings or a source
table changes.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from trueup.parsing import parse
from trueup.reporting.artifacts import write_text
from trueup.results.compiled import CompiledModel
from trueup.runs.build import asked_sources, look_at
from trueup.runs.workplace import Workplace
from trueup.schemas import TableFacts
from trueup.window import Window, window_vars

# No data are of these years: each date of them in the SQL is one that the vars have made.
_FIRST_DATE = date(2150, 7, 1)
_AS_OF = datetime(2150, 7, 2, 12, 34, 56, 789012, UTC)
_DATE = re.compile(r"'(21\d\d-\d\d-\d\d)")
_COMMENT = re.compile(r"^ *--.*\n", re.MULTILINE)
# What a pulse asks for. The models that they read are compiled, too.
EVIDENCE, ANSWERS = ("completion_evidence", "phase4_evidence"), ("findings", "rule_outcomes")


@dataclass(frozen=True)
class Program:
    """``inputs``: a hash of all that dbt reads; ``sources``: full names by ``dataset.table``; ``facts``: the tables at
    the time of the compilation, None for a missing one; ``unreadable``: why optional sources may not be read.
    """

    inputs: str
    day_count: int
    sources: Mapping[str, str]
    facts: Mapping[str, TableFacts | None]
    unreadable: Mapping[str, str]
    models: Mapping[str, CompiledModel]

    def read_by(self, model: str, known: Collection[str]) -> Iterator[str]:
        """All that a model reads, also through others, but not through those that are ``known``."""
        for one in self.models[model].reads if model in self.models else ():
            if one not in known:
                yield one
                yield from self.read_by(one, known)

    def sql(self, model: str, window: Window) -> str:
        """The SQL of a model for the days and the time of a window of ``day_count`` days."""
        moved = window.first_date - _FIRST_DATE

        def day(found: re.Match[str]) -> str:
            return f"'{date.fromisoformat(found[1]) + moved}"

        return _DATE.sub(day, self.models[model].sql.replace(_moment(_AS_OF), _moment(window.as_of)))


def _moment(time: datetime) -> str:
    """A time as the macro as_of writes it."""
    return f"timestamp '{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00:00'"


def open_program(work: Workplace, file: Path) -> Program:
    """The program in the file if it still fits, else a new one, which is written to the file.

    Raises WarehouseError if a required source may not be read in full.
    """
    day_count = len(work.settings.window.dates)
    inputs = _inputs(work, day_count)
    stored = _read(file)
    if stored is None or stored.inputs != inputs:
        stored = Program(inputs, day_count, asked_sources(work), {}, {}, {})
    facts, unreadable = look_at(work, stored.sources)
    if stored.models and (stored.facts, stored.unreadable) == (facts, unreadable):
        return stored
    work.listener.start("Compiling the pulse")
    program = Program(inputs, day_count, stored.sources, facts, unreadable, _compiled(work, day_count, unreadable))
    write_text(file, json.dumps(asdict(program)))
    work.listener.finish()
    return program


def _inputs(work: Workplace, day_count: int) -> str:
    settings = work.settings
    known = [work.dbt.contents, settings.target, work.relation, settings.variables, day_count]
    return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()


def _compiled(work: Workplace, day_count: int, unreadable: Mapping[str, str]) -> Mapping[str, CompiledModel]:
    window = Window(_FIRST_DATE, _FIRST_DATE + timedelta(days=day_count - 1), _AS_OF)
    variables = {"run_id": None, "unreadable_sources": sorted(unreadable)}
    models = work.dbt.with_vars(window_vars(window, variables)).compiled([*EVIDENCE, *ANSWERS])
    # The embedded warehouse takes an apostrophe in a comment for the begin of a text.
    return {name: replace(model, sql=_COMMENT.sub("", model.sql)) for name, model in models.items()}


def _read(file: Path) -> Program | None:
    """The program in a file; None if there is none that this version can read."""
    try:
        return parse(Program, file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
