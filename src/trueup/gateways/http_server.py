"""Gunicorn: one process, as Cloud Run wants it. It is gunicorn's worker for ASGI, which reads many connections at once:
a caller holds a thread only when all of its request is here. With gunicorn's threads, each slow caller holds one.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from importlib import import_module
from threading import Thread
from typing import Any

from trueup.errors import UsageError
from trueup.gateways.wsgi import Bridge

# A head must be here within this time, and the connection of an answer be closed.
_HEAD_SECONDS = 5.0
# Connections without a whole head; a further one ends the oldest. A process may often open no more than 1024 files.
_MOST_HEADLESS = 500
# Cloud Run kills ten seconds after SIGTERM.
_END_SECONDS = 6


def serve(
    app: Callable[..., Any], host: str, port: int, stop: Callable[[], object], threads: int, largest: int
) -> None:
    """Serve a WSGI app until SIGTERM or SIGINT. ``stop`` is called when it ends, so that no caller waits longer.
    ``threads``: how many requests are answered at once; ``largest``: the bytes of a request's body that are kept.
    Raises SystemExit at the end.
    """
    address = f"[{host}]" if ":" in host else host
    base: Any = import_module("gunicorn.app.base")

    class Server(base.BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in {
                "bind": f"{address}:{port}",
                "worker_class": _worker_class(stop),
                "workers": 1,
                "asgi_lifespan": "off",
                "asgi_loop": "asyncio",
                "graceful_timeout": _END_SECONDS,
                "loglevel": "warning",
                "control_socket_disable": True,
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Bridge:
            return Bridge(app, threads, largest)

    Server().run()


def refuse_unusable(host: str, port: int) -> None:
    """Raise UsageError if the address cannot be used. Gunicorn tries for five seconds, and then only logs it."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise UsageError(
            f"trueup cannot listen on {host}, port {port}: {error.strerror}.", "Choose others with --host and --port."
        ) from error


def _worker_class(stop: Callable[[], object]) -> type:
    """Gunicorn's worker, which calls ``stop`` before it waits for the callers."""
    workers: Any = import_module("gunicorn.workers.gasgi")
    # The worker looks its protocol up under this name.
    workers.ASGIProtocol = _protocol_class()

    class Worker(workers.ASGIWorker):  # type: ignore[misc]
        def handle_exit_signal(self) -> None:
            Thread(target=stop).start()
            super().handle_exit_signal()

        def handle_quit_signal(self) -> None:
            Thread(target=stop).start()
            super().handle_quit_signal()

    return Worker


def _protocol_class() -> type:
    """Gunicorn's side of one connection, with an end to slow callers, and with errors as JSON."""
    protocols: Any = import_module("gunicorn.asgi.protocol")
    headless: dict[Any, None] = {}

    class Protocol(protocols.ASGIProtocol):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            # Gunicorn limits only the time between two requests. It cancels this timer when a head is here.
            self._keepalive_handle = self.worker.loop.call_later(_HEAD_SECONDS, self._keepalive_timeout)
            headless[self] = None
            if len(headless) > _MOST_HEADLESS:
                next(iter(headless))._keepalive_timeout()

        def _cancel_keepalive_timer(self) -> None:
            headless.pop(self, None)
            super()._cancel_keepalive_timer()

        def _close_transport(self) -> None:
            headless.pop(self, None)
            super()._close_transport()
            # A caller that does not read its answer would keep the connection.
            self.worker.loop.call_later(_HEAD_SECONDS, self.transport.abort)

        def _is_websocket_upgrade(self, _: Any) -> bool:
            return False

        def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
            body = json.dumps({"error": message}).encode()
            more = "".join(f"{name}: {value}\r\n" for name, value in extra_headers)
            self._safe_write(
                f"HTTP/1.1 {status} {self._get_reason_phrase(status)}\r\nContent-Type: application/json; charset=utf-8"
                f"\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n".encode("latin-1")
                + body
            )

    return Protocol
