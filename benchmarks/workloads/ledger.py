"""A handler that checks everything: order, gaps, duplicates, losses."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable

from outbox import Batch, OutboxMessage

Ranges = dict[int, list[list[int]]]
"""Of each partition, the numbers that were seen: ``[first, last]``, in the order in which they came."""


class Ledger:
    """Notes what a process is handed; `receive` is a leased batch handler, for any number of threads.

    A partition is never on two threads of a process, so what is kept of one needs no lock.
    """

    def __init__(self) -> None:
        self.ranges: defaultdict[int, list[list[int]]] = defaultdict(list)
        self.count = 0
        self._target = -1
        self._lock = threading.Lock()
        self._reached = threading.Event()

    def receive(self, batch: Batch) -> None:
        """Check that the numbers of the batch follow each other, and those before; count them."""
        first = batch.messages[0]
        seq = first.seq
        for expected, message in enumerate(batch, seq):
            if message.seq != expected:
                raise AssertionError(f"expected {expected}, got {message!r}")
        self._extend(first.partition_id, seq, seq + len(batch) - 1)
        self._add(len(batch))

    def receive_one(self, message: OutboxMessage) -> None:
        """Do the same for one message."""
        self._extend(message.partition_id, message.seq, message.seq)
        self._add(1)

    def wait(self, target: int, timeout: float = 600.0) -> None:
        """Wait until this number of messages was received."""
        with self._lock:
            self._target = target
            if self.count >= target:
                return
            self._reached.clear()
        if not self._reached.wait(timeout):
            raise TimeoutError(f"{self.count} of {target} messages were delivered within {timeout:g} s")

    def _extend(self, partition_id: int, first: int, last: int) -> None:
        ranges = self.ranges[partition_id]
        if ranges and first <= ranges[-1][1]:
            raise AssertionError(f"partition {partition_id}: {first} after {ranges[-1][1]}")
        if ranges and first == ranges[-1][1] + 1:
            ranges[-1][1] = last
        else:
            ranges.append([first, last])

    def _add(self, number: int) -> None:
        with self._lock:
            self.count += number
            reached = self.count >= self._target >= 0
        if reached:
            self._reached.set()


def check(ledgers: Iterable[Ranges], messages: int) -> None:
    """Raise unless the ledgers of all processes together hold every number once, from 1, without a gap."""
    merged: defaultdict[int, list[list[int]]] = defaultdict(list)
    for ranges in ledgers:
        for partition_id, seen in ranges.items():
            merged[partition_id] += seen
    total = 0
    for partition_id, seen in merged.items():
        end = 0
        for first, last in sorted(seen):
            if first != end + 1:
                raise AssertionError(f"partition {partition_id}: {first} follows {end}")
            end = last
        total += end
    if total != messages:
        raise AssertionError(f"{total} messages were delivered, {messages} were sent")
