"""Gunicorn: one process with threads, as Cloud Run wants it."""

import signal
import socket
from collections.abc import Callable
from importlib import import_module
from threading import Thread
from typing import Any

from trueup.errors import UsageError

# Callers that wait for a run hold a thread each.
_THREADS = 200
# Cloud Run kills ten seconds after SIGTERM.
_END_SECONDS = 6


def serve(app: Callable[..., Any], host: str, port: int, stop: Callable[[], object]) -> None:
    """Serve a WSGI app until SIGTERM or SIGINT. ``stop`` is called when it ends, so that no caller waits longer.
    Raises UsageError if the address cannot be used, SystemExit at the end.
    """
    _refuse_unusable(host, port)
    address = f"[{host}]" if ":" in host else host
    module: Any = import_module("gunicorn.app.base")

    class Server(module.BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in {
                "bind": f"{address}:{port}",
                "worker_class": "gthread",
                "workers": 1,
                "threads": _THREADS,
                "graceful_timeout": _END_SECONDS,
                "post_worker_init": lambda _: _at_signals(stop),
                "loglevel": "warning",
                "control_socket_disable": True,
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Callable[..., Any]:
            return app

    Server().run()


def _refuse_unusable(host: str, port: int) -> None:
    """Gunicorn tries for five seconds, and then only logs it."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise UsageError(
            f"trueup cannot listen on {host}, port {port}: {error.strerror}.", "Set --host and --port."
        ) from error


def _at_signals(stop: Callable[[], object]) -> None:
    """In gunicorn's worker: call ``stop`` before gunicorn's own handlers, which wait for the callers."""

    def stopping(then: Any) -> Callable[..., Any]:
        def handle(number: int, frame: Any) -> Any:
            # A handler runs between any two instructions, and must not wait for a lock.
            Thread(target=stop).start()
            return then(number, frame)

        return handle

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        if callable(then := signal.getsignal(number)):
            signal.signal(number, stopping(then))
