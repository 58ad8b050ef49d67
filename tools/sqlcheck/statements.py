"""A statement to be checked, with its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto


@dataclass(frozen=True)
class Statement:
    """One SQL statement as BigQuery would get it.

    ``sql``: ``body`` with its wrapper (by dbt, for example); the body starts after ``body_line`` lines. ``source``: the
    file of the body, relative to the project; ``source_line``: the line to show if there is no body.
    """

    name: str
    kind: str
    sql: str
    source: Path
    body: str = ""
    body_line: int = 0
    source_line: int = 1
    parameters: Mapping[str, TypeProto] = field(default_factory=dict)
