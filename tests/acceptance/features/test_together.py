"""Delay, deduplication, retention, pauses and rejections together, with deaths in handlers, against a model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import outbox
from outbox import DuplicateMessage, EnqueueMessage, Outbox, OutboxMessage, Reject
from outbox.testing import drain
from tests.support import Database
from tests.support.machines import run_machine

PARTITIONS = 2
HOUR = 3600
HOURS = st.sampled_from([None, 1, 1, 2, 5])
KEYS = st.sampled_from([None, None, "a", "b"])
WHERE = st.integers(0, PARTITIONS - 1)
NUMBERS = itertools.count()
SHIFT = {
    "sqlite": "{0} - {1} * 3600000000",
    "postgresql": "{0} - interval '{1} hour'",
    "mysql": "{0} - INTERVAL {1} HOUR",
    "mariadb": "{0} - INTERVAL {1} HOUR",
}


class Killed(KeyboardInterrupt):
    """The death of a process: nothing after it is settled. Any other exception would be the handler's failure."""


@dataclass
class Sent:
    """A committed message, as the model knows it."""

    id: int
    partition: int
    due: int
    delayed: bool
    bad: bool
    delivered: bool = False


class Together(RuleBasedStateMachine):
    """The tables against what should be in them; an hour passes only when a rule says so."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.prefix = f"t{next(NUMBERS)}"
        self.now = 0
        self.sent: dict[int, Sent] = {}
        self.names: dict[str, tuple[int, int]] = {}
        self.seen: list[OutboxMessage] = []
        self.kill_at: int | None = None
        self.paused: set[int | None] = set()

    @initialize()
    def migrate(self) -> None:
        outbox.migrate(self.database.url, prefix=self.prefix)
        self.outbox = self.open()

    def open(self) -> Outbox:
        builder = Outbox.builder(self.database.url).table_prefix(self.prefix)
        return builder.queue("orders", PARTITIONS).leased(self.handle, keep=10**6, max_attempts=50).open()

    def handle(self, message: OutboxMessage) -> Reject | None:
        if self.kill_at is not None:
            self.kill_at -= 1
            if self.kill_at < 0:
                raise Killed
        self.seen.append(message)
        return Reject("bad") if message.json()["bad"] else None

    @rule(
        partition=WHERE, hours=HOURS, key=KEYS, bad=st.booleans(), unique=st.booleans(), commit=st.booleans()
    )
    def enqueue(
        self, *, partition: int, hours: int | None, key: str | None, bad: bool, unique: bool, commit: bool
    ) -> None:
        known = self.known(key)
        conn = self.database.connect()
        message = EnqueueMessage(
            {"bad": bad},
            partition=partition,
            deliver_after=None if hours is None else hours * HOUR,
            dedup_key=key,
            dedup_window=None if key is None else 3 * HOUR,
            on_duplicate="raise" if unique else "return",
        )
        try:
            [id_] = self.outbox.enqueue_batch(conn, "orders", [message])
            assert known in {None, id_}
        except DuplicateMessage as duplicate:
            refused = duplicate.message_id
            assert (unique, refused) == (True, known)
        else:
            if commit and known is None:
                self.sent[id_] = Sent(id_, partition, self.now + (hours or 0), hours is not None, bad)
                if key is not None:
                    self.names[key] = (id_, self.now + 3)
        conn.commit() if commit else conn.rollback()

    def known(self, key: str | None) -> int | None:
        id_, expires = self.names.get(key or "", (0, 0))
        return id_ if expires > self.now else None

    @rule(hours=st.integers(1, 3))
    def pass_time(self, hours: int) -> None:
        self.now += hours
        for table, column in (("delayed", "due_at"), ("dedup", "expires_at")):
            earlier = SHIFT[self.database.backend].format(column, hours)
            self.database.execute(f"UPDATE {self.prefix}_{table} SET {column} = {earlier}")

    @rule(partition=st.one_of(st.none(), WHERE))
    def pause(self, partition: int | None) -> None:
        self.outbox.pause("orders", partition)
        self.paused.add(partition)

    @rule()
    def resume(self) -> None:
        assert self.outbox.resume("orders") == len(self.paused)
        self.paused.clear()

    def waits(self, partition: int) -> bool:
        return not self.paused.isdisjoint((None, partition))

    @rule(kill_at=st.one_of(st.none(), st.integers(0, 3)))
    def deliver(self, kill_at: int | None) -> None:
        self.kill_at, begin = kill_at, len(self.seen)
        try:
            drain(self.outbox)
            killed = False
        except Killed:
            killed = True
            self.outbox.close()
            # What the dead one had leased is free again after a while.
            self.database.execute(
                f"UPDATE {self.prefix}_processor SET locked_until = ?", self.database.long_ago
            )
            self.outbox = self.open()
        self.check_delivered(self.seen[begin:])
        assert not [message for message in self.seen[begin:] if self.waits(message.partition)]
        if not killed:
            due = [sent for sent in self.sent.values() if sent.due <= self.now and not sent.delivered]
            assert [sent for sent in due if not self.waits(sent.partition)] == []

    def check_delivered(self, messages: list[OutboxMessage]) -> None:
        """What came was due, and new ones came in the order in which they became due."""
        for partition in range(PARTITIONS):
            mine = [message for message in messages if message.partition == partition]
            assert [message.seq for message in mine] == sorted(message.seq for message in mine)
            new = [self.sent[message.id] for message in mine if not self.sent[message.id].delivered]
            assert all(sent.due <= self.now and sent.partition == partition for sent in new)
            late = [(sent.due, sent.id) for sent in new if sent.delayed]
            assert late == sorted(late)
            at_once = [sent.id for sent in new if not sent.delayed]
            assert at_once == sorted(at_once)
        for message in messages:
            self.sent[message.id].delivered = True

    @rule()
    def look_back(self) -> None:
        """What was delivered stays, but for what was given up; a delivery that was not settled does not show."""
        found = {message.id for message in self.outbox.history("orders", limit=1000)}
        good = {sent.id for sent in self.sent.values() if sent.delivered and not sent.bad}
        assert found <= good

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "outbox"):
            rows = self.outbox.status().partitions
            there = sum(row.incoming + row.delayed + row.backlog + row.kept for row in rows)
            assert there == len(self.sent)

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.pass_time(9)
            self.resume()
            self.deliver(None)
            found = {message.id for message in self.outbox.history("orders", limit=1000)}
            assert found == {sent.id for sent in self.sent.values() if not sent.bad}
            self.outbox.close()
            outbox.rollback(self.database.url, prefix=self.prefix)


@pytest.mark.slow
def test_they_work_together_in_any_order_and_with_deaths(database: Database) -> None:
    examples, steps = (12, 25) if database.backend == "sqlite" else (2, 15)
    run_machine(Together, database, examples, steps)
