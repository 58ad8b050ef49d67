"""The port to Great Expectations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from trueup.expectations.suites import Suite
from trueup.expectations.verdicts import Validation

# The folder of its pages, beside the report.
DATA_DOCS = "data_docs"


class Validator(Protocol):
    """One run of Great Expectations."""

    def validate(
        self, suite: Suite, query: str, row_count: int, parameters: Mapping[str, Any], wrong_places: Collection[int]
    ) -> tuple[Validation, ...]:
        """What it says of each expectation of a suite, in their order, over the ``row_count`` rows of a query.

        ``wrong_places``: of the expectations that the warehouse has found rows against.
        """

    def build_docs(self) -> Mapping[str, str]:
        """Write Data Docs of all that was validated; the page of each suite, and of "" the index, from the report's
        folder.
        """

    def publish_docs(self) -> None:
        """Put them in the place of those of the last run."""
