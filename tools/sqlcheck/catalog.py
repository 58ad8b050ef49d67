"""The tables, variables and functions that a statement can use, as GoogleSQL's catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zetasql.wasi._pb2.zetasql.proto import function_pb2, options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import function_pb2 as signature_pb2
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto

from sqlcheck.types import ALIASES, parse_type

_ENUMS = signature_pb2.FunctionEnums
# Of every catalog: what BigQuery has and open-source GoogleSQL has not.
_SEARCH_OPTIONS = (("json_scope", "STRING"), ("analyzer", "STRING"), ("analyzer_options", "STRING"))


@dataclass(frozen=True)
class Table:
    """A table's columns by name. ``pseudo``: columns that are not in ``*``. ``partition_column``: every query needs a
    range on it; "" if there is none.
    """

    columns: Mapping[str, TypeProto]
    pseudo: Mapping[str, TypeProto] = field(default_factory=dict)
    partition_column: str = ""


def table_of(columns: Mapping[str, str], pseudo: Mapping[str, str] | None = None, partition_column: str = "") -> Table:
    """A table from its types as text. Raises TypeTextError."""
    return Table(
        {name: parse_type(kind) for name, kind in columns.items()},
        {name: parse_type(kind) for name, kind in (pseudo or {}).items()},
        partition_column,
    )


@dataclass(frozen=True)
class Catalog:
    """The names that are known while a script runs. Tables by ``project.dataset.table``."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    variables: Mapping[str, TypeProto] = field(default_factory=dict)
    parameters: Mapping[str, TypeProto] = field(default_factory=dict)
    functions: tuple[Any, ...] = ()
    default_project: str = ""

    def with_table(self, name: str, table: Table) -> Catalog:
        """The catalog with one more table."""
        return replace(self, tables={**self.tables, name: table})

    def with_variable(self, name: str, kind: TypeProto) -> Catalog:
        """The catalog with one more variable."""
        return replace(self, variables={**self.variables, name: kind})

    def with_function(self, function: Any) -> Catalog:
        """The catalog with one more function."""
        return replace(self, functions=(*self.functions, function))

    def variable(self, name: str) -> TypeProto | None:
        """The type of a variable; None if it is unknown."""
        return next((kind for known, kind in self.variables.items() if known.lower() == name.lower()), None)

    def as_proto(self, language: options_pb2.LanguageOptionsProto) -> simple_catalog_pb2.SimpleCatalogProto:
        """The catalog as GoogleSQL's protobuf."""
        root = simple_catalog_pb2.SimpleCatalogProto(name="bigquery")
        root.builtin_function_options.language_options.CopyFrom(language)
        folders: dict[tuple[str, ...], Any] = {(): root}

        def folder(path: tuple[str, ...]) -> Any:
            if path not in folders:
                folders[path] = folder(path[:-1]).catalog.add(name=path[-1])
            return folders[path]

        number = 0
        for name, table in self.tables.items():
            *path, last = name.split(".")
            places = [tuple(path)]
            if len(path) == 2 and path[0] == self.default_project:
                places.append((path[1],))
            for place in places:
                number += 1
                _add_table(folder(place), last, name, number, table)
        for name, kind in self.variables.items():
            root.constant.add(name_path=[name]).type.CopyFrom(kind)
        for name, kind in ALIASES.items():
            if name not in ("BOOLEAN", "FLOAT", "RECORD"):
                root.named_type.add(name=name).type.CopyFrom(parse_type(kind))
        for function in (*self.functions, *_bigquery_only()):
            *path, last = function.name_path
            added = folder(tuple(path)).custom_function.add()
            added.CopyFrom(function)
            del added.name_path[:]
            added.name_path.append(last)
        return root


def _add_table(folder: Any, name: str, full_name: str, number: int, table: Table) -> None:
    added = folder.table.add(name=name, full_name=full_name, serialization_id=number)
    for column, kind in table.columns.items():
        added.column.add(name=column).type.CopyFrom(kind)
    for column, kind in table.pseudo.items():
        added.column.add(name=column, is_pseudo_column=True).type.CopyFrom(kind)


def _bigquery_only() -> Iterable[Any]:
    """Functions that BigQuery documents and open-source GoogleSQL lacks: MAX_BY, MIN_BY, CONTAINS_SUBSTR, SEARCH
    (https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all).
    """
    for name in ("MAX_BY", "MIN_BY"):
        function = function_pb2.FunctionProto(group="BigQuery", mode=_ENUMS.AGGREGATE, name_path=[name])
        function.options.supports_over_clause = False
        signature = function.signature.add()
        signature.options.SetInParent()
        _set_kind(signature.return_type, signature_pb2.ARG_TYPE_ANY_1)
        for kind in (signature_pb2.ARG_TYPE_ANY_1, signature_pb2.ARG_TYPE_ANY_2):
            argument = signature.argument.add()
            _set_kind(argument, kind)
            argument.options.cardinality = _ENUMS.REQUIRED
            argument.options.must_support_ordering = kind == signature_pb2.ARG_TYPE_ANY_2
        yield function
    yield _search_function("CONTAINS_SUBSTR", "expression", "search_value_literal", _SEARCH_OPTIONS[:1])
    yield _search_function("SEARCH", "data_to_search", "search_query", _SEARCH_OPTIONS)


def _search_function(name: str, searched: str, wanted: str, options: Iterable[tuple[str, str]]) -> Any:
    function = function_pb2.FunctionProto(group="BigQuery", mode=_ENUMS.SCALAR, name_path=[name])
    function.options.SetInParent()
    signature = function.signature.add()
    signature.options.SetInParent()
    signature.return_type.type.CopyFrom(parse_type("BOOL"))
    _set_kind(signature.return_type, signature_pb2.ARG_TYPE_FIXED)
    for argument_name, kind in ((searched, ""), (wanted, "STRING"), *options):
        argument = signature.argument.add()
        is_option = argument_name not in (searched, wanted)
        if kind:
            argument.type.CopyFrom(parse_type(kind))
        _set_kind(argument, signature_pb2.ARG_TYPE_FIXED if kind else signature_pb2.ARG_TYPE_ARBITRARY)
        argument.num_occurrences = -1 if is_option else 1
        argument.options.cardinality = _ENUMS.OPTIONAL if is_option else _ENUMS.REQUIRED
        argument.options.argument_name = argument_name
        argument.options.named_argument_kind = _ENUMS.NAMED_ONLY if is_option else _ENUMS.POSITIONAL_ONLY
    return function


def _set_kind(argument: Any, kind: int) -> None:
    argument.kind = kind
    argument.num_occurrences = 1
    argument.options.SetInParent()
