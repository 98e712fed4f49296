"""Relays beside a bare loop of the same client, on the same broker: ``python -m benchmarks.relays``.

Both wait for the broker's confirm of every message. The bare loop is what its author would write first:
publish, wait, next; Kafka's sends everything and waits once at the end. The relay gets batches that were made
before, as a worker hands them over, without a database. Rounds alternate, so that what else the machine does
hits both.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial
from typing import Any

from outbox.clock import Deadline
from outbox.contrib.relays import KafkaRelay, NatsRelay, RabbitmqRelay, RedisRelay, Relay
from outbox.contrib.relays.kafka import complete
from outbox.handlers.batch import Batch
from outbox.values.message import OutboxMessage
from tests.servers.brokers.brokers import Brokers

BODY = b"x" * 200
KEYS = 100
BATCH = 1_000
ROUNDS = 5
# Processor threads of a worker, unless it is told otherwise.
THREADS = 4
# A round takes about a second.
MESSAGES = {"kafka": 20_000, "rabbitmq": 1_000, "redis": 2_000, "nats": 1_000}
NOW = datetime.now(timezone.utc)


def batches(count: int, partition: int) -> Iterator[Batch]:
    """Yield batches as a worker hands them over, of messages whose keys take turns."""
    for first in range(1, count + 1, BATCH):
        numbers = range(first, min(first + BATCH, count + 1))
        messages = [
            OutboxMessage(
                n,
                "orders",
                partition,
                partition + 1,
                n,
                BODY,
                "text/plain",
                None,
                NOW,
                key=f"customer-{n % KEYS}",
            )
            for n in numbers
        ]
        yield Batch(messages, Deadline.after(60), lambda: False)


def load(count: int, threads: int, first: int = 0) -> list[list[Batch]]:
    """Return what each thread relays: a partition of its own, as a processor thread does."""
    return [list(batches(count // threads, partition)) for partition in range(first, first + threads)]


def relayed(relay: Relay, loads: list[list[Batch]]) -> None:
    """Relay batches on as many threads as there are lists of them."""

    def work(made: list[Batch]) -> None:
        for batch in made:
            answer = relay(batch)
            assert answer is None, answer
            assert batch.processed == len(batch)

    with ThreadPoolExecutor(len(loads)) as pool:
        list(pool.map(work, loads))


def bare_kafka(broker: Any, topic: str) -> Callable[[int], None]:
    from confluent_kafka import Producer

    producer = Producer(complete(broker.url))

    def run(count: int) -> None:
        confirmed = []
        for number in range(count):
            key = f"customer-{number % KEYS}"
            headers = {"id": f"shop-{number}", "source": "shop-1", "partition": "1", "seq": str(number)}
            note = lambda error, _: confirmed.append(error)  # noqa: E731 - as its author would write it
            producer.produce(topic, BODY, key, on_delivery=note, headers=headers)
            producer.poll(0)
        producer.flush()
        assert confirmed == [None] * count

    return run


def bare_rabbitmq(broker: Any, topic: str) -> Callable[[int], None]:
    import pika

    channel = pika.BlockingConnection(pika.URLParameters(broker.url)).channel()
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2)

    def run(count: int) -> None:
        for _ in range(count):
            channel.basic_publish("", topic, BODY, properties, mandatory=True)

    return run


def bare_redis(broker: Any, topic: str) -> Callable[[int], None]:
    import redis

    client = redis.Redis.from_url(broker.url)

    def run(count: int) -> None:
        for number in range(count):
            client.xadd(topic, {"body": BODY, "key": f"customer-{number % KEYS}"})

    return run


def bare_nats(broker: Any, topic: str) -> Callable[[int], None]:
    import nats

    async def publish(count: int) -> None:
        client = await nats.connect(broker.url)
        stream = client.jetstream()
        for _ in range(count):
            await stream.publish(topic, BODY)
        await client.close()

    return lambda count: asyncio.run(publish(count))


def create(kind: str, broker: Any, topic: str) -> None:
    from tests.contrib.relays.places.kinds import KINDS

    place = KINDS[kind](broker)
    if kind != "redis":
        place.declare(topic)  # type: ignore[attr-defined]


RELAYS: dict[str, Callable[[str, str], Relay]] = {
    "kafka": lambda url, topic: KafkaRelay(url, topic=topic),
    "rabbitmq": lambda url, topic: RabbitmqRelay(url, routing_key=topic),
    "redis": lambda url, topic: RedisRelay(url, stream=topic),
    "nats": lambda url, topic: NatsRelay(url, subject=topic),
}
BARE: dict[str, Callable[[Any, str], Callable[[int], None]]] = {
    "kafka": bare_kafka,
    "rabbitmq": bare_rabbitmq,
    "redis": bare_redis,
    "nats": bare_nats,
}


def rate(run: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    run()
    return count / (time.perf_counter() - began)


def measure(kind: str, broker: Any, count: int, rounds: int) -> list[float]:
    """Return the median rates in messages a second: the bare loop, the relay on one thread and on several."""
    found: list[list[float]] = [[], [], []]
    for number in range(rounds + 1):
        # New ones each round: a stream of Redis refuses numbers that it has.
        topics = [f"bench-{uuid.uuid4().hex[:8]}" for _ in range(3)]
        for topic in topics:
            create(kind, broker, topic)
        bare = BARE[kind](broker, topics[0])
        bare(10)
        rates = [rate(partial(bare, count), count)]
        for topic, threads in zip(topics[1:], (1, THREADS), strict=True):
            relay = RELAYS[kind](broker.url, topic)
            relayed(relay, load(threads * 10, threads, first=threads))  # connects
            rates.append(rate(partial(relayed, relay, load(count, threads)), count))
            relay.close()
        if number:  # the first round warms up
            for rates_so_far, one in zip(found, rates, strict=True):
                rates_so_far.append(one)
    return [statistics.median(rates) for rates in found]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure relays beside bare loops of the same clients.")
    parser.add_argument(
        "brokers", nargs="*", metavar="BROKER", help=f"of {', '.join(MESSAGES)}; all unless given"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    brokers = Brokers()
    print(f"messages a second, {BATCH} a batch, {KEYS} keys")
    print(f"{'broker':10} {'bare':>10} {'relay':>10} {'':6} {f'on {THREADS} threads':>12}")
    try:
        for kind in options.brokers or MESSAGES:
            bare, one, many = measure(kind, brokers.get(kind), MESSAGES[kind], options.rounds)
            shares = f"{one:10,.0f} {one / bare:6.0%} {many:12,.0f} {many / bare:6.0%}"
            print(f"{kind:10} {bare:10,.0f} {shares}", flush=True)
    finally:
        brokers.close()


if __name__ == "__main__":
    main()
