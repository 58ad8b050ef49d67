"""The project, compiled once, and one engine for all tests of the checker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from helpers.support import PROJECT
from sqlcheck.checker import Checker
from sqlcheck.dbt_project import compile_offline
from sqlcheck.engine import Engine
from sqlcheck.project import ProjectCheck, check_project
from sqlcheck.reference import Reference


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    """A reference whose process is running."""
    with Reference() as running:
        running.query("select 1 as n", {})
        yield running


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """dbt's manifest of the project, compiled for BigQuery."""
    return compile_offline(PROJECT, tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="session")
def checker(engine: Engine) -> Checker:
    return Checker(engine)


@pytest.fixture(scope="session")
def checked(manifest: dict[str, Any], checker: Checker) -> ProjectCheck:
    """The result of checking the whole project, which also fills the checker's catalog."""
    return check_project(PROJECT, manifest, checker)
