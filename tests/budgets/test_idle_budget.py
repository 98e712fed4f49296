"""What a process sends while there is nothing to do."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from outbox import Outbox, OutboxHandle
from tests.budgets.wire import Tap, Wire
from tests.support import eventually

QUEUES = 10
PARTITIONS = 64
POLL = 1.0
WATCHED = 10.0
# A poll a second, two looks at the ground, and one at the identities.
MOST = 13
READS = {"SELECT", "WITH"}
WRITES = (
    "INSERT ",
    "UPDATE ",
    "DELETE ",
    "FOR UPDATE",
    "FOR NO KEY UPDATE",
    "BEGIN",
    "COMMIT",
    "LISTEN",
    "NOTIFY",
)


def start(url: str) -> OutboxHandle:
    builder = Outbox.builder(url).poll_interval(POLL)
    for number in range(QUEUES):
        queue = builder.queue(f"queue-{number}", PARTITIONS)
        queue.transactional(print) if number % 2 else queue.leased(print)
    return builder.start()


def has_come_to_rest(tap: Tap) -> bool:
    """Whether the last two polls lie a whole poll interval apart."""
    times = [statement.at for statement in tap.seen()]
    return len(times) > 2 and times[-1] - times[-2] > 0.9 * POLL


@pytest.mark.slow
def test_once_idle_a_process_with_640_partitions_sends_one_read_a_second_and_writes_nothing(
    wire: Wire,
) -> None:
    with start(wire.url) as handle:
        handle.outbox.enqueue_now("queue-0", "x")
        eventually(lambda: handle.stats().counters.get("vacuumed") == 1)
        eventually(lambda: has_come_to_rest(wire.tap))
        wire.tap.take()
        # A stretch of time is what is measured here: nothing is waited for.
        threading.Event().wait(WATCHED)
        seen = wire.tap.take()
        assert handle.healthy()
    assert 0 < len(seen) <= MOST, seen
    assert {statement.verb for statement in seen} <= READS
    assert [s.text for s in seen if any(word in s.text.upper() for word in WRITES)] == []
    polls = [statement for statement in seen if "outbox_incoming" in statement.text]
    assert len(polls) >= WATCHED / POLL - 3
    assert all(after.at - before.at > POLL / 2 for before, after in pairwise(polls))
