"""The embedded warehouse is never left behind, and says why when it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.support import hear_interrupts
from trueup.errors import WarehouseError
from trueup.gateways.embedded import EmbeddedWarehouse
from trueup.gateways.warehouse import Warehouse

OWNER = """
import sys, time
from trueup.gateways.embedded import EmbeddedWarehouse
with EmbeddedWarehouse() as warehouse:
    print(warehouse.process_id, flush=True)
    time.sleep(60)
"""


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process_id}/stat")
    return not (status.exists() and status.read_text().split(") ")[1].startswith("Z"))


def ends(process_id: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_running(process_id):
            return True
        time.sleep(0.1)
    return False


def test_it_serves_on_loopback_and_is_gone_afterwards() -> None:
    with EmbeddedWarehouse() as embedded:
        process_id = embedded.process_id
        assert embedded.endpoint.startswith("http://127.0.0.1:")
        warehouse = Warehouse("trueup-local", "trueup", "US", embedded.endpoint)
        warehouse.probe()
        assert warehouse.query("select 1 as one") == [{"one": 1}]
    assert ends(process_id)
    with pytest.raises(WarehouseError, match="does not answer"):
        Warehouse("trueup-local", "trueup", "US", embedded.endpoint).probe()


def test_two_at_once_do_not_meet() -> None:
    with EmbeddedWarehouse() as one, EmbeddedWarehouse() as other:
        assert one.endpoint != other.endpoint
        Warehouse("trueup-local", "d", "US", one.endpoint).client.create_dataset("only_here")
        found = Warehouse("trueup-local", "d", "US", other.endpoint).client.list_datasets()
        assert "only_here" not in {dataset.dataset_id for dataset in found}


def test_it_is_gone_after_an_exception() -> None:
    process_id = 0

    def fail() -> None:
        nonlocal process_id
        with EmbeddedWarehouse() as embedded:
            process_id = embedded.process_id
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert ends(process_id)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_is_gone_when_its_owner_is_ended(sent: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=hear_interrupts,
    )
    assert owner.stdout is not None
    process_id = int(owner.stdout.readline())
    assert is_running(process_id)
    owner.send_signal(sent)
    owner.wait(timeout=30)
    assert ends(process_id)


def test_it_says_why_it_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bqemulator"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('this installation is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with EmbeddedWarehouse() as embedded, pytest.raises(WarehouseError, match="this installation is broken") as raised:
        _ = embedded.endpoint
    assert "make clean install" in raised.value.hint
