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
        """Validate the ``row_count`` rows of a query; one Validation per expectation of the suite, in order.

        ``wrong_places``: places of the expectations for which the warehouse found wrong rows.
        """

    def build_docs(self) -> Mapping[str, str]:
        """Write Data Docs. Returns the page of each suite, and the index under "", relative to the report's folder."""

    def publish_docs(self) -> None:
        """Replace the last run's Data Docs by these."""
