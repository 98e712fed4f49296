"""Producers take their time, and nobody waits for them; the sequencer takes its time, and no producer waits."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from outbox import OutboxMessage
from tests.acceptance.bench import PARTITIONS, QUEUE, Bench, Hands, builder_for
from tests.budgets.wire import tapped
from tests.support import eventually

SERVERS = ("postgresql", "mysql", "mariadb")
PATIENCE = {
    "postgresql": "SET lock_timeout = '3s'",
    "mysql": "SET SESSION innodb_lock_wait_timeout = 3",
    "mariadb": "SET SESSION innodb_lock_wait_timeout = 3",
}
PRODUCERS = 4
ROUNDS = 25


class Received:
    """A handler that remembers what came, by partition."""

    def __init__(self) -> None:
        self.by_partition: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def __call__(self, msg: OutboxMessage) -> None:
        self.by_partition[msg.partition].append((msg.seq, msg.id))

    def ids(self, partition: int = 0) -> list[int]:
        rows = self.by_partition[partition]
        assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
        return [message_id for _, message_id in rows]


def begin(bench: Bench) -> Any:
    """Return a producer's connection that would rather fail than wait for a lock."""
    conn = bench.database.connect()
    if bench.database.backend == "sqlite":
        conn.execute("PRAGMA busy_timeout = 20000")
    else:
        conn.cursor().execute(PATIENCE[bench.database.backend])
        conn.commit()
    return conn


@pytest.mark.backends(*SERVERS)
def test_an_open_transaction_holds_up_no_other_message_of_its_partition(bench: Bench) -> None:
    received = Received()
    bench.on_threads(lambda queue: queue.leased(received))
    conn = begin(bench)
    late = bench.producer.enqueue(conn, QUEUE, "late", partition=0)
    early = bench.send("early")
    eventually(lambda: received.ids() == early)
    assert late < early[0]
    early += bench.send("early, too")
    eventually(lambda: received.ids() == early)
    # It began first and commits last: it comes last, and it is not lost.
    conn.commit()
    eventually(lambda: received.ids() == [*early, late])


@contextmanager
def sequencing(hands: Hands, ids: list[int]) -> Iterator[int]:
    """Yield, in the middle of a sequencer's pass, how many messages it has moved so far."""
    backend: Any = hands.pipeline.backend
    if backend.name == "postgresql":
        with backend.connection() as conn:
            text = backend.catalog["sequence"].pyformat
            parameters = {"partition_ids": ids, "limit": 100, "channel": "", "origin": "", "durable": True}
            parameters["behind"] = "{}"
            yield sum(row[2] for row in conn.execute(text, parameters).fetchall())
        return
    from outbox.backends.mysql import sequencer

    with backend._source.writing() as session:
        waiting = sequencer.lock_and_read(session, ids, 100)
        sequencer.move(session, waiting)
        yield sum(len(found) for _, _, found in waiting)


@pytest.mark.backends(*SERVERS)
def test_a_sequencer_in_the_middle_of_its_pass_holds_up_no_producer(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(print))
    sent = bench.send(*range(5))
    conn = begin(bench)
    with sequencing(hands, bench.ids) as moved:
        assert moved == 5
        sent.append(bench.producer.enqueue(conn, QUEUE, "meanwhile", partition=0))
        conn.commit()
        assert bench.database.count("outbox_incoming") == 6, "the pass is not committed"
    hands.sequence()
    rows = bench.database.query("SELECT body_id FROM outbox_outgoing ORDER BY seq")
    assert [message_id for (message_id,) in rows] == sent


@pytest.mark.backends(*SERVERS)
def test_a_locked_partition_is_tried_again_at_a_pace_while_the_others_go_on(bench: Bench) -> None:
    received = Received()
    blocker = bench.database.connect()
    cursor = blocker.cursor()
    cursor.execute(f"SELECT id FROM outbox_partitions WHERE id = {bench.ids[0]} FOR UPDATE")
    cursor.fetchall()
    with tapped(bench.database.url) as wire:
        builder = builder_for(wire.url, lambda queue: queue.leased(received), poll_interval=60.0)
        with builder.start() as handle:
            for partition in range(PARTITIONS):
                handle.outbox.enqueue_now(QUEUE, "x", partition=partition)
            eventually(lambda: all(received.by_partition[partition] for partition in (1, 2, 3)))
            wire.tap.take()
            tries: list[object] = []
            began = time.monotonic()

            def tried_for_a_second() -> bool:
                tries.extend(s for s in wire.tap.take() if "outbox_incoming" in s.text and "LOCKED" in s.text)
                return len(tries) >= 3 and time.monotonic() - began >= 1.0

            eventually(tried_for_a_second)
            assert len(tries) <= 120 * (time.monotonic() - began)
            assert not received.by_partition[0]
            handle.outbox.enqueue_now(QUEUE, "y", partition=1)
            eventually(lambda: len(received.by_partition[1]) == 2)
            blocker.rollback()
            eventually(lambda: len(received.by_partition[0]) == 1)


class Producer(threading.Thread):
    """Commits in any order, rolls back at times, and keeps one transaction open to the end."""

    def __init__(self, bench: Bench, number: int) -> None:
        super().__init__()
        self.committed: dict[int, list[list[int]]] = {partition: [] for partition in range(PARTITIONS)}
        """By partition: the ids of each round, in the order of the rounds."""
        self.long: int | None = None
        self._bench = bench
        self._chance = random.Random(number)
        # SQLite has one writer at a time.
        self._overlapping = bench.database.backend != "sqlite"

    def run(self) -> None:
        kept = begin(self._bench)
        if self._overlapping:
            self.long = self._enqueue(kept, 0)
        connections = [begin(self._bench) for _ in range(2 if self._overlapping else 1)]
        for _ in range(ROUNDS):
            self._round(connections)
        kept.commit()

    def _round(self, connections: list[Any]) -> None:
        written: dict[int, list[int]] = defaultdict(list)
        transactions = [(conn, self._write(conn)) for conn in connections]
        self._chance.shuffle(transactions)
        for conn, messages in transactions:
            if self._chance.random() < 0.2:
                conn.rollback()
                continue
            conn.commit()
            for partition, message_id in messages:
                written[partition].append(message_id)
        for partition, ids in written.items():
            self.committed[partition].append(ids)

    def _write(self, conn: Any) -> list[tuple[int, int]]:
        if not self._overlapping:
            conn.execute("BEGIN IMMEDIATE")
        partitions = [self._chance.randrange(PARTITIONS) for _ in range(self._chance.randint(1, 3))]
        return [(partition, self._enqueue(conn, partition)) for partition in partitions]

    def _enqueue(self, conn: Any, partition: int) -> int:
        return self._bench.producer.enqueue(conn, QUEUE, "x", partition=partition)


def test_whatever_the_order_of_commits_nothing_is_lost_and_no_number_is_left_out(bench: Bench) -> None:
    received = Received()
    bench.on_threads(lambda queue: queue.leased(received), sequencers=2)
    producers = [Producer(bench, number) for number in range(PRODUCERS)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join(60)
        assert not producer.is_alive()
    for partition in range(PARTITIONS):
        rounds = [ids for producer in producers for ids in producer.committed[partition]]
        long = [producer.long for producer in producers if producer.long and partition == 0]
        expected = sorted([message_id for ids in rounds for message_id in ids] + long)
        eventually(lambda: sorted(received.ids(partition)) == expected, 30)  # noqa: B023 - called in this round
        place = {message_id: n for n, message_id in enumerate(received.ids(partition))}
        for producer in producers:
            for before, after in pairwise(producer.committed[partition]):
                assert max(place[i] for i in before) < min(place[i] for i in after), (
                    "committed before it began"
                )
