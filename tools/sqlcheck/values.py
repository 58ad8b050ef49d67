"""Python values ⇄ GoogleSQL's ValueProto, for every type in our tables.

| BigQuery            | Python                                              |
|---------------------|-----------------------------------------------------|
| INT64 BOOL STRING   | int, bool, str                                      |
| FLOAT64 BYTES       | float, bytes                                        |
| NUMERIC, BIGNUMERIC | Decimal                                             |
| DATE TIME DATETIME  | date, time, datetime without a zone                 |
| TIMESTAMP           | datetime in UTC, whole microseconds                 |
| JSON                | Json: canonical text                                |
| ARRAY, STRUCT       | tuple; dict in the order of the fields              |

NULL is None everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

_EPOCH_DATE = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMERIC_SCALE = 9
_BIGNUMERIC_SCALE = 38
# BIGNUMERIC has up to 77 digits; Python's own context keeps 28.
_DIGITS = Context(prec=80)
# Bits of a packed time of day: hours above minutes above seconds, and above them days, months, years.
_SECONDS_MASK, _HOURS_MASK, _MONTHS_MASK = 0b111111, 0b11111, 0b1111
_NANOS_MASK = (1 << 30) - 1


class EncodingError(ValueError):
    """A value that does not fit its type, or an unsupported type."""


class Json(str):
    """A JSON value as canonical text: sorted keys, no spaces."""

    @classmethod
    def of(cls, value: Any) -> Json:
        """From a parsed JSON value."""
        return cls(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def encode(value: Any, kind: type_pb2.TypeProto) -> value_pb2.ValueProto:
    """A Python value as ValueProto; see the table above. Raises EncodingError if it does not fit the type."""
    proto = value_pb2.ValueProto()
    if value is None:
        return proto
    name = _name(kind)
    if name == "ARRAY":
        proto.array_value.SetInParent()
        proto.array_value.element.extend(encode(one, kind.array_type.element_type) for one in value)
        return proto
    if name == "STRUCT":
        proto.struct_value.SetInParent()
        fields = _fields(kind)
        if not isinstance(value, Mapping) or set(value) != set(fields):
            raise EncodingError(f"{value!r} does not have the fields {', '.join(fields)}")
        proto.struct_value.field.extend(encode(value[name], field) for name, field in fields.items())
        return proto
    accepted, write, _ = _scalar(name)
    if not isinstance(value, accepted) or (isinstance(value, bool) and name != "BOOL"):
        raise EncodingError(f"{value!r} is not {name}")
    try:
        write(proto, value)
    except (TypeError, ValueError, OverflowError) as error:
        raise EncodingError(f"{value!r} is not {name}: {error}") from error
    return proto


def decode(proto: value_pb2.ValueProto, kind: type_pb2.TypeProto) -> Any:
    """The Python value of a ValueProto; see the table above. Raises EncodingError for an unsupported type."""
    which = proto.WhichOneof("value")
    if which is None:
        return None
    name = _name(kind)
    if name == "ARRAY":
        return tuple(decode(one, kind.array_type.element_type) for one in proto.array_value.element)
    if name == "STRUCT":
        fields = zip(_fields(kind).items(), proto.struct_value.field, strict=True)
        return {name: decode(part, field) for (name, field), part in fields}
    return _scalar(name)[2](proto)


def _name(kind: type_pb2.TypeProto) -> str:
    name: str = type_pb2.TypeKind.Name(kind.type_kind)
    return name.removeprefix("TYPE_")


def _fields(kind: type_pb2.TypeProto) -> dict[str, type_pb2.TypeProto]:
    """The types of a struct's fields by name; unnamed ones are named by position, as in BigQuery."""
    fields = enumerate(kind.struct_type.field, start=1)
    return {field.field_name or f"_field_{place}": field.field_type for place, field in fields}


def _decimal_bytes(value: Decimal, scale: int) -> bytes:
    """The value in units of the last place, as the shortest little-endian two's complement."""
    scaled = value.scaleb(scale, context=_DIGITS)
    whole = scaled.to_integral_value(context=_DIGITS)
    if whole != scaled:
        raise ValueError(f"more than {scale} digits after the point")
    units = int(whole)
    return units.to_bytes(max(1, (units.bit_length() + 8) // 8), "little", signed=True)


def _decimal(data: bytes, scale: int) -> Decimal:
    # No normalize(): it rounds to the context, and 1E+2 equals 100 anyway.
    return Decimal(int.from_bytes(data, "little", signed=True)).scaleb(-scale, context=_DIGITS)


def _pack_clock(value: time | datetime) -> int:
    return (value.hour << 12) | (value.minute << 6) | value.second


def _unpack_clock(bits: int) -> tuple[int, int, int]:
    return (bits >> 12) & _HOURS_MASK, (bits >> 6) & _SECONDS_MASK, bits & _SECONDS_MASK


def _write_timestamp(proto: value_pb2.ValueProto, value: datetime) -> None:
    micros = (value - _EPOCH) // timedelta(microseconds=1)  # TypeError without a zone
    proto.timestamp_value.seconds, rest = divmod(micros, 1_000_000)
    proto.timestamp_value.nanos = rest * 1000


def _read_timestamp(proto: value_pb2.ValueProto) -> datetime:
    stored = proto.timestamp_value
    return _EPOCH + timedelta(seconds=stored.seconds, microseconds=stored.nanos // 1000)


def _write_datetime(proto: value_pb2.ValueProto, value: datetime) -> None:
    if value.tzinfo is not None:
        raise ValueError("it has a zone")
    days = (value.year << 26) | (value.month << 22) | (value.day << 17)
    proto.datetime_value.bit_field_datetime_seconds = days | _pack_clock(value)
    proto.datetime_value.nanos = value.microsecond * 1000


def _read_datetime(proto: value_pb2.ValueProto) -> datetime:
    bits = proto.datetime_value.bit_field_datetime_seconds
    day = (bits >> 26, (bits >> 22) & _MONTHS_MASK, (bits >> 17) & _HOURS_MASK)
    return datetime(*day, *_unpack_clock(bits), proto.datetime_value.nanos // 1000)


def _write_date(proto: value_pb2.ValueProto, value: date) -> None:
    if isinstance(value, datetime):
        raise ValueError("it has a time of day")
    proto.date_value = (value - _EPOCH_DATE).days


def _write_time(proto: value_pb2.ValueProto, value: time) -> None:
    proto.time_value = (_pack_clock(value) << 30) | (value.microsecond * 1000)


def _read_time(proto: value_pb2.ValueProto) -> time:
    bits: int = proto.time_value
    return time(*_unpack_clock(bits >> 30), (bits & _NANOS_MASK) // 1000)


def _plain(field: str) -> tuple[Callable[[value_pb2.ValueProto, Any], None], Callable[[value_pb2.ValueProto], Any]]:
    """Write and read a field that holds the Python value unchanged."""
    return (lambda proto, value: setattr(proto, field, value)), (lambda proto: getattr(proto, field))


def _decimals(field: str, scale: int) -> tuple[Callable[[Any, Decimal], None], Callable[[Any], Decimal]]:
    return (
        lambda proto, value: setattr(proto, field, _decimal_bytes(value, scale)),
        lambda proto: _decimal(getattr(proto, field), scale),
    )


# The accepted Python types, the writer, the reader.
_Scalar = tuple[type | tuple[type, ...], Callable[[Any, Any], None], Callable[[Any], Any]]


def _scalar(name: str) -> _Scalar:
    if name not in _SCALARS:
        raise EncodingError(f"type {name} is not supported")
    return _SCALARS[name]


_SCALARS: dict[str, _Scalar] = {
    "INT64": (int, *_plain("int64_value")),
    "BOOL": (bool, *_plain("bool_value")),
    "STRING": (str, *_plain("string_value")),
    "BYTES": (bytes, *_plain("bytes_value")),
    "DOUBLE": ((float, int), *_plain("double_value")),
    "NUMERIC": ((Decimal, int), *_decimals("numeric_value", _NUMERIC_SCALE)),
    "BIGNUMERIC": ((Decimal, int), *_decimals("bignumeric_value", _BIGNUMERIC_SCALE)),
    "DATE": (date, _write_date, lambda proto: _EPOCH_DATE + timedelta(days=proto.date_value)),
    "TIME": (time, _write_time, _read_time),
    "DATETIME": (datetime, _write_datetime, _read_datetime),
    "TIMESTAMP": (datetime, _write_timestamp, _read_timestamp),
    "JSON": (
        Json,
        lambda proto, value: setattr(proto, "json_value", str(value)),
        lambda proto: Json.of(json.loads(proto.json_value)),
    ),
}
