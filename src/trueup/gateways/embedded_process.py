"""The process that the embedded warehouse lives in; run as ``python -m``.

It prints its port as one line and lives as long as its standard input: when the parent ends, however it
ends, the pipe closes and this process with it, so that no warehouse is ever left behind.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

from trueup.garbage import collecting_rarely
from trueup.gateways.embedded_parser import parse_each_text_once


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
    with collecting_rarely():
        asyncio.run(serve(sys.argv[1]))
