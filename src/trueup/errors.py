"""Everything that can stop trueup, and the exit code that names the cause.

    TrueupError
    ├── UsageError              2  the command line or the settings are wrong
    │   └── ScenarioError       2  a scenario folder cannot be read
    ├── GuardError              3  the guard refused, so that two writers do not both write
    │   ├── LockHeldError       3  another owner holds the lock
    │   ├── LockLostError       3  the lock's lease ended, or another owner took it
    │   └── FencedError         3  a later holder of the lock has already written; nothing was written
    └── CannotCheckError        3  trueup could not check
        ├── WarehouseError      3  BigQuery, or the embedded warehouse, does not answer
        │   ├── ConcurrentUpdateError  3  another transaction changed the same tables; nothing was written
        │   └── LeaseHeldError  3  another run builds the same tables
        ├── CompletionsError    3  the completion documents cannot be read or written
        │   ├── ConflictError   3  a document changed since it was read, or already exists
        │   └── UnfinishedReportError  3  a report is stored, but not what follows from it
        ├── PublishError        3  the phase 4 start message could not be sent
        ├── EnqueueError        3  a task could not be enqueued
        └── DbtError            3  dbt could not compile or run a model

``message`` says what is wrong and quotes the value; ``hint`` says what to do next.
"""

from trueup.plain import plain

# The next step for a file of the project that is gone, empty or incomplete.
RESTORE = "Restore it: see the file in the repository."
_LONGEST_DEFECT = 300


def defect_of(error: Exception) -> str:
    """An error that no code of ours foresees, in words."""
    return f"a bug in trueup: {type(error).__name__}: {str(error)[:_LONGEST_DEFECT]}"


class TrueupError(Exception):
    """Base of all errors that trueup reports without a traceback."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = plain(message)
        self.hint = plain(hint)
        if self.hint:
            self.add_note(f"→ {self.hint}")  # a traceback shows it

    @property
    def text(self) -> str:
        """Message and hint in one line."""
        return f"{self.message} {self.hint}".strip()


class UsageError(TrueupError):
    """The command line or the settings are wrong."""

    exit_code = 2


class ScenarioError(UsageError):
    """A scenario folder cannot be read."""


class GuardError(TrueupError):
    """The guard refused, so that two writers do not both write."""


class LockHeldError(GuardError):
    """Another owner holds the lock."""


class LockLostError(GuardError):
    """The lock's lease ended, or another owner took it: write nothing more."""


class FencedError(GuardError):
    """A later holder of the lock has already written; nothing was written."""


class CannotCheckError(TrueupError):
    """trueup could not check: it knows nothing about the data."""


class WarehouseError(CannotCheckError):
    """BigQuery, or the embedded warehouse, does not answer or refuses the request."""


class ConcurrentUpdateError(WarehouseError):
    """Another transaction changed the same tables; nothing was written, and it may be repeated."""


class LeaseHeldError(WarehouseError):
    """Another run holds the lease of the dataset's tables. ``run``: which one, without the end of its lease."""

    def __init__(self, message: str, hint: str, run: str) -> None:
        super().__init__(message, hint)
        self.run = plain(run)


class CompletionsError(CannotCheckError):
    """The document store does not answer or refuses the request."""


class ConflictError(CompletionsError):
    """The document changed since it was read, or already exists; nothing was written."""


class UnfinishedReportError(CompletionsError):
    """A processor's report is stored, but not what follows from it (the count, the start of phase 4): report again."""


class PublishError(CannotCheckError):
    """The phase 4 start message could not be sent, or it is unknown whether it was sent."""


class EnqueueError(CannotCheckError):
    """A task could not be enqueued, or it is unknown whether it was."""


class DbtError(CannotCheckError):
    """dbt could not compile or run a model."""
