"""Stopping: what is in progress is finished, nothing else is begun, and nothing is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from outbox import LeaseConfig, OutboxClosed, OutboxMessage
from tests.acceptance.bench import Bench, Row
from tests.support import eventually


class Gate:
    """A handler that stops at one message until it is let through."""

    def __init__(self, stop_at: int) -> None:
        self.seen: list[tuple[int, int]] = []
        self.reached = threading.Event()
        self.open = threading.Event()
        self._stop_at = stop_at

    def __call__(self, msg: OutboxMessage) -> None:
        self.seen.append((msg.seq, msg.attempts))
        if msg.seq == self._stop_at:
            self.reached.set()
            assert self.open.wait(20)


def library_threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("outbox-"))


@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_a_stop_finishes_the_message_in_progress_and_begins_no_other(bench: Bench, mode: str) -> None:
    gate = Gate(stop_at=3)
    before = library_threads()
    handler: Callable[..., None] = gate if mode == "leased" else lambda _conn, msg: gate(msg)
    handle = bench.on_threads(lambda queue: getattr(queue, mode)(handler))
    bench.send(*range(10))
    assert gate.reached.wait(20)
    answers: list[bool] = []
    stopper = threading.Thread(target=lambda: answers.append(handle.stop(20)))
    stopper.start()
    assert handle._threads.stopping.wait(20)
    gate.open.set()
    stopper.join(30)

    assert answers == [True]
    assert library_threads() == before, "those of the producer's pool"
    assert bench.row() == Row(cursor=3, attempts=0, error=None, token=None, held=False)
    assert gate.seen == [(1, 0), (2, 0), (3, 0)]
    assert handle.stop(0.01) is True
    with suppress(OutboxClosed):
        handle.outbox.flush()

    # Nothing is delivered until somebody starts again, and then it goes on where it stopped.
    bench.send("more")
    assert gate.seen == [(1, 0), (2, 0), (3, 0)]
    bench.on_threads(lambda queue: getattr(queue, mode)(handler))
    eventually(lambda: gate.seen == [(seq, 0) for seq in range(1, 12)])


def test_a_stop_releases_partitions_whose_messages_were_not_begun(bench: Bench) -> None:
    gate = Gate(stop_at=2)
    handle = bench.on_threads(lambda queue: queue.leased(gate), processors=1)
    # Quick handlers get several partitions in one turn; then one of them gets stuck.
    for partition in range(4):
        bench.send("a", partition=partition)
    eventually(lambda: len(gate.seen) == 4)
    with bench.producer.transaction() as conn:
        for partition in range(4):
            bench.producer.enqueue(conn, "orders", "b", partition=partition)
    assert gate.reached.wait(20)
    stopper = threading.Thread(target=handle.stop)
    stopper.start()
    assert handle._threads.stopping.wait(20)
    gate.open.set()
    stopper.join(30)
    begun = len(gate.seen) - 4
    rows = [bench.row(partition) for partition in range(4)]
    assert sum(row.cursor for row in rows) == 4 + begun
    assert [(row.attempts, row.token, row.held) for row in rows] == [(0, None, False)] * 4


def test_a_stop_keeps_the_lease_of_the_message_in_progress(bench: Bench) -> None:
    lease = LeaseConfig(30, headroom=28.5, renewals=50)
    gate = Gate(stop_at=1)
    handle = bench.on_threads(lambda queue: queue.leased(gate, lease=lease))
    bench.send("a")
    assert gate.reached.wait(20)
    answers: list[bool] = []
    stopper = threading.Thread(target=lambda: answers.append(handle.stop(20)))
    stopper.start()
    assert handle._threads.stopping.wait(20)
    ends: set[object] = set()

    def extended_twice() -> bool:
        ends.add(
            bench.database.value(
                "SELECT locked_until FROM outbox_processor WHERE partition_id = ?", bench.ids[0]
            )
        )
        return len(ends) >= 3

    eventually(extended_twice)
    gate.open.set()
    stopper.join(30)
    assert answers == [True]
    assert bench.row() == Row(cursor=1, attempts=0, error=None, token=None, held=False)


def test_a_stop_with_a_stuck_handler_says_so_at_its_timeout(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate(stop_at=1)
    handle = bench.on_threads(lambda queue: queue.leased(gate), processors=1)
    bench.send("a")
    assert gate.reached.wait(20)
    began = time.monotonic()
    assert handle.stop(0.5) is False
    assert 0.5 <= time.monotonic() - began < 5
    assert "outbox-processor-0 has not stopped within 0.5 s" in caplog.text
    assert [name for name in library_threads() if not name.startswith("outbox-pool")] == [
        "outbox-lease-keeper",
        "outbox-processor-0",
    ]
    assert "lease-keeper" not in caplog.text
    gate.open.set()
    assert handle.stop(20) is True
    assert bench.row() == Row(cursor=1, attempts=0, error=None, token=None, held=False)


def test_stops_from_several_threads_at_once_all_return(bench: Bench) -> None:
    handle = bench.on_threads(lambda queue: queue.leased(print))
    answers: list[bool] = []
    stoppers = [threading.Thread(target=lambda: answers.append(handle.stop(20))) for _ in range(5)]
    for stopper in stoppers:
        stopper.start()
    for stopper in stoppers:
        stopper.join(30)
    assert answers == [True] * 5
