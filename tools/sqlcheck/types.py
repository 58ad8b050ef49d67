"""BigQuery's type text ⇄ GoogleSQL's TypeProto."""

import re

from zetasql.wasi._pb2.zetasql.public import type_pb2

_TOKENS = re.compile(r"\w+|[<>,()]")
# Other names of types (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types), and the REST API's.
ALIASES = {
    **dict.fromkeys(("INT", "SMALLINT", "INTEGER", "BIGINT", "TINYINT", "BYTEINT"), "INT64"),
    **{"DECIMAL": "NUMERIC", "BIGDECIMAL": "BIGNUMERIC", "BOOLEAN": "BOOL", "FLOAT": "FLOAT64", "RECORD": "STRUCT"},
}


class TypeTextError(ValueError):
    """A text that is not a BigQuery type."""


def parse_type(text: str) -> type_pb2.TypeProto:
    """The type of a text such as ``array<struct<name string, count int64>>``. Raises TypeTextError."""
    tokens = _TOKENS.findall(text)
    if "".join(tokens) != "".join(text.split()):
        raise TypeTextError(f"{text!r} is not a type")
    try:
        kind, rest = _parse(tokens)
    except (IndexError, ValueError) as error:
        raise TypeTextError(f"{text!r} is not a type: {error}") from error
    if rest:
        raise TypeTextError(f"{text!r} has text after its type")
    return kind


def type_text(kind: type_pb2.TypeProto) -> str:
    """A type as SQL writes it, in lower case."""
    name = type_pb2.TypeKind.Name(kind.type_kind).removeprefix("TYPE_").lower()
    if name == "array":
        return f"array<{type_text(kind.array_type.element_type)}>"
    if name == "range":
        return f"range<{type_text(kind.range_type.element_type)}>"
    if name == "struct":
        fields = (f"{field.field_name} {type_text(field.field_type)}".strip() for field in kind.struct_type.field)
        return f"struct<{', '.join(fields)}>"
    return "float64" if name == "double" else name


def _parse(tokens: list[str]) -> tuple[type_pb2.TypeProto, list[str]]:
    """The type at the start of the tokens, and the remaining tokens."""
    name, rest = tokens[0].upper(), tokens[1:]
    name = ALIASES.get(name, name)
    kind = type_pb2.TypeProto(type_kind=type_pb2.TypeKind.Value(f"TYPE_{'DOUBLE' if name == 'FLOAT64' else name}"))
    if name in ("ARRAY", "RANGE"):
        element, rest = _parse(_after("<", rest))
        (kind.array_type if name == "ARRAY" else kind.range_type).element_type.CopyFrom(element)
        return kind, _after(">", rest)
    if name == "STRUCT":
        return kind, _parse_fields(kind.struct_type, _after("<", rest))
    if rest and rest[0] == "(":  # a length or a precision does not change the type
        rest = rest[rest.index(")") + 1 :]
    return kind, rest


def _parse_fields(struct: type_pb2.StructTypeProto, rest: list[str]) -> list[str]:
    """Add the fields at the start of the tokens to the struct; returns the remaining tokens."""
    while True:
        field = struct.field.add()
        if rest[1] not in ("<", ",", ">", "("):
            field.field_name, rest = rest[0], rest[1:]
        kind, rest = _parse(rest)
        field.field_type.CopyFrom(kind)
        if rest[0] != ",":
            return _after(">", rest)
        rest = rest[1:]


def _after(token: str, tokens: list[str]) -> list[str]:
    if tokens[0] != token:
        raise ValueError(f"{token} is missing before {tokens[0]}")
    return tokens[1:]
