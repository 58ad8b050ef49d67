"""A webhook receiver on loopback: it records requests and answers as configured."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from trueup.completion.store import CompletionStore
from trueup.gateways.webhook import WebhookPoster
from trueup.reporting.alerts.channels import AlertSettings
from trueup.reporting.alerts.deliver import send_alerts
from trueup.reporting.alerts.post import Patience, Poster
from trueup.reporting.alerts.sender import Courier
from trueup.reporting.alerts.state import ALERTS
from trueup.results.report import Report

SECRET = "T0SECRET/B0SECRET/x0secret"
# Short, so that tests with receivers that never answer are fast.
PATIENCE = Patience(budget_seconds=3.0, lease_seconds=60.0, first_pause_seconds=0.01)

Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    """One request."""

    key: str
    body: dict[str, Any]
    headers: dict[str, str] = field(repr=False)

    def subjects(self, name: str) -> list[str]:
        return [one["subject"] for one in self.body[name]]


class Receiver:
    """Uses its ``behaviours`` one by one, then answers 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self.behaviours: list[Behaviour] = []
        self.lock = threading.Lock()

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.received]

    def settings(self, **more: Any) -> AlertSettings:
        return AlertSettings(**{"webhook": self.url, **more})


def answer(status: int, body: str = "", **headers: str) -> Behaviour:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body.encode())))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return behave


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.close()


def never_answer(handler: BaseHTTPRequestHandler) -> None:
    threading.Event().wait(2.0)
    handler.close_connection = True


def drip(start: bytes) -> Behaviour:
    """Answers with these bytes, then sends one byte every 0.1 s for 6 s."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.wfile.write(start)
        for _ in range(60):
            threading.Event().wait(0.1)
            handler.wfile.write(b"x")
            handler.wfile.flush()

    return behave


@contextmanager
def receiver(path: str = f"/services/{SECRET}?token=q0secret") -> Iterator[Receiver]:
    """A receiver on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with made.lock:
                made.received.append(
                    Received(self.headers["Idempotency-Key"], json.loads(body), dict(self.headers.items()))
                )
                behave = made.behaviours.pop(0) if made.behaviours else answer(200, "ok")
            try:
                behave(self)
            except OSError:  # the client closed the connection
                self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        made = Receiver(f"http://127.0.0.1:{server.server_address[1]}{path}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()


def courier(
    open_collection: Callable[[str], CompletionStore],
    owner: str = "run-1",
    patience: Patience = PATIENCE,
    poster: Poster | None = None,
) -> Courier:
    return Courier(
        open_store=lambda: open_collection(ALERTS),
        poster=poster or WebhookPoster(connect_seconds=1.0, read_seconds=0.5),
        owner=owner,
        patience=patience,
    )


def results(report: Report, settings: AlertSettings, by: Courier) -> Sequence[str]:
    return [one.result for one in send_alerts(report, settings, by)]
