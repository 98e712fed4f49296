"""Relay to Kafka, over confluent-kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from outbox.clock import Deadline
from outbox.contrib.relays.answers import Answer
from outbox.contrib.relays.envelopes import Envelope
from outbox.contrib.relays.imports import import_library
from outbox.contrib.relays.outgoing import Outgoing, Router
from outbox.contrib.relays.pool import SessionPool
from outbox.contrib.relays.relay import DEFAULT_TIMEOUT, Relay
from outbox.errors import ConfigurationError

SAFE: dict[str, object] = {
    # One producer's messages are written once and in order, whatever is retried inside the client.
    "enable.idempotence": True,
    # After a message that could not be written nothing behind it is: without this the next one may be.
    "enable.gapless.guarantee": True,
    # Waiting is the relay's: a message that the client gave up on would not count as a gap.
    "message.timeout.ms": 0,
    # A topic that does not exist is an error before the relay's time-out, and not a broker that is slow.
    "topic.metadata.propagation.max.ms": 5_000,
    # A wave is handed over in a burst and waited for: time for a batch to fill, and no more.
    "linger.ms": 1,
    # The partition that a Java producer picks for the same key; librdkafka's own default is another one.
    "partitioner": "murmur2_random",
}


class KafkaRelay(Relay):
    """Produce to Kafka with an idempotent producer, each message confirmed by all in-sync replicas.

    ``config`` is the address, ``host:port`` or ``kafka://host:port``, or a mapping of librdkafka's options.
    The topic is the queue's name unless ``topic`` or ``route`` says otherwise, and the message's key is
    Kafka's, which puts it on the partition where a Java producer would. A message without a key goes to any
    partition, so it has no order there. librdkafka's log lines go to the logger ``outbox.relays.kafka``.

    ``by_partition`` keeps each of the outbox's partitions whole, in Kafka's partition of the same number: an
    inbox at the other end needs that. The topic must have as many.

    A message that is too large for the broker goes to the dead letters. A broker that is away or slow
    counts as no attempt.
    """

    one_of_each_key: ClassVar[bool] = False  # the idempotent producer keeps their order
    has_keys: ClassVar[bool] = True
    types_in_headers: ClassVar[bool] = True
    wave_size: ClassVar[int] = 10_000

    def __init__(
        self,
        config: str | Mapping[str, Any],
        *,
        topic: str | None = None,
        by_partition: bool = False,
        envelope: Envelope | None = None,
        route: Router | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
    ) -> None:
        """Check the options; nothing is opened before the first message."""
        super().__init__(topic, envelope=envelope, route=route, timeout=timeout)
        import_library("confluent_kafka", "kafka")
        self._config = complete(config)
        self._by_partition = by_partition
        self._sessions = SessionPool(self._open)

    def close(self) -> None:
        """Close the producers."""
        self._sessions.close()

    def _open(self, _: Deadline) -> Any:
        from outbox.contrib.relays.kafka_session import KafkaSession

        return KafkaSession(self._config, by_partition=self._by_partition)

    def _send(self, wave: Sequence[Outgoing], deadline: Deadline) -> Sequence[Answer]:
        with self._sessions.acquire(deadline) as session:
            answers: list[Answer] = session.produce(wave, deadline)
        return answers


def complete(config: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return librdkafka's options; refuses those that would break the order or confirm too early."""
    if isinstance(config, str):
        config = {"bootstrap.servers": config.removeprefix("kafka://").rstrip("/")}
    if not config.get("bootstrap.servers"):
        raise ConfigurationError("config", dict(config), "it names no bootstrap.servers")
    for option in ("enable.idempotence", "enable.gapless.guarantee", "message.timeout.ms"):
        if option in config:
            raise ConfigurationError(option, config[option], "a relay's order rests on it; leave it out")
    return {**SAFE, **config}
