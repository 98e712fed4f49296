"""Models of pydantic."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from outbox.contrib.codecs.models import ModelCodec


class PydanticCodec(ModelCodec):
    """``PydanticCodec(Order, Refund)``: enqueue models, and get them back from ``msg.decode()``.

    ``decode`` raises pydantic's ValidationError for a payload that the model of today refuses.
    """

    def __init__(self, *models: type[BaseModel]) -> None:
        super().__init__(*models)

    def dump(self, value: Any) -> bytes:
        """Return a model as pydantic writes it."""
        text: str = value.model_dump_json()
        return text.encode()

    def load(self, model: type[Any], data: bytes) -> Any:
        """Return a validated model."""
        return model.model_validate_json(data)
