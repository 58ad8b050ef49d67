"""The project, compiled once, and one engine for all tests of the checker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from helpers.support import PROJECT, Compile
from sqlcheck.checker import Checker
from sqlcheck.costs.facts import facts_of, keep
from sqlcheck.dbt_project import compile_offline
from sqlcheck.engine import Engine
from sqlcheck.project import ProjectCheck, check_project
from sqlcheck.reference import Reference
from trueup.gateways.dbt import DbtProject, copied


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
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which dbt compiles the project."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def manifest(compiled: Path) -> dict[str, Any]:
    """dbt's manifest of the project, compiled for BigQuery."""
    return compile_offline(PROJECT, compiled)


@pytest.fixture(scope="session")
def compile_sql(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compiles one model (``--select``) or one text (``--inline``) with some vars, of a project that is parsed once.
    Raises dbt's error.
    """
    state = tmp_path_factory.mktemp("parsed")
    DbtProject(PROJECT, state, "local", {})  # puts a profile there
    common = ["--quiet", "--target", "local", "--project-dir", str(PROJECT), "--profiles-dir", str(state / "profiles")]
    common += ["--target-path", str(state), "--log-path", str(state)]
    parsed = dbtRunner().invoke(["parse", *common]).result
    assert isinstance(parsed, Manifest)

    def compile_one(option: str, what: str, variables: Mapping[str, Any]) -> str:
        arguments = ["compile", *common, "--no-introspect", "--no-populate-cache", option, what]
        done = dbtRunner(copied(parsed)).invoke([*arguments, "--vars", json.dumps(dict(variables))])
        if done.exception is not None:
            raise done.exception
        (result,) = done.result.results  # type: ignore[union-attr]
        if result.status == "error":
            raise RuntimeError(result.message)
        return str(getattr(result.node, "compiled_code", ""))

    return compile_one


@pytest.fixture(scope="session")
def checker(engine: Engine) -> Checker:
    return Checker(engine)


@pytest.fixture(scope="session")
def checked(manifest: dict[str, Any], checker: Checker) -> ProjectCheck:
    """The result of checking the whole project, which also fills the checker's catalog. Kept for `make cost`."""
    found = check_project(PROJECT, manifest, checker)
    if found.is_clean:
        keep(PROJECT, facts_of(found.costs.statements, checker.catalog))
    return found
