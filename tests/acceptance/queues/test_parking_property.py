"""Parking against a model: random sends, failures, crashes, releases and races, by several processes.

The model is short. Each key has numbered messages. Whatever happens, a key's deliveries never skip a number: the
next new one is always the successor of the highest (a crash may repeat what came before). Keys that are neither
parked nor failing have nothing left once the workers have worked. When all is healed and released, all is delivered.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import outbox
from outbox import Outbox, OutboxMessage, Partitions
from outbox.facade import OutboxBuilder
from tests.acceptance.bench.hands import Hands

QUEUE = "orders"
PARTITIONS = 2
PROCESSES = 3
PAGE = 4
"""Messages of a batch: few, so that batches end everywhere."""


def keys_of(partition: int, number: int) -> list[str]:
    """Return keys that belong to one partition."""
    found = (f"k{n}" for n in range(99) if Partitions.of(PARTITIONS).for_key(f"k{n}") == partition)
    return [next(found) for _ in range(number)]


KEYS = [*keys_of(0, 3), *keys_of(1, 2)]
TEMPLATE = Path(tempfile.mkdtemp()) / "template.db"


class Crash(KeyboardInterrupt):
    """Leaves the turn where it is, as the end of the process would."""


class Parking(RuleBasedStateMachine):
    """Several workers' processes, a producer and an operator on one SQLite file."""

    def __init__(self) -> None:
        super().__init__()
        if not TEMPLATE.exists():
            outbox.migrate(f"sqlite:///{TEMPLATE}")
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(TEMPLATE, self.folder / "shop.db")
        self.sent = dict.fromkeys(KEYS, 0)
        self.delivered = dict.fromkeys(KEYS, 0)
        self.failing: set[str] = set()
        self.crash_in = 0
        self.release_in_handler: str | None = None
        self.producer = self.builder().open()

    def builder(self) -> OutboxBuilder:
        """Return a new process's declaration."""
        tuning = outbox.OutboxProfile.balanced().processor.replace(batch_size=PAGE)
        declared = Outbox.builder(f"sqlite:///{self.folder}/shop.db").stats_interval(0).processors(1)
        return declared.queue(QUEUE, PARTITIONS).leased(
            self.handle, max_attempts=1, on_give_up="park_key", tuning=tuning
        )

    @initialize()
    def start(self) -> None:
        """Start the processes."""
        self.hands = [Hands(self.builder()) for _ in range(PROCESSES)]

    def handle(self, msg: OutboxMessage) -> None:
        """Deliver a message: in order, or not at all."""
        key, number = str(msg.key), int(msg.payload)
        if self.crash_in:
            self.crash_in -= 1
            if not self.crash_in:
                raise Crash
        if self.release_in_handler is not None:
            name, self.release_in_handler = self.release_in_handler, None
            self.producer.parked.release(QUEUE, name)
        if key in self.failing:
            raise ValueError("failing")
        assert number <= self.delivered[key] + 1, f"{key}: {number} after {self.delivered[key]}"
        self.delivered[key] = max(self.delivered[key], number)

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=12))
    def send(self, keys: list[str]) -> None:
        """Commit messages of some keys in one transaction."""
        with self.producer.transaction() as conn:
            for key in keys:
                self.sent[key] += 1
                self.producer.enqueue(conn, QUEUE, b"%d" % self.sent[key], key=key)

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
    def heal(self, key: str) -> None:
        """Let it fail no more."""
        self.failing.discard(key)

    @rule(key=st.sampled_from(KEYS))
    def release(self, key: str) -> None:
        """Let an operator release a key, healed or not."""
        self.producer.parked.release(QUEUE, key)

    @rule(key=st.sampled_from(KEYS))
    def park(self, key: str) -> None:
        """Let an operator park a key."""
        self.producer.parked.park(QUEUE, key)

    @rule(process=st.integers(0, PROCESSES - 1), key=st.sampled_from(KEYS))
    def release_under_way(self, process: int, key: str) -> None:
        """Let an operator release a key while a worker has a batch in hand."""
        self.release_in_handler = key
        self.hands[process].turn()
        self.release_in_handler = None

    @rule(process=st.integers(0, PROCESSES - 1), after=st.integers(1, PAGE))
    def crash(self, process: int, after: int) -> None:
        """Let a process die in a handler; another one starts, and its leases run out."""
        self.crash_in = after
        try:
            self.hands[process].turn()
        except Crash:
            self.hands[process].close()
            self.hands[process] = Hands(self.builder())
            self.sql("UPDATE outbox_processor SET locked_until = 0 WHERE locked_by IS NOT NULL")
        self.crash_in = 0

    @rule()
    def others_do_not_wait(self) -> None:
        """Work until nothing moves: only parked keys may have something left."""
        self.work()
        waiting = {found.key for found in self.producer.parked.list()}
        left = {key for key in KEYS if self.delivered[key] < self.sent[key]}
        assert left <= waiting, f"{left - waiting} wait although only {waiting} are parked"

    @invariant()
    def nothing_is_lost(self) -> None:
        """No dead letter ever comes of a message that has a key."""
        assert self.producer.dead_letters.count() == 0

    def work(self) -> None:
        """Let every process work until nothing moves."""
        for hands in self.hands * 2:
            hands.work()

    def sql(self, statement: str) -> None:
        """Change the tables."""
        with self.producer.backend.connection() as conn:
            conn.execute(statement)

    def teardown(self) -> None:
        """Heal and release everything: all is delivered."""
        if not hasattr(self, "hands"):
            self.producer.close()
            return
        self.failing.clear()
        # A crash's victim may be parked by the next turn, so more than once.
        for _ in range(3):
            self.work()
            for key in KEYS:
                self.producer.parked.release(QUEUE, key)
        self.work()
        closing: list[Any] = [*self.hands, self.producer]
        for opened in closing:
            opened.close()
        shutil.rmtree(self.folder)
        assert self.delivered == self.sent


TestParking = Parking.TestCase
TestParking.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
