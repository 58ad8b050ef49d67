"""A model as dbt compiles it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CompiledModel:
    """``relation``: as it stands in the SQL of others; ``reads``: the models and seeds that it reads; ``columns``: the
    declared types by name.
    """

    relation: str
    sql: str
    reads: tuple[str, ...]
    columns: Mapping[str, str]
