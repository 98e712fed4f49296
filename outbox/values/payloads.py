"""Payloads as they are stored: bytes and the type that says what they are."""

from __future__ import annotations

from outbox.errors import PayloadTooLarge
from outbox.values.codec import BYTES_TYPE, JSON, JSON_TYPE, encode_json, encode_with

__all__ = ["BYTES_TYPE", "JSON_TYPE", "check_size", "encode", "encode_json"]


def encode(payload: object, payload_type: str | None = None) -> tuple[bytes, str]:
    """Return a payload as ``(bytes, payload type)``.

    bytes, bytearray and memoryview pass untouched and are ``application/octet-stream`` unless
    ``payload_type`` is given. Anything else, a str included, becomes compact UTF-8 JSON and is
    ``application/json``. Raises `InvalidPayload` for what JSON cannot carry (NaN, lone surrogates,
    circular references) and `InvalidPayloadType`.
    """
    return encode_with(JSON, payload, payload_type)


def check_size(data: bytes, maximum: int) -> None:
    """Raise `PayloadTooLarge` if there are more than ``maximum`` bytes."""
    if len(data) > maximum:
        raise PayloadTooLarge(len(data), maximum)
