"""Great Expectations: suites validated against the warehouse, and its own pages about them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlparse

import great_expectations as gx
from google.api_core.exceptions import GoogleAPIError
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.exceptions.exceptions import GreatExpectationsError
from sqlalchemy.exc import SQLAlchemyError

from trueup.errors import CannotCheckError
from trueup.expectations.suites import Suite
from trueup.expectations.verdicts import Validation
from trueup.gateways.warehouse import Warehouse

_SITE = "data_docs"
_ROW_COUNT = "row_count"
_PLACE = "place"
_COUNTED = -1
_REASON_LENGTH = 300
_TROUBLE = (GreatExpectationsError, SQLAlchemyError, GoogleAPIError, ValueError, TypeError, KeyError)
# It warns of limits of BigQuery that its own queries do not come near, and tells of its folders.
for _name in ("great_expectations", "great_expectations.data_context.types.base"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class GreatExpectations:
    """One run of Great Expectations, whose Data Docs stand in ``folder`` once they are published.

    Raises CannotCheckError where it cannot be set up.
    """

    def __init__(self, warehouse: Warehouse, folder: Path, as_of: datetime) -> None:
        self._folder = folder
        # A run that is killed leaves the pages of the last one as they are.
        self._draft = folder.with_name(f"{folder.name}.draft")
        self._run = RunIdentifier(run_name=f"{as_of:%Y-%m-%dT%H.%M}", run_time=as_of)
        # Its own annotations leave out parts of what it documents.
        self._context = cast(Any, gx.get_context(mode="ephemeral"))
        self._context.variables.progress_bars = {"globally": False}
        for site in self._context.get_site_names():
            self._context.delete_data_docs_site(site)
        self._context.add_data_docs_site(_SITE, _site(self._draft))
        try:
            self._source = self._context.data_sources.add_or_update_bigquery(
                name="bigquery",
                connection_string=f"bigquery://{warehouse.project}/{warehouse.dataset}?user_supplied_client=true",
                kwargs={"connect_args": {"client": warehouse.client}},
            )
        except _TROUBLE as error:
            raise CannotCheckError(f"Great Expectations cannot use the warehouse: {_short(str(error))}") from error

    def validate(
        self, suite: Suite, query: str, row_count: int, parameters: Mapping[str, Any]
    ) -> tuple[Validation, ...]:
        """What Great Expectations says of each expectation of a suite, in their order, over the rows of a query.

        ``row_count``: how many rows the query has. Where Great Expectations sees another number it saw nothing
        that one could go by: a query that fails on the way comes back empty.
        """
        try:
            definition = self._define(suite, query)
            given = {**parameters, _ROW_COUNT: row_count}
            # First only whether all is well, which takes few queries; the rows are fetched where it is not.
            result = definition.run(expectation_parameters=given, run_id=self._run, result_format="BOOLEAN_ONLY")
            if not result.success:
                columns = list(dict.fromkeys(["game_date", *suite.keys]))
                wanted = {"result_format": "COMPLETE", "unexpected_index_column_names": columns}
                result = definition.run(expectation_parameters=given, run_id=self._run, result_format=wanted)
        except _TROUBLE as error:
            return tuple(Validation(False, problem=_short(str(error))) for _ in suite.expectations)
        # Great Expectations gives the results in an order of its own.
        results = {one.expectation_config.meta[_PLACE]: one for one in result.results}
        counted = results[_COUNTED]
        if not counted.success:
            seen = counted.result.get("observed_value", "no")
            problem = f"it saw {seen} rows of {row_count}{_exception(counted)}"
            return tuple(Validation(False, problem=_short(problem)) for _ in suite.expectations)
        return tuple(_validation(results[place]) for place in range(len(suite.expectations)))

    def build_docs(self) -> dict[str, str]:
        """Write Data Docs of all that was validated; the page of each suite, and of "" the index, from the folder
        that theirs is in.
        """
        try:
            shutil.rmtree(self._draft, ignore_errors=True)
            index = self._context.build_data_docs(site_names=[_SITE])[_SITE]
            urls = {"": index}
            for key in self._context.validation_results_store.list_keys():
                (found,) = self._context.get_docs_sites_urls(resource_identifier=key, site_names=[_SITE])
                urls[key.expectation_suite_identifier.name] = found["site_url"]
        except (GreatExpectationsError, OSError) as error:
            raise CannotCheckError(f"Great Expectations' pages could not be written: {_short(str(error))}") from error
        return {name: f"{self._folder.name}/{_within(self._draft, url)}" for name, url in urls.items()}

    def publish_docs(self) -> None:
        """Put the pages in the place of those of the last run."""
        try:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._draft.rename(self._folder)
        except OSError as error:
            raise CannotCheckError(
                f"Great Expectations' pages are at {self._draft} and not at {self._folder}: {error.strerror}."
            ) from error

    def _define(self, suite: Suite, query: str) -> Any:
        asset = self._source.add_query_asset(name=suite.name, query=query)
        counted = {
            "type": "expect_table_row_count_to_equal",
            "kwargs": {"value": {"$PARAMETER": _ROW_COUNT}},
            "meta": {_PLACE: _COUNTED},
            "description": "Great Expectations sees the rows that the warehouse counts.",
        }
        expectations = [{**one.config, "meta": {_PLACE: place}} for place, one in enumerate(suite.expectations)]
        added = self._context.suites.add(gx.ExpectationSuite(name=suite.name, expectations=[counted, *expectations]))
        return self._context.validation_definitions.add(
            gx.ValidationDefinition(
                name=suite.name, data=asset.add_batch_definition_whole_table("checked_days"), suite=added
            )
        )


def _site(folder: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _validation(result: Any) -> Validation:
    if result.success:
        return Validation(True)
    rows = _rows(result.result)
    if rows:
        return Validation(False, rows)
    return Validation(False, problem=_short(f"it names no row{_exception(result)}"))


def _rows(result: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The rows that are not as expected. Of columns that are unique together they stand among the values."""
    found: Sequence[Any] = result.get("unexpected_index_list") or result.get("unexpected_list") or ()
    return tuple(row for row in found if isinstance(row, Mapping))


def _exception(result: Any) -> str:
    """What was raised, if anything was: one message, or one for each metric."""
    raised = result.exception_info or {}
    told = [raised] if "exception_message" in raised else [one for one in raised.values() if isinstance(one, Mapping)]
    messages = [str(one["exception_message"]) for one in told if one.get("exception_message")]
    return f": {messages[0]}" if messages else ""


def _short(text: str) -> str:
    return " ".join(text.split())[:_REASON_LENGTH]


def _within(folder: Path, url: str) -> str:
    path = Path(unquote(urlparse(url).path))
    if not path.is_relative_to(folder):
        raise CannotCheckError(f"Great Expectations wrote {path}, which is not in {folder}.")
    return path.relative_to(folder).as_posix()
