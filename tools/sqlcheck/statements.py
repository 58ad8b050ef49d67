"""What is to be checked: a statement, where it comes from, and what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto


@dataclass(frozen=True)
class Statement:
    """One SQL statement as BigQuery would get it.

    ``sql`` is ``body`` as its author's tool wraps it, ``body_line`` lines down. ``source``: the file that the body
    comes from, relative to the project, and ``source_line`` the line to show where there is no body.
    """

    name: str
    kind: str
    sql: str
    source: Path
    body: str = ""
    body_line: int = 0
    source_line: int = 1
    parameters: Mapping[str, TypeProto] = field(default_factory=dict)
