"""The tables that trueup reads or writes, as ``models/staging/*/_sources.yml`` declares them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueup.errors import UsageError
from trueup.parsing import read_yaml

_OWN = "trueup"


@dataclass(frozen=True)
class TableSchema:
    """One declared table. ``columns`` maps each name to its BigQuery type in lower case; ``meta`` is as declared."""

    dataset: str
    table: str
    columns: Mapping[str, str]
    partition_column: str
    require_partition_filter: bool
    is_optional: bool
    meta: Mapping[str, Any]

    @property
    def name(self) -> str:
        """``dataset.table``."""
        return f"{self.dataset}.{self.table}"

    @property
    def is_own(self) -> bool:
        """Whether trueup writes the table itself."""
        return self.dataset == _OWN


@dataclass(frozen=True)
class TableFacts:
    """A table as it is. ``columns``: names in lower case and types, without the fields of structs."""

    columns: Mapping[str, str]
    partition_column: str | None
    is_table: bool


def read_table_schemas(models: Path) -> dict[str, TableSchema]:
    """Every declared source table by ``dataset.table``. The name of a source is its dataset."""
    schemas: dict[str, TableSchema] = {}
    for path in sorted(models.glob("staging/*/_sources.yml")):
        try:
            sources = read_yaml(path)["sources"]
            found = [_schema(source["name"], table) for source in sources for table in source["tables"]]
        except (KeyError, TypeError, AttributeError) as error:
            message = f"{path} lacks a part of a source: {type(error).__name__} {error}."
            raise UsageError(message, "Compare it with the file in the repository.") from error
        schemas.update({schema.name: schema for schema in found})
    if not schemas:
        raise UsageError(f"No sources are declared under {models}.", "Run trueup from its project folder.")
    return schemas


def _schema(dataset: str, table: Mapping[str, Any]) -> TableSchema:
    meta = table["config"]["meta"]
    return TableSchema(
        dataset=dataset,
        table=table["name"],
        columns={column["name"]: column["data_type"] for column in table["columns"]},
        partition_column=meta["partition_column"],
        require_partition_filter=bool(meta.get("require_partition_filter", False)),
        is_optional=bool(meta["is_optional"]),
        meta=meta,
    )
