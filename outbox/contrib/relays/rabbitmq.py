"""Relay to RabbitMQ, over pika."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from outbox.clock import Deadline
from outbox.contrib.relays.answers import Answer
from outbox.contrib.relays.envelopes import Envelope
from outbox.contrib.relays.imports import import_library
from outbox.contrib.relays.outgoing import Outgoing, Router
from outbox.contrib.relays.pool import SessionPool
from outbox.contrib.relays.relay import DEFAULT_TIMEOUT, Relay


class RabbitmqRelay(Relay):
    """Publish to an exchange of RabbitMQ, each message confirmed by the broker.

    ``url`` is an AMQP URL. Messages are persistent, ``mandatory``, and have `OutboxMessage.uid` as their
    ``message_id``. The topic is the routing key: the queue's name unless ``routing_key`` or ``route`` says
    otherwise; with the default exchange it names RabbitMQ's queue. Of one routing key and key only one
    message at a time is unconfirmed, so a full queue that refuses one never lets the next overtake it.

    A message that no queue takes is not done: it is tried again, and counts towards ``max_attempts``.
    A broker that is away, blocks publishers or refuses for a full queue does not count.
    """

    attribute_prefix: ClassVar[str] = "cloudEvents_"

    def __init__(
        self,
        url: str,
        *,
        exchange: str = "",
        routing_key: str | None = None,
        envelope: Envelope | None = None,
        route: Router | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
    ) -> None:
        """Check the URL; nothing is opened before the first message."""
        super().__init__(routing_key, envelope=envelope, route=route, timeout=timeout)
        pika = import_library("pika", "rabbitmq")
        self._parameters: Any = pika.URLParameters(url)
        self._exchange = exchange
        self._sessions = SessionPool(self._open)

    def close(self) -> None:
        """Close the connections."""
        self._sessions.close()

    def _open(self, deadline: Deadline) -> Any:
        from outbox.contrib.relays.rabbitmq_session import RabbitmqSession

        return RabbitmqSession(self._parameters, self._exchange, deadline)

    def _send(self, wave: Sequence[Outgoing], deadline: Deadline) -> Sequence[Answer]:
        with self._sessions.acquire(deadline) as session:
            answers: list[Answer] = session.publish(wave, deadline)
        return answers
