"""Payloads as they are stored: bytes and the type that says what they are."""

from __future__ import annotations

import json

from outbox.errors import InvalidPayload, PayloadTooLarge
from outbox.values.validation import validate_payload_type

BYTES_TYPE = "application/octet-stream"
JSON_TYPE = "application/json"

# One encoder for all calls: `json.dumps` with options builds one each time.
_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(payload: object, payload_type: str | None = None) -> tuple[bytes, str]:
    """Return a payload as ``(bytes, payload type)``.

    bytes, bytearray and memoryview pass untouched and are ``application/octet-stream`` unless
    ``payload_type`` is given. Anything else, a str included, becomes compact UTF-8 JSON and is
    ``application/json``. Raises `InvalidPayload` for what JSON cannot carry (NaN, lone surrogates,
    circular references) and `InvalidPayloadType`.
    """
    if isinstance(payload, (bytes, bytearray, memoryview)):
        data, default = bytes(payload), BYTES_TYPE
    else:
        data, default = encode_json(payload), JSON_TYPE
    return data, default if payload_type is None else validate_payload_type(payload_type)


def encode_json(value: object) -> bytes:
    """Return a value as compact UTF-8 JSON, or raise `InvalidPayload`."""
    try:
        return _json.encode(value).encode()
    except UnicodeEncodeError as error:
        raise InvalidPayload(type(value).__name__, "a text holds a lone surrogate") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPayload(type(value).__name__, str(error)) from error


def check_size(data: bytes, maximum: int) -> None:
    """Raise `PayloadTooLarge` if there are more than ``maximum`` bytes."""
    if len(data) > maximum:
        raise PayloadTooLarge(len(data), maximum)
