"""Converts documents to and from JSON, and parses timestamps."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from trueup.errors import ScenarioError

_TIMESTAMP = "$timestamp"
_BYTES = "$bytes"
_TEXT = "$text"


def parse_timestamp(text: str) -> datetime:
    """Parse an ISO 8601 timestamp, with or without an offset. Raises ValueError."""
    return datetime.fromisoformat(text.strip().upper())  # RFC 3339 allows a lower-case z


def decode_document(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A document from its JSON form; ``{"$timestamp": "…"}`` is a timestamp. Raises ScenarioError with the field."""
    return {key: _decode(value, f"{where}: {key}") for key, value in raw.items()}


def encode_document(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A document in its JSON form. Values of other types become text."""
    return {str(key): _encode(value) for key, value in fields.items()}


def _decode(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        if set(value) == {_TIMESTAMP}:
            return _decode_timestamp(value[_TIMESTAMP], where)
        if set(value) == {_BYTES}:
            return _decode_bytes(value[_BYTES], where)
        return {key: _decode(one, f"{where}.{key}") for key, one in value.items()}
    if isinstance(value, list):
        return [_decode(one, f"{where}[{index}]") for index, one in enumerate(value)]
    return value


def _decode_timestamp(text: Any, where: str) -> datetime:
    try:
        timestamp = parse_timestamp(str(text))
    except ValueError as error:
        raise ScenarioError(f"{where}: {text!r} is not a timestamp.", "Use the form 2026-02-04T20:01:00Z.") from error
    if timestamp.tzinfo is None:
        raise ScenarioError(f"{where}: {text!r} has no offset.", "Add Z, or an offset like -05:00.")
    try:
        return timestamp.astimezone(UTC)
    except OverflowError as error:
        raise ScenarioError(f"{where}: {text!r} is out of range in UTC.", "Use a year from 2 to 9998.") from error


def _decode_bytes(text: Any, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"{where}: {text!r} is not base64.", "Write the bytes as base64 text.") from error


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        timestamp = value if value.tzinfo else value.replace(tzinfo=UTC)
        try:
            return {_TIMESTAMP: timestamp.astimezone(UTC).isoformat(timespec="microseconds")}
        except OverflowError:  # out of range in UTC
            return {_TEXT: repr(value)}
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return encode_document(value)
    if isinstance(value, list | tuple):
        return [_encode(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return {_TEXT: repr(value)}
