"""The warehouse's end: take every order once, whatever dies in between.

    python examples/warehouse/warehouse.py DATABASE_FILE amqp://…|kafka://… TOPIC

Both consumers have one shape: take a message, note it in the inbox and pack its parcel in one
transaction, and only then tell the broker. What is not told comes again, and is a duplicate then.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from outbox import Inbox, InboxResult

Taken = tuple[Mapping[str, str | bytes], bytes]


def pack(conn: sqlite3.Connection, inbox: Inbox, headers: Mapping[str, str | bytes], body: bytes) -> None:
    """Handle one message exactly once."""
    with conn:
        conn.execute("BEGIN IMMEDIATE")
        result = inbox.accept_headers(conn, headers)
        if result.is_new:
            conn.execute(
                "INSERT INTO parcels (content, gap) VALUES (?, ?)", (body.decode(), result is InboxResult.GAP)
            )


def from_rabbitmq(url: str, queue: str) -> Iterator[Taken]:
    """Yield messages one after the other; one is acknowledged when the next is asked for."""
    import pika

    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        channel = connection.channel()
        # One consumer at a time, so that the order holds with several processes too.
        channel.queue_declare(queue, durable=True, arguments={"x-single-active-consumer": True})
        channel.basic_qos(prefetch_count=20)
        print("consuming", flush=True)
        for method, properties, body in channel.consume(queue):
            yield properties.headers, body
            channel.basic_ack(method.delivery_tag)


def from_kafka(url: str, topic: str) -> Iterator[Taken]:
    """Yield messages one after the other; the offset is committed when the next is asked for."""
    from confluent_kafka import Consumer

    consumer = Consumer(
        {
            "bootstrap.servers": url.removeprefix("kafka://"),
            "group.id": f"warehouse-{topic}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
        }
    )
    consumer.subscribe([topic])
    print("consuming", flush=True)
    try:
        while True:
            message: Any = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                raise ConnectionError(message.error())
            yield dict(message.headers()), message.value()
            consumer.commit(message)
    finally:
        consumer.close()


def main() -> None:
    file, url, topic = sys.argv[1:]
    take = from_kafka if url.startswith("kafka://") else from_rabbitmq
    conn = sqlite3.connect(file, isolation_level=None, timeout=20)
    conn.execute("CREATE TABLE IF NOT EXISTS parcels (content TEXT, gap INTEGER)")
    with Inbox(f"sqlite:///{file}") as inbox:
        inbox.migrate()
        while True:
            try:
                for headers, body in take(url, topic):
                    pack(conn, inbox, headers, body)
            except Exception as error:
                print("the broker is away:", error, file=sys.stderr, flush=True)
                time.sleep(0.5)


if __name__ == "__main__":
    main()
