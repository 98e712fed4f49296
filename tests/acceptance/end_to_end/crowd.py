"""Programs for other processes: producers and workers of one shop, to be killed at any moment."""

from __future__ import annotations

import random
import time
from typing import Any

from outbox import LeaseConfig, Outbox, OutboxBuilder, OutboxMessage, Reject, WorkerTuning

LEASED = "jobs"
TRANSACTIONAL = "ledger"
PARTITIONS = 4
LEASE = LeaseConfig(1.0)
QUICK = WorkerTuning.processor_adaptive().replace(retry_base=0.02, retry_max=0.1, batch_size=20)

PRODUCED = "message_id BIGINT PRIMARY KEY, queue VARCHAR(20) NOT NULL"
# What handlers write, in the order in which they wrote it. No unique key: a message may be there twice.
WRITTEN = {
    "postgresql": "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mysql": "id BIGINT AUTO_INCREMENT PRIMARY KEY",
    "mariadb": "id BIGINT AUTO_INCREMENT PRIMARY KEY",
    "sqlite": "id INTEGER PRIMARY KEY AUTOINCREMENT",
}
COLUMNS = "partition_id BIGINT NOT NULL, seq BIGINT NOT NULL, message_id BIGINT NOT NULL"
LEAST_ROUNDS = 60
"""Transactions of a producer, of one to five messages, however little it comes to in its time."""


class ChangedMyMind(Exception):
    """Rolls a producer's transaction back."""


def run(conn: Any, sql: str) -> None:
    cursor = conn.cursor()
    cursor.execute(sql)
    cursor.close()


def builder(url: str) -> OutboxBuilder:
    return Outbox.builder(url).poll_interval(0.2).stats_interval(0).processors(3)


def produce(url: str, seconds: float, seed: int) -> None:
    """Commit, and now and then roll back, messages to both queues, each with a row that vouches for it."""
    dice = random.Random(seed)
    queues = (LEASED, TRANSACTIONAL)
    declared = (
        builder(url).queue(LEASED, PARTITIONS).enqueue_only().queue(TRANSACTIONAL, PARTITIONS).enqueue_only()
    )
    with declared.open() as outbox:
        end, rounds = time.monotonic() + seconds, 0
        # On a machine that is busy the time alone may be over after a few.
        while time.monotonic() < end or rounds < LEAST_ROUNDS:
            produce_some(outbox, dice, dice.choice(queues))
            rounds += 1
            time.sleep(dice.uniform(0.0, 0.01))
    print("produced", flush=True)


def produce_some(outbox: Outbox, dice: random.Random, queue: str) -> None:
    try:
        with outbox.transaction() as conn:
            for _ in range(dice.randint(1, 5)):
                message_id = outbox.enqueue(
                    conn, queue, {"n": dice.random()}, partition=dice.randrange(PARTITIONS)
                )
                run(conn, f"INSERT INTO produced (message_id, queue) VALUES ({message_id}, '{queue}')")
            change_mind(dice)
    except ChangedMyMind:
        pass


def change_mind(dice: random.Random) -> None:
    if dice.random() < 0.1:
        raise ChangedMyMind


def rejected(message_id: int) -> bool:
    """Whether no handler accepts this message."""
    return message_id % 5 == 0


def work(url: str) -> None:
    """Deliver until killed; some messages fail once, some are rejected."""
    declared = builder(url).queue(LEASED, PARTITIONS).leased(deliver, lease=LEASE, tuning=QUICK)
    handle = declared.queue(TRANSACTIONAL, PARTITIONS).transactional(enter, tuning=QUICK).start()
    global producer
    producer = handle.outbox
    print("working", flush=True)
    while True:
        time.sleep(60)


producer: Outbox


def deliver(msg: OutboxMessage) -> Reject | None:
    with producer.transaction() as conn:
        write(conn, "deliveries", msg)
    return answer(msg)


def enter(conn: Any, msg: OutboxMessage) -> Reject | None:
    write(conn, "effects", msg)
    return answer(msg)


def write(conn: Any, table: str, msg: OutboxMessage) -> None:
    values = f"{msg.partition_id}, {msg.seq}, {msg.id}"
    run(conn, f"INSERT INTO {table} (partition_id, seq, message_id) VALUES ({values})")


def answer(msg: OutboxMessage) -> Reject | None:
    if msg.id % 37 == 0 and msg.attempts == 0:
        raise ValueError("not this time")
    return Reject("not ever") if rejected(msg.id) else None
