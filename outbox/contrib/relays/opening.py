"""Make a relay from an address and options, as the command and its file give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from outbox.contrib.relays.aws_relay import SnsRelay, SqsRelay
from outbox.contrib.relays.envelopes import CloudEvents, DebeziumEvent, Envelope, Raw
from outbox.contrib.relays.kafka import KafkaRelay
from outbox.contrib.relays.nats import NatsRelay
from outbox.contrib.relays.rabbitmq import RabbitmqRelay
from outbox.contrib.relays.redis import RedisRelay
from outbox.contrib.relays.relay import Relay
from outbox.contrib.relays.webhook import WebhookRelay
from outbox.errors import ConfigurationError

ENVELOPES: dict[str, Callable[..., Envelope]] = {
    "raw": Raw,
    "cloudevents": CloudEvents,
    "debezium": DebeziumEvent,
}


def open_relay(to: str, *, topic: str | None = None, **options: Any) -> Relay:
    """Return the relay for an address, by its scheme.

    ``kafka://``, ``amqp://`` and ``amqps://``, ``redis://`` and ``rediss://``, ``nats://``, ``sqs://REGION``
    and ``sns://REGION``, ``http://`` and ``https://``. ``topic`` is the topic, routing key, stream, subject,
    queue or ARN; the other options are those of the
    relay's class. Raises `ConfigurationError` for what it does not know.
    """
    scheme = urlsplit(to).scheme
    maker = _MAKERS.get(scheme)
    if maker is None:
        raise ConfigurationError("to", to, f"give an address that begins with {', '.join(_MAKERS)}://")
    try:
        return maker(to, topic, options)
    except TypeError as error:
        raise ConfigurationError(
            "options", sorted(options), f"{scheme} takes no such option: {error}"
        ) from error


def open_envelope(name: str, **options: Any) -> Envelope:
    """Return an envelope by its name; raises `ConfigurationError`."""
    if name not in ENVELOPES:
        raise ConfigurationError("envelope", name, f"give {', '.join(ENVELOPES)}")
    try:
        return ENVELOPES[name](**options)
    except TypeError as error:
        raise ConfigurationError("envelope", name, f"it does not fit its options: {error}") from error


def _kafka(to: str, topic: str | None, options: dict[str, Any]) -> Relay:
    """Return a relay whose ``config`` are further options of librdkafka."""
    address = {"bootstrap.servers": to.removeprefix("kafka://").rstrip("/")}
    config: Mapping[str, Any] = options.pop("config", {})
    return KafkaRelay({**address, **config}, topic=topic, **options)


def _rabbitmq(to: str, topic: str | None, options: dict[str, Any]) -> Relay:
    return RabbitmqRelay(to, routing_key=topic, **options)


def _redis(to: str, topic: str | None, options: dict[str, Any]) -> Relay:
    return RedisRelay(to, stream=topic, **options)


def _nats(to: str, topic: str | None, options: dict[str, Any]) -> Relay:
    return NatsRelay(to, subject=topic, **options)


def _sqs(to: str, topic: str | None, options: dict[str, Any]) -> Relay:
    """Return a relay to the region that the address names, or to the environment's."""
    return SqsRelay(topic, **{"region": urlsplit(to).hostname, **options})


def _sns(to: str, topic: str | None, options: dict[str, Any]) -> Relay:
    return SnsRelay(topic, **{"region": urlsplit(to).hostname, **options})


def _webhook(to: str, topic: str | None, options: dict[str, Any]) -> Relay:
    if topic is not None:
        raise ConfigurationError("topic", topic, "a webhook has none: the address says where it goes")
    return WebhookRelay(to, **options)


_MAKERS: dict[str, Callable[[str, str | None, dict[str, Any]], Relay]] = {
    "kafka": _kafka,
    "amqp": _rabbitmq,
    "amqps": _rabbitmq,
    "redis": _redis,
    "rediss": _redis,
    "nats": _nats,
    "sqs": _sqs,
    "sns": _sns,
    "http": _webhook,
    "https": _webhook,
}
