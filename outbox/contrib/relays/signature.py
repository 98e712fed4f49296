"""Signatures of Standard Webhooks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from outbox.errors import ConfigurationError

PREFIX = "whsec_"


class Signer:
    """Signs with each of several secrets, so that a receiver who knows any one of them is content."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Decode the secrets; an error never shows one."""
        if isinstance(secrets, str):
            raise ConfigurationError("secrets", "***", "give a list of secrets, even of one")
        self._keys = [_key(secret) for secret in secrets]

    def headers(self, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
        """Return the headers of one attempt."""
        headers = {"webhook-id": id_, "webhook-timestamp": str(timestamp)}
        signed = f"{id_}.{timestamp}.".encode() + body
        signatures = [
            "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in self._keys
        ]
        return {**headers, "webhook-signature": " ".join(signatures)} if signatures else headers


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError("secrets", "***", "a secret is whsec_ followed by base64") from None
