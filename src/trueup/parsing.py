"""JSON that was written earlier, read into the types that wrote it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_T = TypeVar("_T")
_LONGEST_VALUE = 100


def parse(kind: type[_T], text: str) -> _T:
    """JSON text as a value of a type: a dataclass, a NamedTuple, or a collection of them. No type is converted.

    Raises ValueError for anything else, with the path of the first wrong value, the value, and what it should be.
    """
    # Its import takes a tenth of a second, which only readers need.
    from pydantic import ValidationError

    try:
        value: _T = _adapter(cast(Any, kind)).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"{path} is {str(first['input'])[:_LONGEST_VALUE]!r}: {first['msg']}") from error
    return value


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
