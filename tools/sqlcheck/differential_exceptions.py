"""The known differences between the two engines, with reasons: differential_exceptions.yml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXCEPTIONS_FILE = Path(__file__).with_name("differential_exceptions.yml")
_KINDS = ("not_executed", "as_json")


class ExceptionsError(ValueError):
    """The file of the exceptions is invalid."""


@dataclass(frozen=True)
class Exceptions:
    """The reasons, by model, or by model and column.

    ``not_executed``: models that the reference cannot run. ``as_json``: columns of JSON text that are compared parsed:
    numbers by value, keys in their order.
    """

    not_executed: Mapping[str, str] = field(default_factory=dict)
    as_json: Mapping[tuple[str, str], str] = field(default_factory=dict)


def read_exceptions(path: Path = EXCEPTIONS_FILE) -> Exceptions:
    """Read the exceptions. Raises ExceptionsError for an entry without a reason, or a duplicate."""
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if unknown := set(content) - set(_KINDS):
        raise ExceptionsError(f"{path.name}: {', '.join(sorted(unknown))} is not known; known are {', '.join(_KINDS)}")
    not_executed: dict[str, str] = {}
    for entry in content.get("not_executed") or []:
        _put(path, not_executed, _text(path, entry, "model"), entry)
    as_json: dict[tuple[str, str], str] = {}
    for entry in content.get("as_json") or []:
        for column in entry.get("columns") or [_text(path, entry, "columns")]:
            _put(path, as_json, (_text(path, entry, "model"), column), entry)
    return Exceptions(not_executed, as_json)


def _put(path: Path, reasons: dict[Any, str], key: Any, entry: Mapping[str, Any]) -> None:
    if key in reasons:
        raise ExceptionsError(f"{path.name}: {key} is there twice")
    reasons[key] = " ".join(_text(path, entry, "reason").split())


def _text(path: Path, entry: Mapping[str, Any], key: str) -> str:
    text = entry.get(key)
    if not isinstance(text, str) or not text.strip():
        raise ExceptionsError(f"{path.name}: {dict(entry)} has no {key}")
    return text
