"""Great Expectations: validates suites against the warehouse and writes Data Docs."""

import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, cast
from urllib.parse import unquote, urlparse

import great_expectations as gx
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier
from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.validator.v1_validator import Validator
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from trueup.errors import CannotCheckError
from trueup.expectations.kinds import asked_config, with_values
from trueup.expectations.suites import Suite
from trueup.expectations.verdicts import Validation
from trueup.gateways.data_docs import escaped, secure
from trueup.gateways.limits import step
from trueup.gateways.refusals import REFUSALS
from trueup.gateways.warehouse import Warehouse

_SITE = "data_docs"
_ROW_COUNT = "row_count"
_PLACE = "place"
_COUNTED = -1
_REASON_LENGTH = 300
_ERRORS = (GreatExpectationsError, SQLAlchemyError, *REFUSALS, ValueError, TypeError, KeyError)
# It warns about BigQuery limits that do not matter here, and logs its folders.
for _name in ("great_expectations", "great_expectations.data_context.types.base"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class GreatExpectations:
    """One run. Its published Data Docs are in ``folder``. Raises CannotCheckError if it cannot be set up."""

    def __init__(self, warehouse: Warehouse, folder: Path, as_of: datetime) -> None:
        self._warehouse = warehouse
        self._folder = folder
        # If this run is killed, the pages of the last run stay.
        self._draft = folder.with_name(f"{folder.name}.draft")
        self._run = RunIdentifier(run_name=f"{as_of:%Y-%m-%dT%H.%M}", run_time=as_of)
        self._names: dict[str, tuple[str, ...]] = {}  # the columns of each suite's query
        self._pages: dict[str, str] = {}
        # Any, because its type annotations are incomplete.
        self._context = cast(Any, gx.get_context(mode="ephemeral"))
        self._context.variables.progress_bars = {"globally": False}
        for site in self._context.get_site_names():
            self._context.delete_data_docs_site(site)
        self._context.add_data_docs_site(_SITE, _site(self._draft))
        # One source for each suite that is validated at the same time: a source has only one active batch. Changes of
        # the context have to be one after the other.
        self._sources: SimpleQueue[Any] = SimpleQueue()
        self._changing = Lock()
        self._sources.put(self._new_source())

    def _new_source(self) -> Any:
        warehouse = self._warehouse
        try:
            source = self._context.data_sources.add_bigquery(
                name=f"bigquery {len(self._context.data_sources.all()) + 1}",
                connection_string=f"bigquery://{warehouse.project}/{warehouse.dataset}?user_supplied_client=true",
                kwargs={"connect_args": {"client": warehouse.client}},
            )
            event.listen(source.get_execution_engine().engine, "do_execute", self._tell_names)
        except _ERRORS as error:
            raise CannotCheckError(f"Great Expectations cannot use the warehouse: {_short(str(error))}") from error
        return source

    @contextmanager
    def _borrowed_source(self) -> Iterator[Any]:
        try:
            source = self._sources.get_nowait()
        except Empty:
            with self._changing:
                source = self._new_source()
        try:
            yield source
        finally:
            self._sources.put(source)

    def validate(
        self, suite: Suite, query: str, row_count: int, parameters: Mapping[str, Any], wrong_places: Collection[int]
    ) -> tuple[Validation, ...]:
        """See Validator. Raises WarehouseError if BigQuery does not answer."""
        with step(suite.name), self._borrowed_source() as source:
            found = self._validate(source, suite, query, {**parameters, _ROW_COUNT: row_count}, wrong_places)
        # Great Expectations makes a failed suite of it, and the next suite would wait again.
        self._warehouse.refuse_if_lost()
        return found

    def _validate(
        self, source: Any, suite: Suite, query: str, given: Mapping[str, Any], wrong_places: Collection[int]
    ) -> tuple[Validation, ...]:
        try:
            with self._changing:
                definition = self._define(source, suite, query, given, wrong_places)
            # The first run is without details: it needs few queries.
            result = definition.run(run_id=self._run, result_format="BOOLEAN_ONLY")
            if not result.success:
                self._add_details(suite, definition, result)
        except _ERRORS as error:
            return tuple(Validation(False, problem=_short(str(error))) for _ in suite.expectations)
        results = {_place(one): one for one in result.results}
        # A query that failed looks empty.
        counted = results[_COUNTED]
        if not counted.success:
            seen = counted.result.get("observed_value", "no")
            problem = f"it saw {seen} of {given[_ROW_COUNT]} rows{_exception(counted)}"
            return tuple(Validation(False, problem=_short(problem)) for _ in suite.expectations)
        return tuple(_validation(results[place]) for place in range(len(suite.expectations)))

    def build_docs(self) -> dict[str, str]:
        """See Validator."""
        try:
            if not self._pages:
                shutil.rmtree(self._draft, ignore_errors=True)
            keys = self._context.validation_results_store.list_keys()
            # Earlier pages exist already; only the index is written again.
            fresh = [one for one in keys if one.expectation_suite_identifier.name not in self._pages]
            if not fresh:
                return dict(self._pages)
            suites = [ExpectationSuiteIdentifier(one.expectation_suite_identifier.name) for one in fresh]
            index = self._context.build_data_docs(site_names=[_SITE], resource_identifiers=[*fresh, *suites])[_SITE]
            self._pages[""] = self._page(index)
            for key in fresh:
                (found,) = self._context.get_docs_sites_urls(resource_identifier=key, site_names=[_SITE])
                self._pages[key.expectation_suite_identifier.name] = self._page(found["site_url"])
        except (GreatExpectationsError, OSError) as error:
            shutil.rmtree(self._draft, ignore_errors=True)
            raise CannotCheckError(f"Data Docs could not be written: {_short(str(error))}") from error
        return dict(self._pages)

    def publish_docs(self) -> None:
        """See Validator."""
        if not self._pages:
            return
        try:
            inner = {name: page.partition("/")[2] for name, page in self._pages.items() if name}
            secure(self._draft, inner)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._draft.rename(self._folder)
        except OSError as error:
            shutil.rmtree(self._draft, ignore_errors=True)
            raise CannotCheckError(f"Data Docs could not be written in {self._folder}: {error.strerror}.") from error

    def _define(
        self, source: Any, suite: Suite, query: str, given: Mapping[str, Any], wrong_places: Collection[int]
    ) -> Any:
        """The parameters are replaced by their values: Great Expectations parses them with one parser for all threads,
        which then answer for each other.
        """
        self._names[query] = tuple(suite.columns)
        asset = source.add_query_asset(name=suite.name, query=query)
        counted = {
            "type": "expect_table_row_count_to_equal",
            "kwargs": {"value": given[_ROW_COUNT]},
            "meta": {_PLACE: _COUNTED},
            "description": "Great Expectations sees all rows that the warehouse counts.",
        }
        expectations = [
            {**with_values(asked_config(one.config, place in wrong_places), given), "meta": {_PLACE: place}}
            for place, one in enumerate(suite.expectations)
        ]
        added = self._context.suites.add(gx.ExpectationSuite(name=suite.name, expectations=[counted, *expectations]))
        return self._context.validation_definitions.add(
            gx.ValidationDefinition(
                name=suite.name, data=asset.add_batch_definition_whole_table("checked_days"), suite=added
            )
        )

    def _add_details(self, suite: Suite, definition: Any, result: Any) -> None:
        """Replace the failed results by results with counts and example rows; the pages show them too."""
        unmet = {_place(one) for one in result.results if not one.success}
        columns = list(dict.fromkeys(["game_date", *suite.keys]))
        wanted = {"result_format": "COMPLETE", "unexpected_index_column_names": columns}
        closer = Validator(batch_definition=definition.data, result_format=cast(Any, wanted))
        asked = gx.ExpectationSuite(
            name=suite.name,
            expectations=[copy(one) for one in definition.suite.expectations if one.meta[_PLACE] in unmet],
        )
        found = {_place(one): one for one in closer.validate_expectation_suite(asked).results}
        result.results = [found.get(_place(one), one) for one in result.results]
        shown = deepcopy(result)
        for one in shown.results:
            one.result, one.exception_info = escaped(one.result), escaped(one.exception_info)
            one.expectation_config.kwargs = escaped(one.expectation_config.kwargs)
        store = self._context.validation_results_store
        for key in [one for one in store.list_keys() if one.expectation_suite_identifier.name == suite.name]:
            store.set(key, shown)

    def _page(self, url: str) -> str:
        return f"{self._folder.name}/{_within(self._draft, url)}"

    def _tell_names(self, cursor: Any, statement: str, *_: Any) -> bool:
        """Great Expectations would fetch all rows of a query to learn its column names: give it the names, and no rows,
        without a job. They are then the description of the cursor (PEP 249), of which SQLAlchemy reads the names.
        """
        names = self._names.get(statement)
        if names is not None:
            cursor.description = tuple((name, *[None] * 6) for name in names)
        return names is not None


def _site(folder: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _place(result: Any) -> int:
    """The position in the suite; Great Expectations changes the order of the results."""
    return int(result.expectation_config.meta[_PLACE])


def _validation(result: Any) -> Validation:
    if result.success:
        return Validation(True)
    found = result.result
    if "unexpected_count" not in found:
        return Validation(False, problem=_short(f"it gave no count{_exception(result)}"))
    return Validation(False, found["unexpected_count"], found.get("missing_count"))


def _exception(result: Any) -> str:
    """The first exception message, if any. Great Expectations stores one message, or one for each metric."""
    raised = result.exception_info or {}
    entries = (
        [raised] if "exception_message" in raised else [one for one in raised.values() if isinstance(one, Mapping)]
    )
    messages = [str(one["exception_message"]) for one in entries if one.get("exception_message")]
    return f": {messages[0]}" if messages else ""


def _short(text: str) -> str:
    return " ".join(text.split())[:_REASON_LENGTH]


def _within(folder: Path, url: str) -> str:
    path = Path(unquote(urlparse(url).path))
    if not path.is_relative_to(folder):
        raise CannotCheckError(f"Great Expectations wrote {path} outside {folder}.")
    return path.relative_to(folder).as_posix()
