"""Resizing against a model: random resizes, producers that never hear of them, failures, releases and crashes.

The model is that of parking: a key's deliveries never skip a number, whoever sent it to whichever partition, and
in the end all is delivered.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import outbox
from outbox import ConfigurationError, Outbox, OutboxMessage
from outbox.facade import OutboxBuilder
from tests.acceptance.bench.hands import Hands
from tests.support import Database
from tests.support.machines import run_machine

QUEUE = "orders"
FIRST = 2
PROCESSES = 2
PRODUCERS = 3
PAGE = 4
"""Messages of a batch: few, so that batches end everywhere."""
KEYS = [f"k{n}" for n in range(6)]
NUMBERS = itertools.count()


class Crash(KeyboardInterrupt):
    """Leaves the turn where it is, as the end of the process would."""


class Resizing(RuleBasedStateMachine):
    """Workers' processes, producers of several ages and an operator on one database."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.prefix = f"r{next(NUMBERS)}"
        self.sent = dict.fromkeys(KEYS, 0)
        self.delivered = dict.fromkeys(KEYS, 0)
        self.failing: set[str] = set()
        self.crash_in = 0
        self.open: dict[str, Any] = {}
        self.counts = [FIRST]

    def builder(self) -> OutboxBuilder:
        """Return a new process's declaration, with the first number that the queue had."""
        tuning = outbox.OutboxProfile.balanced().processor.replace(batch_size=PAGE)
        declared = Outbox.builder(self.database.url).table_prefix(self.prefix).stats_interval(0).processors(1)
        return declared.queue(QUEUE, FIRST).leased(
            self.handle, max_attempts=1, on_give_up="park_key", tuning=tuning
        )

    @initialize()
    def start(self) -> None:
        """Start the processes."""
        outbox.migrate(self.database.url, prefix=self.prefix)
        self.hands = [Hands(self.builder()) for _ in range(PROCESSES)]
        self.producers = [self.builder().open() for _ in range(PRODUCERS)]

    def handle(self, msg: OutboxMessage) -> None:
        """Deliver a message: in order, or not at all."""
        key, number = str(msg.key), int(msg.payload)
        if self.crash_in:
            self.crash_in -= 1
            if not self.crash_in:
                raise Crash
        if key in self.failing:
            raise ValueError("failing")
        assert number <= self.delivered[key] + 1, f"{key}: {number} after {self.delivered[key]}"
        self.delivered[key] = max(self.delivered[key], number)

    @rule(
        producer=st.integers(0, PRODUCERS - 1), keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=9)
    )
    def send(self, producer: int, keys: list[str]) -> None:
        """Commit messages of some keys in one transaction; a key whose own transaction is open waits for it."""
        with self.producers[producer].transaction() as conn:
            for key in keys:
                if key not in self.open:
                    self.enqueue(producer, conn, key)

    @rule(producer=st.integers(0, PRODUCERS - 1), key=st.sampled_from(KEYS))
    def begin(self, producer: int, key: str) -> None:
        """Leave a transaction open: it commits after others that began later."""
        # A file has one writer at a time.
        if self.database.backend != "sqlite" and key not in self.open:
            self.open[key] = self.database.connect()
            self.enqueue(producer, self.open[key], key)

    @rule(key=st.sampled_from(KEYS))
    def commit(self, key: str) -> None:
        """Commit it."""
        if key in self.open:
            self.open.pop(key).commit()

    def enqueue(self, producer: int, conn: Any, key: str) -> None:
        """Write the key's next message."""
        self.sent[key] += 1
        self.producers[producer].enqueue(conn, QUEUE, b"%d" % self.sent[key], key=key)

    @rule(producer=st.integers(0, PRODUCERS - 1))
    def replace_producer(self, producer: int) -> None:
        """Roll a producer out."""
        self.producers[producer].close()
        self.producers[producer] = self.builder().open()

    @rule(count=st.sampled_from([1, 2, 4, 8]))
    def resize(self, count: int) -> None:
        """Let an operator resize the queue, also while another resize is under way."""
        if count != self.counts[-1]:
            self.producers[0].resize_queue(QUEUE, count)
            self.counts.append(count)

    @rule(process=st.integers(0, PROCESSES - 1))
    def turn(self, process: int) -> None:
        """Let a process run one turn."""
        self.hands[process].turn()

    @rule(process=st.integers(0, PROCESSES - 1))
    def sequence(self, process: int) -> None:
        """Let a process number what has come."""
        self.hands[process].sequence()

    @rule(key=st.sampled_from(KEYS))
    def fail(self, key: str) -> None:
        """Let a key fail from now on."""
        self.failing.add(key)

    @rule(key=st.sampled_from(KEYS))
    def release(self, key: str) -> None:
        """Let an operator heal a key and release it, which waits for the resize."""
        self.failing.discard(key)
        try:
            self.producers[0].parked.release(QUEUE, key)
        except ConfigurationError as error:
            if "retired" not in str(error):
                raise

    @rule(key=st.sampled_from(KEYS))
    def park(self, key: str) -> None:
        """Let an operator park a key."""
        self.producers[0].pause(QUEUE, key=key)

    @rule(process=st.integers(0, PROCESSES - 1), after=st.integers(1, PAGE))
    def crash(self, process: int, after: int) -> None:
        """Let a process die in a handler; another one starts, and its leases run out."""
        self.crash_in = after
        try:
            self.hands[process].turn()
        except Crash:
            self.hands[process].close()
            self.hands[process] = Hands(self.builder())
            self.database.execute(
                f"UPDATE {self.prefix}_processor SET locked_until = ? WHERE locked_by <> 'resize'",
                self.database.long_ago,
            )
        self.crash_in = 0

    @invariant()
    def nothing_is_lost(self) -> None:
        """No dead letter ever comes of a message that has a key."""
        if hasattr(self, "producers"):
            assert self.producers[0].dead_letters.count() == 0

    def work(self) -> None:
        """Let every process work until nothing moves."""
        for hands in self.hands * 3:
            hands.work()

    def teardown(self) -> None:
        """Heal and release everything: all is delivered, and nothing is left of the old numbers."""
        if not hasattr(self, "producers"):
            return
        self.failing.clear()
        for conn in self.open.values():
            conn.commit()
        for _ in range(3 + len(self.counts)):
            self.work()
            for key in KEYS:
                self.release(key)
        self.work()
        rows = self.producers[0].status().partitions
        closing: list[Any] = [*self.hands, *self.producers]
        for opened in closing:
            opened.close()
        outbox.rollback(self.database.url, prefix=self.prefix)
        assert self.delivered == self.sent
        assert [row.state for row in rows] == ["idle"] * self.counts[-1]


@pytest.mark.slow
def test_no_resize_loses_or_overtakes_a_message(migrated: Database) -> None:
    examples, steps = (20, 30) if migrated.backend == "sqlite" else (3, 30)
    run_machine(Resizing, migrated, examples, steps)
