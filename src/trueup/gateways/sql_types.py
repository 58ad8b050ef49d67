"""The types of BigQuery's REST API, as SQL names them."""

from typing import Any

_OTHERS = {"integer": "int64", "boolean": "bool", "float": "float64", "record": "struct"}


def sql_type(field: Any) -> str:
    """The type of a field of a schema, in lower case; ``array<…>`` for a repeated one."""
    kind = str(field.field_type).lower()
    kind = _OTHERS.get(kind, kind)
    return f"array<{kind}>" if field.mode == "REPEATED" else kind
