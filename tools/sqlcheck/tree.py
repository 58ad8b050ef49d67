"""Walking the trees that GoogleSQL returns: protobuf messages, wrapped in ``Any…Proto`` messages and ``parent``s."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.message import Message

# Fields of generated classes are known only at run time.
Node = Any


def unwrap(node: Node) -> tuple[str, Node]:
    """The kind of a node (``resolved_query_stmt_node``) and the node without its wrappers."""
    kind = ""
    while "node" in node.DESCRIPTOR.oneofs_by_name:
        kind = node.WhichOneof("node")
        if kind is None:
            return "", None
        node = getattr(node, kind)
    return kind, node


def base(node: Node, name: str) -> Node:
    """The base class part of a node; None if it has no such base."""
    while node.DESCRIPTOR.name != name:
        if "parent" not in node.DESCRIPTOR.fields_by_name:
            return None
        node = node.parent
    return node


def location(node: Node) -> tuple[int, int]:
    """Start and end of a parse node, in bytes of the analysed text."""
    while node.DESCRIPTOR.name != "ASTNodeProto":
        node = unwrap(node)[1] if "node" in node.DESCRIPTOR.oneofs_by_name else node.parent
    return node.parse_location_range.start, node.parse_location_range.end


def children(node: Message) -> Iterator[tuple[str, Node]]:
    """The messages directly in a message, with the names of their fields."""
    for field, value in node.ListFields():
        how = _holds_messages(field)
        if how == _MANY:
            for one in value:
                yield field.name, one
        elif how == _ONE:
            yield field.name, value


_NONE, _ONE, _MANY = range(3)


@cache
def _holds_messages(field: Any) -> int:
    """Whether a field holds no message, one, or many. Cached: a million calls for a few hundred fields."""
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return _NONE
    is_repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    return _MANY if is_repeated else _ONE


def walk(node: Message) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for _, child in children(node):
        yield from walk(child)


def kind_of(node: Node) -> str:
    """The name of a message's type."""
    return str(node.DESCRIPTOR.name)


def column_ids(node: Message) -> set[int]:
    """The ids of all columns that a node or its children refer to."""
    return {one.column.column_id for one in walk(node) if kind_of(one) == "ResolvedColumnRefProto"}


def scan_column_ids(scan: Node) -> set[int]:
    """The ids of the output columns of a scan."""
    return {column.column_id for column in base(unwrap(scan)[1], "ResolvedScanProto").column_list}


def function_name(call: Node) -> str:
    """The name of a called function, in lower case, without its group."""
    return str(base(call, "ResolvedFunctionCallBaseProto").function.name).split(":")[-1].lower()


def arguments(call: Node) -> list[Node]:
    """The arguments of a function call."""
    return list(base(call, "ResolvedFunctionCallBaseProto").argument_list)


def type_of(expression: Node) -> Any:
    """The TypeProto of a resolved expression."""
    return base(unwrap(expression)[1], "ResolvedExprProto").type
