"""Compares the columns in a model's YAML with those of its SQL."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto

from sqlcheck.types import TypeTextError, parse_type, type_text


@dataclass(frozen=True)
class Mismatch:
    """One column that differs between YAML and SQL. ``declared`` is "" if the YAML has no type."""

    model: str
    file: Path
    column: str
    message: str
    inferred: str = ""
    declared: str = ""


def mismatches(node: Mapping[str, Any], columns: Mapping[str, TypeProto]) -> Iterator[Mismatch]:
    """The differences between a model's declared and real columns; none for a model that declares no columns."""
    declared = {name.lower(): one for name, one in node["columns"].items()}
    if not declared:
        return
    file = Path(str(node["patch_path"]).split("://", 1)[1])
    given = {name.lower(): type_text(kind) for name, kind in columns.items()}
    is_contract = node["config"]["contract"]["enforced"]
    for name, kind in given.items():
        if name not in declared and not is_contract:
            continue  # without a contract a model need not declare all columns
        if name not in declared:
            yield Mismatch(node["name"], file, name, f"{name} {kind} is in the SQL but not in the YAML", kind)
            continue
        text = (declared[name].get("data_type") or "").lower()
        if not text:
            if is_contract:
                yield Mismatch(node["name"], file, name, f"{name} is {kind}, but its data_type is missing", kind)
        elif not _is_same(text, kind):
            yield Mismatch(node["name"], file, name, f"{name} is {kind}, the YAML says {text}", kind, text)
    for name in declared:
        if name not in given:
            yield Mismatch(node["name"], file, name, f"{name} is in the YAML but not in the SQL")


def _is_same(declared: str, inferred: str) -> bool:
    try:
        return type_text(parse_type(declared)) == inferred
    except TypeTextError:
        return False


def write_types(project: Path, found: list[Mismatch]) -> list[Mismatch]:
    """Fill in missing ``data_type``s; returns those. The files do not change otherwise."""
    written = []
    for one in found:
        if one.declared or not one.inferred:
            continue
        path = project / one.file
        text = path.read_text(encoding="utf-8")
        filled = _fill(text, one.model, one.column, one.inferred)
        if filled != text:
            path.write_text(filled, encoding="utf-8")
            written.append(one)
    return written


def _fill(text: str, model: str, column: str, kind: str) -> str:
    """The YAML with a data_type added to a column. Works on lines, to keep comments and order."""
    lines = text.splitlines(keepends=True)
    begin = next(
        (at for at, line in enumerate(lines) if re.match(rf"\s*-\s+name:\s*{re.escape(model)}\s*$", line)), None
    )
    if begin is None:
        return text
    model_indent = len(lines[begin]) - len(lines[begin].lstrip())
    for at in range(begin + 1, len(lines)):
        indent = len(lines[at]) - len(lines[at].lstrip())
        if lines[at].lstrip().startswith("- name:") and indent <= model_indent:
            break
        if re.match(rf"\s*-\s+name:\s*{re.escape(column)}\s*$", lines[at]):
            end = at + 1
            while end < len(lines) and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > indent:
                end += 1
            return "".join([*lines[:end], f"{' ' * (indent + 2)}data_type: {kind}\n", *lines[end:]])
    return text
