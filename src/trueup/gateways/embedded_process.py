"""The process of the embedded warehouse; run as ``python -m``.

It prints its port as one line and stops when its standard input closes. That happens when the parent ends, even if it
is killed, so no process is left behind.
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
    # DuckDB would download this extension; use the installed package instead.
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
