"""docs/reference/json.md has every key of the report as JSON, with its type, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from helpers.report_cases import DAY, WINDOW, finding
from helpers.support import PROJECT
from trueup.cli.reconcile import repair_json
from trueup.repair.documents.plan import Left, Plan
from trueup.repair.documents.steps import Step
from trueup.reporting.json_form import plain_findings, to_json
from trueup.results.finding import Finding
from trueup.results.report import Report
from trueup.runs.reconcile import Judged
from trueup.runs.repair import Repair
from trueup.window import Window

TEXT = (PROJECT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
HEAD = "| key | type | unit | meaning |\n| --- | --- | --- | --- |\n"
DOCUMENT, OF_RECONCILE = "The document", "More keys of reconcile"
HINTS = get_type_hints(Report)
TYPES: Mapping[Any, str] = {
    str: "text", int: "integer", float: "number", bool: "true or false", date: "date", datetime: "time",
    tuple[str, ...]: "list of texts", tuple[date, ...]: "list of dates", Any: "any",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line of a table."""

    key: str
    kind: str
    unit: str
    meaning: str


def tables(text: str) -> dict[str, list[Line]]:
    """The lines of each table of keys, by the heading over it."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    found = {}
    for heading, part in zip(parts[1::2], parts[2::2], strict=True):
        _, head, table = part.partition(HEAD)
        if head:
            cells = [[one.strip() for one in line.split("|")[1:-1]] for line in table.split("\n\n")[0].splitlines()]
            found[heading] = [Line(key.strip("`"), *rest) for key, *rest in cells]
    return found


TABLES = tables(TEXT)


def row_kinds() -> Iterator[tuple[str, type[Any]]]:
    """The keys of the report that hold rows, and the rows' class."""
    for name, hint in HINTS.items():
        if get_origin(hint) is tuple and is_dataclass(kind := get_args(hint)[0]):
            assert isinstance(kind, type)
            yield name, kind


ROWS = {**dict(row_kinds()), "steps": Step, "left": Left}
# Keys that are no field of the row's class.
MORE = {"findings": {"runbook": str}}


def hints_of(name: str) -> dict[str, Any]:
    """The keys of a kind of row, with their types."""
    hints = get_type_hints(ROWS[name])
    return {**{one.name: hints[one.name] for one in fields(ROWS[name])}, **MORE.get(name, {})}


def type_of(hint: Any) -> str:
    """How the page names a type."""
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (one for one in get_args(hint) if one is not NoneType)
        return f"{type_of(inner)} or null"
    if get_origin(hint) is Literal:
        return "text"
    if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
        return "rows"
    return "object" if get_origin(hint) is Mapping else TYPES[hint]


def keys(heading: str) -> list[str]:
    return [one.key for one in TABLES[heading]]


def reconciled() -> dict[str, Any]:
    """What `trueup reconcile --format json` prints."""
    left = Left("DONE001", "2026-02-03", "It is wrong.", "The rows do not prove it.", "Look into it")
    plan = Plan(DAY, None, left=(left,))
    document: dict[str, Any] = json.loads(repair_json(Report(WINDOW, "local"), Repair(Judged((), {}, ()), (plan,))))
    return document


def test_the_document_has_these_keys_in_this_order() -> None:
    assert keys(DOCUMENT) == list(json.loads(to_json(Report(WINDOW, "local"))))


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_these_keys_in_this_order(name: str) -> None:
    assert keys(name) == list(hints_of(name)), f"correct the table below ## {name}"


def test_a_finding_has_these_keys() -> None:
    (one,) = plain_findings([finding("DUP001")])
    assert keys("findings") == list(one)


def test_reconcile_has_two_more_keys_and_its_plan_these() -> None:
    document = reconciled()
    assert keys(DOCUMENT) + keys(OF_RECONCILE) == list(document)
    (plan,) = document["plan"]
    assert keys("plan") == list(plan)
    assert keys("left") == list(plan["left"][0])


def test_each_table_is_of_a_kind_of_row() -> None:
    assert set(TABLES) == {DOCUMENT, OF_RECONCILE, "plan", *ROWS}


@pytest.mark.parametrize("name", ROWS)
def test_the_types_of_a_row_are_as_told(name: str) -> None:
    wrong = {one.key: one.kind for one in TABLES[name] if one.kind != type_of(hints_of(name)[one.key])}
    assert not wrong, f"correct the types below ## {name}"


def test_the_types_of_the_document_are_as_told() -> None:
    hints = {**get_type_hints(Window), **HINTS, "status": str}
    wrong = {one.key: one.kind for one in TABLES[DOCUMENT] if one.kind != type_of(hints[one.key])}
    assert not wrong, "correct the types below ## The document"


@pytest.mark.parametrize("name", ROWS)
def test_each_possible_value_of_a_text_is_named(name: str) -> None:
    hints = hints_of(name)
    gone = [
        (one.key, value)
        for one in TABLES[name]
        for value in (get_args(hints[one.key]) if get_origin(hints[one.key]) is Literal else ())
        if f"`{value}`" not in one.meaning
    ]
    assert not gone, f"name these values below ## {name}"


def test_every_key_has_a_meaning_and_the_lines_fit() -> None:
    assert [one for lines in TABLES.values() for one in lines if not one.meaning] == []
    assert [line for line in TEXT.splitlines() if len(line) > 120 and not line.startswith("|")] == []


def test_a_removed_and_an_added_line_are_seen() -> None:
    line = next(one for one in TEXT.splitlines() if one.startswith("| `fingerprint` |"))
    names = [one.name for one in fields(Finding)]
    removed = [one.key for one in tables(TEXT.replace(f"{line}\n", ""))["findings"]]
    added = [one.key for one in tables(TEXT.replace(line, f"{line}\n| `other` | text | | nothing |"))["findings"]]
    assert set(names) - set(removed) == {"fingerprint"}
    assert set(added) - set(names) == {"other", "runbook"}
