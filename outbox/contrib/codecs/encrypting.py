"""Payloads that the database, its dumps and its administrators cannot read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from outbox.errors import ConfigurationError, OutboxError
from outbox.values.codec import JSON, Codec, checked_codec

TYPE = "application/vnd.outbox.fernet"
KEY = "; key="
OF = "; of="


class UndecryptablePayload(OutboxError, ValueError):
    """A payload cannot be read: its key is missing, or it was changed. ``key_id`` names the key."""

    def __init__(self, key_id: str, problem: str) -> None:
        super().__init__(key_id, problem)
        self.key_id = key_id
        self.problem = problem

    def _sentence(self) -> str:
        return f"payload encrypted with key {self.key_id!r} cannot be read: {self.problem}"


class EncryptingCodec:
    """Encrypts what another codec writes, with Fernet (AES-128-CBC and HMAC-SHA256).

    ``keys`` are Fernet keys by id; the first one encrypts, and the id stands with each message, so that a key
    can be replaced: put the new one in front, take the old one out once no message, dead letters included,
    has it. Keys, headers and queue of a message stay readable: what is secret belongs into the payload.
    """

    owns_type = True

    def __init__(self, keys: Mapping[str, bytes | str], inner: Codec = JSON) -> None:
        self._inner = checked_codec(inner)
        if not keys:
            raise ConfigurationError("keys", keys, "give at least one: {'2026-11': Fernet.generate_key()}")
        for key_id in keys:
            if not key_id.isascii() or not key_id.replace("-", "").replace(".", "").isalnum():
                raise ConfigurationError("keys", key_id, "an id is of letters, digits, dots and dashes")
        try:
            self._keys = {key_id: Fernet(key) for key_id, key in keys.items()}
        except ValueError:
            raise ConfigurationError("keys", "***", "a key is what Fernet.generate_key() returns") from None
        self._first = next(iter(self._keys))

    def encode(self, value: object) -> tuple[bytes, str]:
        """Return the encrypted payload; its type tells the key's id, and what is inside."""
        data, kind = self._inner.encode(value)
        return self._keys[self._first].encrypt(data), f"{TYPE}{KEY}{self._first}{OF}{kind}"

    def decode(self, data: bytes, payload_type: str) -> Any:
        """Return what was encrypted; what never was, of the time before, is read as it is."""
        if not payload_type.startswith(TYPE + KEY):
            return self._inner.decode(data, payload_type)
        key_id, _, kind = payload_type[len(TYPE + KEY) :].partition(OF)
        if key_id not in self._keys:
            raise UndecryptablePayload(key_id, "there is no such key here; add it to the codec's keys")
        try:
            return self._inner.decode(self._keys[key_id].decrypt(data), kind)
        except InvalidToken:
            raise UndecryptablePayload(key_id, "it was changed, or that id has another key") from None
