"""An embedded warehouse for each worker, emptied for each scenario; Google's emulators, where they are asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from helpers.emulators import Google, firestore_emulator, pubsub_emulator
from trueup.garbage import collecting_rarely
from trueup.gateways.embedded import Endpoint, embedded_endpoint

_ANALYSIS = "sqlcheck"
# The longest groups of tests come first, so that all workers end at about the same time.
_FIRST = (_ANALYSIS, "scenarios", "integration", "browser", "search", "contract")


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """The tests of a file share what they have built, and so do all tests that analyze the compiled project.

    xdist's own groups (--dist loadgroup) have no effect in pytest 9.2: it no longer reads the ids that xdist changes.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _ANALYSIS if Path(file).parent.name == _ANALYSIS else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    """Distribute the tests by file."""
    return _ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups first."""
    order = {name: place for place, name in enumerate(_FIRST)}
    items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables that tests have recorded."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else ():
            if name == "table":
                terminalreporter.write_line(f"\n{report.nodeid}\n{value}")


@pytest.fixture(scope="session", autouse=True)
def garbage() -> Iterator[None]:
    """The tests run dbt in their own process, as trueup does."""
    with collecting_rarely():
        yield


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    """The endpoint of this worker's embedded warehouse, which also stands in the environment."""
    with embedded_endpoint() as address:
        yield address


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This worker's folder of dbt artifacts."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def google_emulators() -> Iterator[dict[str, str]]:
    """Google's emulators, as the environment variables that Google's clients look for."""
    with firestore_emulator() as firestore, pubsub_emulator() as pubsub:
        yield {"FIRESTORE_EMULATOR_HOST": firestore, "PUBSUB_EMULATOR_HOST": pubsub}


@pytest.fixture
def google(google_emulators: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Google:
    """An empty project on Google's emulators."""
    for name, value in google_emulators.items():
        monkeypatch.setenv(name, value)
    return Google(f"p-{uuid.uuid4().hex[:12]}")
