"""Calls of GoogleSQL's parser and analyzer, with BigQuery's dialect and a catalog."""

from typing import Any

from google.protobuf.message import DecodeError
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto

from sqlcheck.catalog import Catalog
from sqlcheck.engine import Engine, EngineCrashError, SqlError
from sqlcheck.language import analyzer_options, language_options


class Analyzer:
    """GoogleSQL with BigQuery's dialect on one engine. ``catalog`` may be replaced at any time."""

    def __init__(self, engine: Engine, catalog: Catalog | None = None) -> None:
        self._engine = engine
        self._language = language_options()
        self._options = analyzer_options(self._language)
        self.catalog = catalog or Catalog()
        self._registered: tuple[Catalog, int] | None = None

    def parse(self, text: str) -> Any:
        """The statements of a script. Raises SqlError."""
        request = service.ParseRequest(sql_statement=text, allow_script=True)
        request.options.CopyFrom(self._language)
        parsed = self._call("Parse", request, service.ParseResponse)
        return parsed.parsed_script.statement_list_node.statement_list

    def analyze(self, target: TypeProto | None = None, **what: Any) -> Any:
        """The response to one analysis. Raises SqlError."""
        request = service.AnalyzeRequest(registered_catalog_id=self._register(), **what)
        request.options.CopyFrom(self._options)
        for name, kind in self.catalog.parameters.items():
            request.options.query_parameters.add(name=name).type.CopyFrom(kind)
        if target is not None:
            request.options.target_column_types.add().CopyFrom(target)
        request.descriptor_pool_list.definitions.add().builtin.SetInParent()
        return self._call("Analyze", request, service.AnalyzeResponse)

    def _call(self, method: str, request: Any, response_type: Any) -> Any:
        try:
            return self._engine.call(method, request, response_type)
        except EngineCrashError:
            self._registered = None  # the new engine has no catalog
            raise
        except DecodeError as error:
            raise SqlError(
                "the statement is nested too deeply (protobuf reads 100 levels), for example by a chain of 100 "
                "operators. Split it"
            ) from error

    def _register(self) -> int:
        if self._registered is None or self._registered[0] is not self.catalog:
            if self._registered is not None:
                try:
                    old = service.UnregisterRequest(registered_id=self._registered[1])
                    self._engine.call("UnregisterCatalog", old, service.AnalyzeResponse)
                except SqlError:
                    pass  # unknown to a new engine
            request = service.RegisterCatalogRequest()
            request.simple_catalog.CopyFrom(self.catalog.as_proto(self._language))
            request.descriptor_pool_list.definitions.add().builtin.SetInParent()
            response = self._engine.call("RegisterCatalog", request, service.RegisterResponse)
            self._registered = (self.catalog, response.registered_id)
        return self._registered[1]
