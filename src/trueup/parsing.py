"""Parsing of the project's YAML, and strict parsing of JSON that trueup wrote earlier."""

from __future__ import annotations

import errno
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import yaml

from trueup.errors import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_T = TypeVar("_T")
_LONGEST_VALUE = 100
# libyaml's loader is ten times faster; some builds of PyYAML lack it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_file(path: Path) -> bytes:
    """A file's content. Raises OSError, also for a pipe, which would wait for a writer."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return path.read_bytes()


def read_yaml(path: Path) -> Any:
    """The content of a YAML file of the project. Raises UsageError."""
    try:
        return yaml.load(read_file(path).decode("utf-8"), Loader=_LOADER)
    # PyYAML raises KeyError for `!!bool x`, and others.
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {' '.join(str(error).split())}", "Correct it.") from error


def parse(kind: type[_T], text: str) -> _T:
    """Parse JSON into a dataclass, a NamedTuple, or a collection of them, without converting types.

    Raises ValueError with the path of the first wrong value, the value, and what was expected.
    """
    # This import takes 0.1 s; commands that parse nothing skip it.
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
