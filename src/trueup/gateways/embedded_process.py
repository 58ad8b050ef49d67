"""The process of the embedded warehouse; run as ``python -m``, with a project and a private folder as arguments.

It prints its port as one line and stops when its standard input closes. That happens when the parent ends, even if it
is killed, so no process is left behind. Its engine could read and write all files of the user, and any other user and
any web page could reach its port. Therefore the engine may only use the private folder, and a request needs the token
and the name of the loopback address.
"""

import asyncio
import hmac
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from trueup.garbage import collecting_rarely
from trueup.gateways.embedded import TOKEN_VARIABLE
from trueup.gateways.embedded_kinds import know_each_kind_once
from trueup.gateways.embedded_parser import parse_each_text_once
from trueup.gateways.embedded_translation import Answers, cache_file, translate_each_template_once

_Messages = Callable[[], Awaitable[Any]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App = Callable[[Any, _Messages, _Send], Awaitable[None]]
_HOSTS = ["127.0.0.1"]
# The server would close a connection that was idle for five seconds. If a statement keeps it busy at that moment, it
# closes it with the request that came meanwhile.
_MOST_IDLE_SECONDS = 24 * 60 * 60
# The engine writes the rest into the private folder. Its own default is 80 % of the machine.
_MOST_MEMORY_BYTES = 4 * 2**30


async def serve(project: str, folder: Path, token: str) -> None:
    """Serve until standard input ends."""
    parse_each_text_once()
    known = Answers(cache_file())
    translate_each_template_once(known)
    know_each_kind_once(known)
    # DuckDB would download this extension; use the installed package instead.
    import_module("duckdb_extensions").import_extension("spatial")
    settings = import_module("bqemulator.config").Settings(
        rest_port=0, grpc_port=0, default_project_id=project, log_level="error", upload_staging_dir=folder / "uploads"
    )
    _list_rows_one_after_the_other()
    module: Any = import_module("bqemulator.server")
    create = module.create_app
    module.create_app = lambda context: _guarded(create(context), token)
    server = module.EmulatorServer(settings)
    await server.start()
    server._fastapi_server.config.timeout_keep_alive = _MOST_IDLE_SECONDS
    try:
        # The port of the Storage API has no guard, and nothing uses it.
        await server._grpc_server.stop(grace=None)
        for setting in (
            f"temp_directory = '{folder}'",
            f"allowed_directories = ['{folder}']",
            f"memory_limit = '{_memory_bytes()}B'",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            server._engine.execute(f"set {setting}")
        print(f"port {server.rest_port}", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    finally:
        await server.stop()


def _list_rows_one_after_the_other() -> None:
    """It lists the rows of a table in another thread, beside statements, and its engine then crashes."""
    routes: Any = import_module("bqemulator.api.routes.tabledata")
    listed = routes.list_tabledata

    @wraps(listed)
    async def on_the_loop(*arguments: Any, **options: Any) -> Any:
        return listed(*arguments, **options)

    for route in routes.router.routes:
        if route.endpoint is listed:
            route.endpoint = on_the_loop


def _memory_bytes() -> int:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(_MOST_MEMORY_BYTES, machine * 8 // 10)


def _guarded(app: _App, token: str) -> _App:
    """The app for requests with the token only."""
    responses = import_module("starlette.responses")

    async def guard(scope: Any, receive: _Messages, send: _Send) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if scope["type"] == "http" and hmac.compare_digest(given, f"Bearer {token}".encode()):
            await app(scope, receive, send)
        elif scope["type"] == "http":
            error = {"code": 401, "status": "UNAUTHENTICATED", "message": f"{TOKEN_VARIABLE} is not this warehouse's"}
            await responses.JSONResponse({"error": error}, 401)(scope, receive, send)

    # A web page can let its own name resolve to the loopback address.
    trusted: _App = import_module("starlette.middleware.trustedhost").TrustedHostMiddleware(guard, _HOSTS)
    return trusted


if __name__ == "__main__":
    with collecting_rarely():
        asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), os.environ[TOKEN_VARIABLE]))
