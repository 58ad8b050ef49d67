"""The embedded warehouse: the BigQuery API on a free loopback port, in a process of its own."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType

from trueup.errors import WarehouseError

PROJECT = "trueup-local"
# Where the embedded warehouse is: profiles.yml reads it, and a command that is to use one that runs already.
ENDPOINT_VARIABLE = "TRUEUP_BIGQUERY_ENDPOINT"
_START_SECONDS = 60.0


@contextmanager
def embedded_endpoint() -> Iterator[str]:
    """The endpoint of a new embedded warehouse, which stands in the environment for as long as it lives."""
    with EmbeddedWarehouse() as warehouse, published(warehouse) as endpoint:
        yield endpoint


@contextmanager
def published(warehouse: EmbeddedWarehouse) -> Iterator[str]:
    """The endpoint of a warehouse stands in the environment for as long as this lasts."""
    os.environ[ENDPOINT_VARIABLE] = warehouse.endpoint
    try:
        yield warehouse.endpoint
    finally:
        os.environ.pop(ENDPOINT_VARIABLE, None)


class EmbeddedWarehouse:
    """A context manager: begins to start on entry, gone on exit, also when its owner is killed."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> EmbeddedWarehouse:
        """Start the process; whoever asks for its endpoint waits until it serves."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trueup.gateways.embedded_process", PROJECT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            # What is read ahead into a buffer is no longer there to be waited for.
            bufsize=0,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            # Ctrl-C at a terminal reaches the whole process group; who started the warehouse ends it.
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @cached_property
    def endpoint(self) -> str:
        """Where it serves. Raises WarehouseError with the end of its output when it cannot start."""
        return f"http://127.0.0.1:{self._read_port()}"

    @property
    def process_id(self) -> int:
        """The id of the warehouse's process; 0 when it is not running."""
        return self._process.pid if self._process else 0

    def stop(self) -> None:
        """End the process, and wait for it; a second call does nothing."""
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
                    raise self._failure("ended before it served")
        raise self._failure(f"did not answer within {_START_SECONDS:.0f} s")

    def _failure(self, what: str) -> WarehouseError:
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").strip().splitlines()[-3:]
        return WarehouseError(
            f"The embedded warehouse {what}. It said last: {' | '.join(said) or 'nothing'}",
            "Install the locked requirements again (make clean install), or use --target prod.",
        )
