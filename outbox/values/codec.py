"""What a payload is as bytes, and back: the seam, and the codec that stands in it unless another is given."""

from __future__ import annotations

import dataclasses
import enum
import json
from datetime import date, time
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from outbox.errors import ConfigurationError, InvalidPayload
from outbox.values.validation import validate_payload_type

BYTES_TYPE = "application/octet-stream"
JSON_TYPE = "application/json"


@runtime_checkable
class Codec(Protocol):
    """Turns what a producer gives into bytes and their type, and these into what a handler wants.

    Both may be called from any thread. ``encode`` raises `InvalidPayload`, or an error of its own, for what
    it cannot write: it is the enqueue's. What ``decode`` raises is the error of the handler that called
    `OutboxMessage.decode`. A codec that needs the type that it wrote has a true ``owns_type``: a producer
    cannot give another one then.
    """

    def encode(self, value: object) -> tuple[bytes, str]:
        """Return the bytes of a value and their payload type."""

    def decode(self, data: bytes, payload_type: str) -> Any:
        """Return the value of bytes."""


def plain(value: object) -> object:
    """Return what JSON has for a value that it does not know, or raise `TypeError`."""
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


# One encoder for all calls: `json.dumps` with options builds one each time.
_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain)


class JsonCodec:
    """Compact UTF-8 JSON, and bytes as they are.

    Beside what JSON has it writes a datetime, date or time in ISO 8601, a Decimal and a UUID as text, an Enum
    as its value, and a dataclass as an object of its fields. All of that comes back as JSON has it.
    """

    def encode(self, value: object) -> tuple[bytes, str]:
        """Return bytes-like values untouched, and the JSON of others; raises `InvalidPayload`."""
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value), BYTES_TYPE
        return encode_json(value), JSON_TYPE

    def decode(self, data: bytes, payload_type: str) -> Any:
        """Return what JSON says, text for a ``text/…`` type, and other bytes as they are."""
        kind = payload_type.partition(";")[0].strip().lower()
        if kind == JSON_TYPE or kind.endswith("+json"):
            return json.loads(data)
        return data.decode() if kind.startswith("text/") else data


JSON = JsonCodec()


def encode_json(value: object) -> bytes:
    """Return a value as compact UTF-8 JSON, or raise `InvalidPayload`."""
    try:
        return _json.encode(value).encode()
    except UnicodeEncodeError as error:
        raise InvalidPayload(type(value).__name__, "a text holds a lone surrogate") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPayload(type(value).__name__, str(error)) from error


def encode_with(codec: Codec, value: object, payload_type: str | None) -> tuple[bytes, str]:
    """Return a value's bytes and their type, which is the producer's if one is given.

    Raises `InvalidPayloadType`, and `ConfigurationError` for a type that the codec must write itself, or a
    codec that gives no bytes.
    """
    if payload_type is not None and getattr(codec, "owns_type", False):
        problem = f"{type(codec).__name__} writes the type itself and needs it to decode; leave it out"
        raise ConfigurationError("payload_type", payload_type, problem)
    data, own_type = codec.encode(value)
    given: object = data
    if not isinstance(given, bytes):
        raise ConfigurationError("codec", type(given).__name__, "its encode() must return (bytes, type)")
    if payload_type is not None:
        return data, validate_payload_type(payload_type)
    return data, own_type if codec is JSON else validate_payload_type(own_type)


def checked_codec(codec: object) -> Codec:
    """Return a codec, or raise `ConfigurationError`."""
    if isinstance(codec, type) or not isinstance(codec, Codec):
        raise ConfigurationError("codec", codec, "give an object with encode(value) and decode(data, type)")
    return codec
