"""Structs of msgspec."""

from __future__ import annotations

from typing import Any

import msgspec

from outbox.contrib.codecs.models import ModelCodec


class MsgspecCodec(ModelCodec):
    """``MsgspecCodec(Order, Refund)``: enqueue Structs, and get them back from ``msg.decode()``.

    ``decode`` raises msgspec's ValidationError for a payload that the Struct of today refuses.
    """

    def __init__(self, *models: type[msgspec.Struct]) -> None:
        super().__init__(*models)

    def dump(self, value: Any) -> bytes:
        """Return a Struct as msgspec writes it."""
        return msgspec.json.encode(value)

    def load(self, model: type[Any], data: bytes) -> Any:
        """Return a validated Struct."""
        return msgspec.json.decode(data, type=model)
