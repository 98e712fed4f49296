"""The shapes in which a message can leave: as it is, as a CloudEvent, or as Debezium's router sends it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from outbox.contrib.relays.outgoing import NO_HEADERS, identify
from outbox.errors import ConfigurationError
from outbox.values.message import OutboxMessage

JSON_TYPES = ("application/json", "+json")
CLOUD_EVENTS_JSON = "application/cloudevents+json"


class Wrapped(NamedTuple):
    """A body, its content type, and the headers that belong to the envelope.

    ``attributes`` become headers too, after the prefix that the broker's binding of CloudEvents asks for.
    """

    body: bytes
    content_type: str
    headers: Mapping[str, str] = NO_HEADERS
    attributes: Mapping[str, str] = NO_HEADERS


class Envelope(Protocol):
    """Turns a message, and the key it is sent under, into what the receiver reads."""

    def wrap(self, message: OutboxMessage, key: str | None) -> Wrapped:
        """Return the message in this shape."""
        ...


class Raw:
    """The payload as it is, its type as the content type."""

    def wrap(self, message: OutboxMessage, key: str | None) -> Wrapped:  # noqa: ARG002 - as in every envelope
        """Return the payload."""
        return Wrapped(message.payload, message.payload_type)


class CloudEvents:
    """CloudEvents 1.0, in binary mode (attributes in headers) or structured mode (all in one JSON object).

    ``source`` is the context in which it happened, a URI reference. ``type`` is the type of every event,
    or a function of the message; by default the queue's name. The event's ``id`` is `OutboxMessage.uid`, its
    ``time`` when it was enqueued, its ``partitionkey`` the key. The message's place in the outbox goes along
    as the extensions ``outboxpartition`` and ``outboxseq`` when structured.
    """

    def __init__(
        self,
        source: str,
        *,
        type: str | Callable[[OutboxMessage], str] | None = None,  # noqa: A002 - the attribute's name
        structured: bool = False,
    ) -> None:
        if not source:
            raise ConfigurationError("source", source, "a CloudEvent has a source: give a URI reference")
        self._source = source
        self._type = type
        self._structured = structured

    def wrap(self, message: OutboxMessage, key: str | None) -> Wrapped:
        """Return the event."""
        attributes = self._attributes(message, key)
        if not self._structured:
            return Wrapped(message.payload, message.payload_type, attributes=attributes)
        event: dict[str, Any] = {**attributes, "datacontenttype": message.payload_type}
        event |= {f"outbox{name}": value for name, value in _place(message).items()}
        event |= _data(message)
        return Wrapped(json.dumps(event, ensure_ascii=False).encode(), CLOUD_EVENTS_JSON)

    def _attributes(self, message: OutboxMessage, key: str | None) -> dict[str, str]:
        kind = self._type(message) if callable(self._type) else self._type or message.queue
        attributes = {
            "specversion": "1.0",
            "id": message.uid,
            "source": self._source,
            "type": kind,
            "time": _rfc3339(message.created_at),
        }
        return attributes if key is None else {**attributes, "partitionkey": key}


class DebeziumEvent:
    """What Debezium's outbox event router sends: the payload under the key, and the header ``id``.

    ``aggregate`` names the aggregate type in the header ``aggregatetype``, the queue by default; ``type`` is
    the event's type in the header ``eventType``.
    """

    def __init__(self, *, aggregate: str | None = None, type: str | None = None) -> None:  # noqa: A002 - the column's name
        self._aggregate = aggregate
        self._type = type

    def wrap(self, message: OutboxMessage, key: str | None) -> Wrapped:  # noqa: ARG002 - as in every envelope
        """Return the payload with the router's headers."""
        headers = {"id": message.uid, "aggregatetype": self._aggregate or message.queue}
        if self._type is not None:
            headers["eventType"] = self._type
        return Wrapped(message.payload, message.payload_type, headers)


def _place(message: OutboxMessage) -> dict[str, str]:
    return {
        name.removeprefix("outbox-"): value
        for name, value in identify(message).items()
        if name != "outbox-id"
    }


def _data(message: OutboxMessage) -> dict[str, Any]:
    """Return JSON as JSON, anything else as base64, as the JSON event format wants it."""
    if message.payload_type.partition(";")[0].strip().endswith(JSON_TYPES):
        return {"data": message.json()}
    return {"data_base64": base64.b64encode(message.payload).decode()}


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
