"""The embedded warehouse is never left behind, and says why when it cannot start."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from helpers.support import hear_interrupts
from trueup.errors import WarehouseError
from trueup.gateways.connection import embedded_connection
from trueup.gateways.embedded import EmbeddedWarehouse
from trueup.gateways.warehouse import Warehouse
from trueup.temporary import temporary_folder

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
        assert embedded.endpoint.url.startswith("http://127.0.0.1:")
        warehouse = Warehouse(embedded_connection(embedded.endpoint))
        warehouse.probe()
        assert warehouse.query("select 1 as one") == [{"one": 1}]
    assert ends(process_id)
    with pytest.raises(WarehouseError, match="does not answer"):
        Warehouse(embedded_connection(embedded.endpoint)).probe()


def test_two_at_once_do_not_meet() -> None:
    with EmbeddedWarehouse() as one, EmbeddedWarehouse() as other:
        assert one.endpoint != other.endpoint
        Warehouse(embedded_connection(one.endpoint, "d")).client.create_dataset("only_here")
        found = Warehouse(embedded_connection(other.endpoint, "d")).client.list_datasets()
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


# ---- it keeps to itself


@pytest.fixture(scope="module")
def open_one() -> Iterator[Warehouse]:
    with EmbeddedWarehouse() as embedded:
        warehouse = Warehouse(embedded_connection(embedded.endpoint))
        warehouse.client.create_dataset("trueup")
        yield warehouse


def answer(warehouse: Warehouse, path: str = "/bigquery/v2/projects/trueup-local/queries", **headers: str) -> int:
    """The status of the answer to a query that is sent by hand."""
    assert warehouse._connection.endpoint is not None
    given = {"Authorization": f"Bearer {warehouse._connection.endpoint.token}", **headers}
    body = {"query": "select 1 as one", "useLegacySql": False}
    return requests.post(warehouse._connection.endpoint.url + path, json=body, headers=given, timeout=10).status_code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Host": "attacker.example"}, 400),
        ({"Host": "attacker.example:80"}, 400),
        ({"Host": "127.0.0.1.attacker.example"}, 400),
        ({"Host": "localhost"}, 400),
    ],
)
def test_only_its_owner_is_answered(open_one: Warehouse, headers: dict[str, str], status: int) -> None:
    assert answer(open_one, **headers) == status
    if status != 200:
        for path in (
            "/",
            "/healthz",
            "/metrics",
            "/discovery/v1/apis",
            "/upload/bigquery/v2/projects/trueup-local/jobs",
        ):
            assert answer(open_one, path, **headers) == status


SECRET = "the contents of a file"
FILES = [
    "select * from read_text('{file}')",
    "select * from read_blob('{file}')",
    "select * from read_csv('{file}')",
    "select * from '{file}'",
    "select * from `{file}`",
    "select * from glob('{folder}/*')",
    "copy (select 1 as one) to '{folder}/written.csv'",
    "copy trueup.x from '{file}'",
    "attach '{folder}/written.db'",
    "export database '{folder}/written'",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set lock_configuration = false",
    "install httpfs",
    "load httpfs",
    "select * from read_text('http://127.0.0.1:1/x')",
    "export data options (uri = 'gs://x/{folder}/written-*.csv', format = 'CSV') as select 1 as one",
    "load data into trueup.y from files (format = 'CSV', uris = ['{file}'])",
    "create external table trueup.z options (format = 'CSV', uris = ['{file}'])",
    "begin execute immediate \"select * from read_text('{file}')\"; end",
]


@pytest.mark.parametrize("statement", FILES)
def test_no_statement_reaches_a_file(open_one: Warehouse, statement: str, tmp_path: Path) -> None:
    (file := tmp_path / "secret.csv").write_text(f"{SECRET}\n1\n")
    told: list[Any] = []
    try:
        told += open_one.query(statement.format(file=file, folder=tmp_path))
    except WarehouseError as refused:
        told.append(refused.text)
    assert SECRET not in str(told)
    assert list(tmp_path.iterdir()) == [file]


def test_an_idle_connection_stays_open(open_one: Warehouse) -> None:
    """The server's default is five seconds. If it ends one while a statement keeps it busy, requests are lost."""
    place = urlsplit(open_one.client._connection.API_BASE_URL)
    headers = {"Authorization": f"Bearer {open_one.client._credentials.token}"}
    line = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
    statuses: list[int] = []
    for idle_seconds in (0, 6):
        time.sleep(idle_seconds)
        line.auto_open = 0 if statuses else 1  # a new connection would be no answer
        line.request("GET", f"/bigquery/v2/projects/{open_one.project}/datasets", headers=headers)
        with line.getresponse() as response:
            response.read()
            statuses.append(response.status)
    assert statuses == [200, 200]
    line.close()


def test_the_engine_takes_no_more_than_four_gibibytes_of_memory(open_one: Warehouse) -> None:
    # Its own limit is 80 % of the machine: a build of 10 million rows took it all.
    (row,) = open_one.query("select current_setting('memory_limit') as most")
    number, unit = row["most"].split()
    assert unit in ("MiB", "GiB")
    assert float(number) <= (4 if unit == "GiB" else 4096)


LEAVING = """
import os, signal, sys, time
from trueup.gateways.embedded import EmbeddedWarehouse
with EmbeddedWarehouse() as warehouse:
    warehouse.endpoint
    print(warehouse.process_id, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("ending", "victim"),
    [
        (signal.SIGTERM, "owner"),
        (signal.SIGKILL, "owner"),
        (9, "warehouse"),
        (9, "both"),
        (9, "owner of a stopped one"),
    ],
)
def test_nothing_is_left_in_the_temporary_folder(ending: signal.Signals, victim: str, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    owner = subprocess.Popen([sys.executable, "-c", LEAVING], stdout=subprocess.PIPE, text=True, env=environment)
    assert owner.stdout is not None
    process_id = int(owner.stdout.readline())
    assert list(tmp_path.iterdir()) != []
    if victim == "owner of a stopped one":
        os.kill(process_id, signal.SIGSTOP)
    for one in {"warehouse": [process_id], "both": [process_id, owner.pid]}.get(victim, [owner.pid]):
        os.kill(one, ending)
    if victim == "warehouse":
        owner.kill()
    owner.wait(10)
    owner.stdout.close()
    assert victim == "owner of a stopped one" or ends(process_id)
    subprocess.run([sys.executable, "-c", CLEANING], env=environment, check=True)
    assert ends(process_id)
    assert list(tmp_path.iterdir()) == []


CLEANING = "from trueup.temporary import temporary_folder\nwith temporary_folder(): pass"


def test_the_folder_of_a_living_process_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (stranger := tmp_path / "trueup-run-of-another-program").mkdir()
    (stranger / "data").touch()
    with temporary_folder() as mine:
        (mine / "kept").touch()
        subprocess.run([sys.executable, "-c", CLEANING], env={**os.environ, "TMPDIR": str(tmp_path)}, check=True)
        assert sorted(tmp_path.iterdir()) == sorted([mine, stranger])
        assert (mine / "kept").exists()
    assert list(tmp_path.iterdir()) == [stranger]


def test_a_folder_whose_maker_was_killed_before_it_locked_it_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders = {name: tmp_path / f"trueup-run-{name}" for name in ("empty", "unlocked", "young", "strange")}
    for folder in folders.values():
        folder.mkdir()
    (folders["unlocked"] / ".trueup-lock-new").touch()
    (folders["strange"] / "data").touch()
    an_hour_ago = time.time() - 3600
    for name in ("empty", "unlocked", "strange"):
        os.utime(folders[name], (an_hour_ago, an_hour_ago))
    with temporary_folder():
        pass
    assert set(tmp_path.iterdir()) == {folders["young"], folders["strange"]}
