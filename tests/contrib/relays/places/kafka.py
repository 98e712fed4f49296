"""A topic of Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from outbox.contrib.relays import KafkaRelay, Relay
from tests.contrib.relays.places.place import Arrival, Place


@dataclass(frozen=True)
class KafkaArrival(Arrival):
    offset: int = 0


class KafkaPlace(Place):
    """A topic of one partition, where a message without a key has an order too."""

    kind = "kafka"

    def create(self) -> None:
        self._position = 0
        self.declare(self.topic)

    def declare(self, name: str, *, partitions: int = 1, settings: dict[str, str] | None = None) -> None:
        topic = NewTopic(name, partitions, 1, config=settings or {})
        client = AdminClient({"bootstrap.servers": self.broker.address})
        client.create_topics([topic])[name].result(60)

    def read(self) -> list[Arrival]:
        found = self.read_partition(self.topic, 0, self._position)
        self._position = found[-1].offset + 1 if found else self._position
        return list(found)

    def read_partition(self, topic: str, partition: int, position: int = 0) -> list[KafkaArrival]:
        """Return what lies in one partition from an offset on."""
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": topic})
        place = TopicPartition(topic, partition, position)
        _, end = consumer.get_watermark_offsets(place, timeout=60)
        consumer.assign([place])
        found: list[KafkaArrival] = []
        while position < end:
            for message in consumer.consume(end - position, timeout=10):
                assert message.error() is None, message.error()
                position = message.offset() + 1
                found.append(_arrival(message))
        consumer.close()
        return found

    @staticmethod
    def new_relay(url: str, topic: str, **options: Any) -> Relay:
        return KafkaRelay(url, topic=topic, **options)


def _arrival(message: Any) -> KafkaArrival:
    headers = {name: value.decode() for name, value in message.headers() or ()}
    key = message.key()
    return KafkaArrival(None if key is None else key.decode(), message.value(), headers, message.offset())
