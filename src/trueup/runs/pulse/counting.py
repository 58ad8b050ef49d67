"""Counts the rows of the tables that have changed since the last pulse, and takes the rest from its memory."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from trueup.runs.pulse.changes import Counted, Memory, read_memory, write_memory
from trueup.runs.pulse.evaluation import Evaluation, Values

# Rows by game, and where these show repeated keys, the duplicates.
COUNTS, DUPLICATES = "written_games", "dup001_duplicate_rows"
# What the counts depend on besides the rows of the tables.
GAMES = "games"
_OFGAMES = ("game_date", "schedule_game_id", "system_game_id", "swapped_game_id", "is_counted")


class Counter:
    """Counts in one evaluation. ``staging``: the staging model of each table; ``stamps``: the state of each table's
    partitions before the evaluation; ``give_no_rows``: gives a staging model that is not to be read; ``memory``: the
    file with what was counted before, None if there is none; ``context``: all else that the counts depend on.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        staging: Mapping[str, str],
        stamps: Mapping[str, str],
        give_no_rows: Callable[[str], None],
        memory: Path | None,
        context: str,
    ) -> None:
        self._evaluation = evaluation
        self._staging = staging
        self._stamps = stamps
        self._give_no_rows = give_no_rows
        self._memory = memory
        self._context = context

    def count(self) -> None:
        """Give the rows of COUNTS and DUPLICATES."""
        context = self._whole_context()
        before = read_memory(self._memory) if self._memory else Memory()
        known = before.unchanged(context, self._stamps, (COUNTS, DUPLICATES))
        changed = sorted(self._staging.keys() - known.keys())
        counts = self._by_table(COUNTS, "table_name", changed)
        excess = self._evaluation.columns(COUNTS).index("excess_row_count")
        repeated = [table for table, rows in counts.items() if any(row[excess] for row in rows)]
        duplicates = self._by_table(DUPLICATES, "subject", repeated)
        together = dict(known)
        for table in changed:
            values = {COUNTS: counts[table], DUPLICATES: duplicates.get(table, [])}
            together[table] = Counted(self._stamps.get(table, ""), values)
        for model in (COUNTS, DUPLICATES):
            rows = [row for _, one in sorted(together.items()) for row in one.values[model]]
            self._evaluation.give_model(model, rows)
        if self._memory:
            write_memory(self._memory, Memory(context, together))

    def _by_table(self, model: str, column: str, tables: Collection[str]) -> dict[str, Values]:
        """The rows of a model, where it reads only these tables; by table."""
        if not tables:
            return {}
        for table, staging in self._staging.items():
            if table in tables:
                self._evaluation.take_back(staging)
            else:
                self._give_no_rows(staging)
        rows, place = self._evaluation.values(model), self._evaluation.columns(model).index(column)
        return {table: [row for row in rows if row[place] == table] for table in tables}

    def _whole_context(self) -> str:
        games = sorted(json.dumps([str(row[name]) for name in _OFGAMES]) for row in self._evaluation.rows[GAMES])
        return hashlib.sha256("\n".join([self._context, *games]).encode()).hexdigest()
