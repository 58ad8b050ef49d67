"""Everything that can stop trueup, and the exit code that names the cause.

    TrueupError
    ├── UsageError              2  the call or the settings are wrong
    │   └── ScenarioError       2  a scenario folder cannot be read
    └── CannotCheckError        3  the check could not be made
        ├── WarehouseError      3  BigQuery, or the embedded one, does not answer
        ├── CompletionsError    3  the completion documents cannot be read or written
        │   └── ConflictError   3  a document is not as it was read, or is there already
        ├── PublishError        3  the message that starts phase 4 could not be sent
        └── DbtError            3  dbt could not compile or run a model

A message says what is wrong, with the value that is, and ``hint`` says what to do next.
"""

from __future__ import annotations


class TrueupError(Exception):
    """Base of all errors that trueup reports without a traceback."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def told(self) -> str:
        """What is wrong and what to do next, in one line."""
        return f"{self.message} {self.hint}".strip()


class UsageError(TrueupError):
    """The command line or the settings are wrong."""

    exit_code = 2


class ScenarioError(UsageError):
    """A scenario folder holds something that cannot be read."""


class CannotCheckError(TrueupError):
    """The check could not be made: nothing is known about the data."""


class WarehouseError(CannotCheckError):
    """BigQuery, or the embedded warehouse, does not answer or refuses."""


class CompletionsError(CannotCheckError):
    """The store of the completion documents does not answer or refuses."""


class ConflictError(CompletionsError):
    """A document is not (any more) as the writer had read it; nothing was written."""


class PublishError(CannotCheckError):
    """The message that starts phase 4 could not be sent, or nobody knows whether it was."""


class DbtError(CannotCheckError):
    """dbt could not compile or run a model."""
