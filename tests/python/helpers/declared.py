"""The declared columns of sources and models, which contracts and the suites hold true."""

from __future__ import annotations

from helpers.support import PROJECT
from sqlcheck.catalog import Catalog, table_of
from trueup.parsing import read_yaml
from trueup.schemas import read_table_schemas

MODELS = PROJECT / "models"


def declared_tables(project: str = "my-project", dataset: str = "trueup") -> Catalog:
    """Every source, its staging model, and every model in ``dataset`` whose columns have types."""
    columns = {name: dict(schema.columns) for name, schema in read_table_schemas(MODELS).items()}
    columns |= {f"{dataset}.stg_{name.replace('.', '__')}": types for name, types in columns.items()}
    for path in MODELS.rglob("*.yml"):
        for model in read_yaml(path).get("models") or ():
            types = {one["name"]: one.get("data_type", "") for one in model.get("columns") or ()}
            if types and all(types.values()):
                columns[f"{dataset}.{model['name']}"] = types
    tables = {f"{project}.{name}": table_of(types) for name, types in columns.items()}
    return Catalog(tables, default_project=project)
