"""The checker on statements from elsewhere that are known to be right or wrong for BigQuery."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from helpers.support import PROJECT, missing
from sqlcheck.catalog import Catalog, Table, table_of
from sqlcheck.checker import Checker
from sqlcheck.engine import Engine

EXAM = PROJECT.parent / "shared" / "googlesql"


def exam() -> Path:
    if not (EXAM / "cases").is_dir():
        missing("the exam ../shared/googlesql/cases")
    return EXAM


@pytest.fixture(scope="module")
def examinee(engine: Engine) -> Checker:
    given = json.loads((exam() / "catalog.example.json").read_text(encoding="utf-8"))
    tables = {name: table(one) for name, one in given["tables"].items()}
    return Checker(engine, Catalog(tables, default_project=given["default_project"]))


def table(given: Mapping[str, Any]) -> Table:
    columns = given["columns"]
    if isinstance(columns, list):  # as the REST API has them
        columns = {field["name"]: field_type(field) for field in columns}
    return table_of(columns, given.get("pseudo"))


def field_type(field: Mapping[str, Any]) -> str:
    kind = field["type"]
    if kind == "RECORD":
        fields = (f"{one['name']} {field_type(one)}" for one in field["fields"])
        kind = f"struct<{', '.join(fields)}>"
    return f"array<{kind}>" if field.get("mode") == "REPEATED" else kind


@pytest.mark.parametrize(("folder", "is_refused", "least"), [("bad", True, 104), ("good", False, 69)])
def test_every_statement_is_judged_correctly(examinee: Checker, folder: str, is_refused: bool, least: int) -> None:
    files = sorted((exam() / "cases" / folder).glob("*.sql"))
    found = {file.stem: examinee.check(file.read_text(encoding="utf-8")).errors for file in files}
    assert {name: errors for name, errors in found.items() if bool(errors) is not is_refused} == {}
    assert len(found) >= least, "a part of the exam is missing"
    assert all(error.message and error.line >= 1 for errors in found.values() for error in errors)
