"""What a codec for models has in common: the type names the model, and what is no model is plain JSON."""

from __future__ import annotations

from typing import Any

from outbox.errors import ConfigurationError
from outbox.values.codec import JSON, JSON_TYPE

MODEL = "model="


class ModelCodec:
    """Writes ``application/json; model=Order`` for an object of a class ``Order`` that it was given.

    Other values are as without a codec. A message whose type names no model of this codec decodes to plain
    JSON, so a model can be given up before its last message is delivered. Two classes of one name cannot be
    told apart.
    """

    def __init__(self, *models: type[Any]) -> None:
        self._models = {model.__name__: model for model in models}
        if len(self._models) < len(models):
            raise ConfigurationError("models", models, "two of them have the same name")

    def encode(self, value: object) -> tuple[bytes, str]:
        """Return a model as JSON of its library's making, and the name of its class in the type."""
        name = type(value).__name__
        if self._models.get(name) is not type(value):
            return JSON.encode(value)
        return self.dump(value), f"{JSON_TYPE}; {MODEL}{name}"

    def decode(self, data: bytes, payload_type: str) -> Any:
        """Return an object of the model that the type names, validated by its library."""
        name = payload_type.partition(MODEL)[2]
        model = self._models.get(name)
        return JSON.decode(data, payload_type) if model is None else self.load(model, data)

    def dump(self, value: Any) -> bytes:
        """Return a model as JSON."""
        raise NotImplementedError

    def load(self, model: type[Any], data: bytes) -> Any:
        """Return an object of a model, or raise its library's error."""
        raise NotImplementedError
