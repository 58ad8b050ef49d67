"""The process that the embedded warehouse lives in; run as ``python -m``.

It prints its port as one line and lives as long as its standard input: when the parent ends, however it
ends, the pipe closes and this process with it, so that no warehouse is ever left behind.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from importlib import import_module
from typing import Any

_KEPT_TEXTS = 512
_ATOMS = (str, int, bool, float, type(None))


def parse_each_text_once() -> None:
    """The embedded warehouse parses the text of one statement some twenty times, and that is most of its work: keep
    what a text was parsed to, and hand out copies, for its rules change what they get.
    """
    dialect = import_module("sqlglot.dialects.dialect").Dialect
    parse = dialect.parse
    kept: OrderedDict[Any, Any] = OrderedDict()

    def parse_once(self: Any, sql: str, **options: Any) -> Any:
        if options:
            return parse(self, sql, **options)
        key = (type(self), repr(self.settings), sql)
        found = kept.pop(key, None)
        if found is None:
            found = parse(self, sql)
        kept[key] = found
        while len(kept) > _KEPT_TEXTS:
            kept.popitem(last=False)
        return [one and one.copy() for one in found]

    dialect.parse = parse_once
    core: Any = import_module("sqlglot.expressions.core")
    core.deepcopy = _copy_node(core.Expression, core.deepcopy)


def _copy_node(expression: Any, deepcopy: Any) -> Any:
    def copy(value: Any, memo: Any = None) -> Any:
        kind = type(value)
        if kind is dict:
            return {key: one if type(one) in _ATOMS else deepcopy(one) for key, one in value.items()}
        if kind is list:
            return [one if type(one) in _ATOMS else deepcopy(one) for one in value]
        return value.__deepcopy__(memo) if isinstance(value, expression) else deepcopy(value)

    return copy


async def serve(project: str) -> None:
    """Serve until standard input ends."""
    parse_each_text_once()
    # DuckDB would download this extension; it comes as a package instead.
    import_module("duckdb_extensions").import_extension("spatial")
    settings = import_module("bqemulator.config").Settings(
        rest_port=0, grpc_port=0, default_project_id=project, log_level="error"
    )
    server = import_module("bqemulator.server").EmulatorServer(settings)
    await server.start()
    try:
        print(f"port {server.rest_port}", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    finally:
        await server.stop()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
