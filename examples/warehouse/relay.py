"""The shop's end: relay the queue "orders" to RabbitMQ or Kafka.

python examples/warehouse/relay.py DATABASE_URL amqp://…|kafka://… TOPIC
"""

from __future__ import annotations

import signal
import sys

from outbox import LeaseConfig, Outbox, Partitions
from outbox.contrib.relays import KafkaRelay, RabbitmqRelay, Relay


def make_relay(url: str, topic: str) -> Relay:
    if url.startswith("kafka://"):
        # The inbox wants each of the outbox's partitions in one piece.
        return KafkaRelay(url, topic=topic, by_partition=True, timeout=5)
    return RabbitmqRelay(url, routing_key=topic, timeout=5)


def main() -> None:
    database, url, topic = sys.argv[1:]
    relay = make_relay(url, topic)
    builder = Outbox.builder(database).queue("orders", Partitions.of(2))
    with builder.leased_batch(relay, lease=LeaseConfig(duration=8)).start():
        print("relaying", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    relay.close()


if __name__ == "__main__":
    main()
