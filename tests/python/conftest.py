"""Fixtures of the tests that need an embedded warehouse: one a worker, emptied for each scenario."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trueup.gateways.workplace import embedded_endpoint


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The endpoint of this worker's embedded warehouse, which also stands in the environment."""
    with embedded_endpoint() as address:
        yield address


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This worker's folder of dbt artifacts."""
    return tmp_path_factory.mktemp("state")
