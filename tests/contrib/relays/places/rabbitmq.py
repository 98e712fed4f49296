"""A durable queue of RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika

from outbox.contrib.relays import RabbitmqRelay, Relay
from tests.contrib.relays.places.place import Arrival, Place


class RabbitmqPlace(Place):
    """The topic is the queue's name, on the default exchange."""

    kind = "rabbitmq"

    def create(self) -> None:
        self.declare(self.topic)

    def declare(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        with self.channel() as channel:
            channel.queue_declare(name, durable=True, arguments=arguments)

    @contextmanager
    def channel(self) -> Iterator[Any]:
        connection = pika.BlockingConnection(pika.URLParameters(self.broker.url))
        yield connection.channel()
        connection.close()

    def read(self) -> list[Arrival]:
        found = []
        with self.channel() as channel:
            while (answer := channel.basic_get(self.topic, auto_ack=True))[0] is not None:
                _, properties, body = answer
                found.append(Arrival(properties.headers.get("outbox-key"), body, properties.headers))
        return found

    @staticmethod
    def new_relay(url: str, topic: str, **options: Any) -> Relay:
        return RabbitmqRelay(url, routing_key=topic, **options)
