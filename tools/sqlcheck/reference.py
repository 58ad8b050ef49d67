"""Runs one query on given tables with GoogleSQL's reference implementation, in a separate process that may crash.

It supports BigQuery's SQL except APPROX_* and HLL functions, geography, MERGE and FOR SYSTEM_TIME.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2
from zetasql.wasi._pb2.zetasql.proto import options_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options_pb2
from zetasql.wasi._pb2.zetasql.public import type_pb2

from sqlcheck.differential_rows import Table
from sqlcheck.engine import Engine, SqlError
from sqlcheck.tree import kind_of, location, walk
from sqlcheck.types import TypeTextError, parse_type, type_text
from sqlcheck.values import EncodingError, decode, encode

# Features that BigQuery lacks and that would change results. Others only accept more SQL, and the analyzer checks that.
_NOT_IN_BIGQUERY = ("TIMESTAMP_NANOS", "TIMESTAMP_PICOS", "TIMESTAMP_PRECISION", "EXTENDED_TYPES")
SECONDS_PER_QUERY = 60.0
# Includes compiling the module, if it is not cached.
_SECONDS_TO_START = 180.0


class ReferenceFailedError(Exception):
    """The reference did not run a query: unknown construct, error, crash or timeout."""


class Reference:
    """A context manager for the process. After a crash or timeout the next query starts a new process."""

    def __init__(self, cache_dir: Path | None = None) -> None:
        self._cache_dir = cache_dir
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def query(self, sql: str, tables: Mapping[str, Table], seconds: float = SECONDS_PER_QUERY) -> Table:
        """The result of one query. ``tables``: by full name.

        Raises ReferenceFailedError with the reason if there is no result within ``seconds``.
        """
        connection = self._connected()
        try:
            connection.send((sql, dict(tables)))
            if not connection.poll(seconds):
                raise ReferenceFailedError(f"no answer within {seconds:g} s")
            answer: Table | str = connection.recv()
        except (EOFError, ConnectionError) as error:
            raise ReferenceFailedError(f"the process of the reference ended ({self._end()})") from error
        except BaseException:
            self._end()
            raise
        if isinstance(answer, str):
            raise ReferenceFailedError(answer)
        return answer

    @property
    def process_id(self) -> int:
        """The id of the process; 0 if none is running."""
        return (self._process.pid or 0) if self._process else 0

    def _connected(self) -> Connection:
        if self._connection is None:
            # Spawned, not forked: the parent may have threads (pytest-xdist, gRPC).
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, self._cache_dir), daemon=True)
            self._process.start()
            theirs.close()
            self._connection = ours
            if not ours.poll(_SECONDS_TO_START):
                raise ReferenceFailedError(f"the reference did not start ({self._end()})")
            try:
                ours.recv()
            except EOFError as error:
                raise ReferenceFailedError(f"the reference did not start ({self._end()})") from error
        return self._connection

    def _end(self) -> str:
        """End the process; returns how it ended."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is None:
            return "it was not running"
        process.join(timeout=1)
        if process.exitcode is not None:
            return f"exit code {process.exitcode}"
        process.kill()
        process.join()
        return "it was ended"

    def __enter__(self) -> Reference:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()


def _serve(connection: Connection, cache_dir: Path | None) -> None:
    """The process: answers queries, until its parent closes the connection, with a table or why there is none."""
    engine = Engine(cache_dir)
    connection.send("ready")
    while True:
        try:
            sql, tables = connection.recv()
        except EOFError:
            return
        try:
            connection.send(evaluate(engine, sql, tables))
        except (SqlError, EncodingError, TypeTextError) as error:
            connection.send(" ".join(str(error).split()))


def evaluate(engine: Engine, sql: str, tables: Mapping[str, Table]) -> Table:
    """The result of one query, in this process. Raises SqlError; EncodingError for a value that does not fit its type;
    TypeTextError for an unknown type.
    """
    options = analyzer_options(engine)
    request = local_service_pb2.EvaluateQueryRequest(sql=fold_names(engine, options, sql, tables))
    request.options.CopyFrom(options)
    request.descriptor_pool_list.definitions.add().builtin.SetInParent()
    catalog = request.simple_catalog
    catalog.name = "tables"
    catalog.builtin_function_options.language_options.CopyFrom(options.language_options)
    for place, (name, table) in enumerate(tables.items(), start=1):
        kinds = {column: parse_type(text) for column, text in table.columns.items()}
        declared = catalog.table.add(name=name, serialization_id=place)
        for column, kind in kinds.items():
            declared.column.add(name=column).type.CopyFrom(kind)
        _fill(request.table_content[name].table_data, table, kinds)
    response = engine.call("EvaluateQuery", request, local_service_pb2.EvaluateQueryResponse)
    columns = [(column.name, column.type) for column in response.prepared.columns]
    return Table(
        {name: type_text(kind) for name, kind in columns},
        [
            {name: decode(cell, kind) for cell, (name, kind) in zip(row.cell, columns, strict=True)}
            for row in response.content.table_data.row
        ],
    )


def _fill(data: Any, table: Table, kinds: Mapping[str, type_pb2.TypeProto]) -> None:
    data.SetInParent()
    for row in table.rows:
        cells = data.row.add().cell
        for column, kind in kinds.items():
            try:
                cells.append(encode(row[column], kind))
            except EncodingError as error:
                raise EncodingError(f"input column {column}: {error}") from error


def analyzer_options(engine: Engine) -> options_pb2.AnalyzerOptionsProto:
    """BigQuery's features, with the rewrites that the reference needs."""
    usual = engine.call(
        "GetAnalyzerOptions", local_service_pb2.AnalyzerOptionsRequest(), options_pb2.AnalyzerOptionsProto
    )
    options = options_pb2.AnalyzerOptionsProto(default_timezone="UTC")
    options.enabled_rewrites.extend(usual.enabled_rewrites)
    options.language_options.CopyFrom(_language_options(engine))
    return options


def _language_options(engine: Engine) -> options_pb2.LanguageOptionsProto:
    request = local_service_pb2.LanguageOptionsRequest(maximum_features=True)
    language = engine.call("GetLanguageOptions", request, options_pb2.LanguageOptionsProto)
    language.product_mode = public_options_pb2.PRODUCT_EXTERNAL  # BigQuery's types and their names
    off = {public_options_pb2.LanguageFeature.Value(f"FEATURE_{name}") for name in _NOT_IN_BIGQUERY}
    kept = [feature for feature in language.enabled_language_features if feature not in off]
    language.enabled_language_features[:] = kept
    if "QUALIFY" not in language.reserved_keywords:
        language.reserved_keywords.append("QUALIFY")
    return language


def fold_names(engine: Engine, options: options_pb2.AnalyzerOptionsProto, sql: str, tables: Mapping[str, Table]) -> str:
    """The query with each table's path as one name, because the reference finds tables only by such names.

    A table without an alias gets the last part of its path as alias, as the language defines.
    """
    request = local_service_pb2.ParseRequest(sql_statement=sql)
    request.options.CopyFrom(options.language_options)
    tree = engine.call("Parse", request, local_service_pb2.ParseResponse)
    known = {name.lower(): name for name in tables}
    text = sql.encode()
    found = [
        (location(path.path_expr), path)
        for path in walk(tree)
        if kind_of(path) == "ASTTablePathExpressionProto" and path.HasField("path_expr")
    ]
    for (start, end), path in sorted(found, key=lambda one: one[0], reverse=True):
        parts = ".".join(part.id_string for part in path.path_expr.names).split(".")
        name = known.get(".".join(parts).lower())
        if name is not None:
            alias = "" if path.HasField("alias") else f" as `{parts[-1]}`"
            text = text[:start] + f"`{name}`{alias}".encode() + text[end:]
    return text.decode()
