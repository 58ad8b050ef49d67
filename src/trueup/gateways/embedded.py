"""The embedded warehouse: the BigQuery API on a free loopback port, in a separate process.

Only its owner can use it: every request needs a token. See embedded_process.
"""

from __future__ import annotations

import os
import secrets
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from urllib.parse import urlsplit

from trueup.errors import WarehouseError
from trueup.temporary import temporary_folder

PROJECT = "trueup-local"
# The address and the token of a running embedded warehouse. profiles.yml reads them; users can set them to reuse one.
ENDPOINT_VARIABLE = "TRUEUP_BIGQUERY_ENDPOINT"
TOKEN_VARIABLE = "TRUEUP_BIGQUERY_TOKEN"
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Endpoint:
    """The URL of a BigQuery API that is not Google's, and the token that each request needs."""

    url: str
    token: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether this is an embedded warehouse."""
        return urlsplit(self.url).hostname in ("127.0.0.1", "::1", "localhost")

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that profiles.yml reads."""
        return {ENDPOINT_VARIABLE: self.url, TOKEN_VARIABLE: self.token}


@contextmanager
def embedded_endpoint() -> Iterator[Endpoint]:
    """Start an embedded warehouse and set its endpoint in the environment."""
    with EmbeddedWarehouse() as warehouse, published(warehouse) as endpoint:
        yield endpoint


@contextmanager
def published(warehouse: EmbeddedWarehouse) -> Iterator[Endpoint]:
    """Set the endpoint of a warehouse in the environment, for the time of the context."""
    before = {name: os.environ.pop(name, None) for name in (ENDPOINT_VARIABLE, TOKEN_VARIABLE)}
    os.environ.update(warehouse.endpoint.environment)
    try:
        yield warehouse.endpoint
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def published_endpoint() -> Endpoint:
    """The endpoint in the environment."""
    return Endpoint(os.environ[ENDPOINT_VARIABLE], os.environ.get(TOKEN_VARIABLE, ""))


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings of the emulator, such as the address on which it listens."""
    return {name: value for name, value in environment.items() if not name.startswith("BQEMU_")}


class EmbeddedWarehouse:
    """A context manager: starts the warehouse on entry and stops it on exit, or when the owner is killed."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process: subprocess.Popen[bytes] | None = None
        self._token = secrets.token_urlsafe()
        self._folder = ExitStack()

    def __enter__(self) -> EmbeddedWarehouse:
        """Start the process without waiting. ``endpoint`` waits until it serves."""
        folder = self._folder.enter_context(temporary_folder())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trueup.gateways.embedded_process", PROJECT, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            # select() does not see lines that are already in a buffer.
            bufsize=0,
            # Other users can read the arguments of a process, but not its environment.
            env={**_without_settings(os.environ), "PYTHONWARNINGS": "ignore", TOKEN_VARIABLE: self._token},
            # Ctrl-C at a terminal would reach the whole process group; only the owner must stop the warehouse.
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @cached_property
    def endpoint(self) -> Endpoint:
        """The API. Raises WarehouseError with the end of the output if the warehouse cannot start."""
        return Endpoint(f"http://127.0.0.1:{self._read_port()}", self._token)

    @property
    def process_id(self) -> int:
        """The id of the warehouse's process; 0 when it is not running."""
        return self._process.pid if self._process else 0

    def stop(self) -> None:
        """Stop the process and wait for it. A second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
        self._log.close()
        self._folder.close()

    def _read_port(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while selector.select(timeout=_START_SECONDS):
                line = self._process.stdout.readline()
                if line.startswith(b"port "):
                    return int(line.split()[1])
                if not line:
                    raise self._failure("stopped before it was ready")
        raise self._failure(f"did not answer within {_START_SECONDS:.0f} s")

    def _failure(self, what: str) -> WarehouseError:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()[-3:]
        return WarehouseError(
            f"The embedded warehouse {what}. Its last output: {' | '.join(lines) or 'none'}",
            "Install the locked requirements again (make clean install), or use --target prod.",
        )
