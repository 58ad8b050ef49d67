"""What several tests need: the project, the real data, an emulator, a quiet listener."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trueup.check import run_check
from trueup.gateways.replay import loaded
from trueup.report import Report
from trueup.scenarios import Scenario, load_scenario
from trueup.schemas import read_table_schemas

PROJECT = Path(__file__).resolve().parents[2]
SCENARIOS = PROJECT / "scenarios"
REAL_DATA = PROJECT.parent / "shared" / "data"
# The jar names no main class; this is the one that its own launcher starts.
_EMULATOR_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
IN_CI = os.environ.get("CI") == "true"


class Silent:
    """A listener that says nothing."""

    def start(self, what: str) -> None: ...
    def node(self, name: str, index: int, total: int) -> None: ...
    def finish(self) -> None: ...


def missing(what: str) -> None:
    """In CI a missing part fails the run; elsewhere the test is skipped, and says so."""
    if IN_CI:
        pytest.fail(f"CI needs {what}")
    pytest.skip(f"{what} is not here")


def real_data(name: str) -> Path:
    """A file of the real data beside the checkout."""
    path = REAL_DATA / name
    if not path.is_file():
        missing(f"the real data {name}")
    return path


@contextmanager
def firestore_emulator() -> Iterator[str]:
    """Google's own Firestore emulator, from the Google Cloud CLI; yields host:port."""
    gcloud, java = shutil.which("gcloud"), shutil.which("java")
    if gcloud is None or java is None:
        missing("Google's Firestore emulator (gcloud and java on the PATH)")
    root = _sdk_root(Path(str(gcloud)))
    jars = sorted(root.glob("platform/cloud-firestore-emulator/*.jar"))
    if not jars:
        missing("Google's Firestore emulator (gcloud components install cloud-firestore-emulator)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(java), "-cp", str(jars[-1]), _EMULATOR_CLASS, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _sdk_root(gcloud: Path) -> Path:
    found = gcloud.resolve().parent.parent
    if (found / "platform").is_dir():
        return found
    said = subprocess.run(
        [str(gcloud), "info", "--format=value(installation.sdk_root)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(said.stdout.strip() or str(found))


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("Google's Firestore emulator did not start within 60 s")


def replay(name: str, state_dir: Path, with_tests: bool = False) -> tuple[Scenario, Report]:
    """Run a golden scenario on this worker's warehouse."""
    scenario = load_scenario(SCENARIOS / name, read_table_schemas(PROJECT / "models"))
    with loaded(scenario, PROJECT, state_dir, Silent()) as work:
        return scenario, run_check(work, with_tests)


def hear_interrupts() -> None:
    """For Popen's preexec_fn: a shell that runs the tests in the background has them ignore SIGINT,
    and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
