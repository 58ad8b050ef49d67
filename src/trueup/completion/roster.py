"""The processors that each mode expects, from the seed ``processor_roster``."""

from __future__ import annotations

import csv
import errno
from dataclasses import dataclass
from pathlib import Path

from trueup.errors import RESTORE, UsageError


@dataclass(frozen=True)
class RosterEntry:
    """A processor that a mode expects. ``is_critical``: the graceful rule requires it."""

    mode: str
    processor_name: str
    table_name: str
    is_critical: bool


@dataclass(frozen=True)
class Roster:
    """The processors of all modes, in the order of the seed."""

    entries: tuple[RosterEntry, ...] = ()

    @classmethod
    def read(cls, path: Path | str) -> Roster:
        """Read the seed. Raises UsageError if the file is missing or lacks a column."""
        return cls(
            tuple(
                RosterEntry(
                    mode=row["mode"],
                    processor_name=row["processor_name"],
                    table_name=row["table_name"],
                    is_critical=row["is_critical"].strip().lower() == "true",
                )
                for row in read_seed(Path(path), ("mode", "processor_name", "table_name", "is_critical"))
            )
        )

    @property
    def modes(self) -> frozenset[str]:
        """All modes."""
        return frozenset(entry.mode for entry in self.entries)

    @property
    def processors(self) -> frozenset[str]:
        """The processors that any mode expects."""
        return frozenset(entry.processor_name for entry in self.entries)

    def expected(self, mode: str) -> tuple[RosterEntry, ...]:
        """The processors of one mode."""
        return tuple(entry for entry in self.entries if entry.mode == mode)


def read_seed(path: Path, columns: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """The rows of a seed. Raises UsageError if the file is missing or lacks one of ``columns``."""
    try:
        if path.is_fifo():
            raise OSError(errno.EINVAL, "it is a pipe")  # which would wait for a writer
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin a file with a mark, as dbt knows
            reader = csv.DictReader(file)
            names, rows = reader.fieldnames or (), list(reader)
    except OSError as error:
        raise UsageError(f"Cannot read the seed {path}: {error.strerror}.", RESTORE) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"Cannot read the seed {path}: {error}.", "Save it as CSV in UTF-8.") from error
    if not names:
        raise UsageError(f"The seed {path} is empty.", RESTORE)
    if missing := [name for name in columns if name not in names]:
        raise UsageError(f"The seed {path} lacks the column {missing[0]}.", "Add it. See seeds/_seeds.yml.")
    for row in rows:
        if None in row or None in row.values():
            raise UsageError(
                f"The seed {path} has a row with too few or too many cells: {next(iter(row.values()))}.", "Correct it."
            )
    return rows
