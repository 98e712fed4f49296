"""Watch leased turns from a thread and a connection of their own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from outbox.backends.protocol import Backend
from outbox.backends.records import Delivery, Settlement
from outbox.clock import Clock, monotonic
from outbox.errors import ConnectionLost, OutboxError
from outbox.runtime.directive import Directive, Sleep
from outbox.runtime.observers import Observers
from outbox.workers.claim import Claim
from outbox.workers.telling import lease_lost, lease_renewed
from outbox.workers.turn import Turn

log = logging.getLogger("outbox.workers.lease_keeper")

# How long a partition of a group waits behind a slow handler before it is set free.
PATIENCE = 1.0
# How late a renewal may be noticed to be due: short beside the shortest headroom by default.
LONGEST_SLEEP = 0.5

T = TypeVar("T")


class LeaseKeeper:
    """Renews leases whose handlers still run, and frees partitions stuck behind a slow handler.

    Looks at the turns in memory a few times a second; touches the database only when one of them
    needs it, and then through a connection of its own: handlers that exhaust the pool cannot cost themselves
    their leases. `watching` is for processor threads, `run_once` for the keeper's.
    """

    def __init__(
        self,
        backend: Backend,
        observers: Observers,
        *,
        shortest_lease: float = 30.0,
        clock: Clock = monotonic,
    ) -> None:
        self._shared = backend
        self._dedicated: Backend | None = None
        self._observers = observers
        self._sleep = min(LONGEST_SLEEP, shortest_lease / 10)
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: dict[Turn, Claim] = {}

    @contextmanager
    def watching(self, turn: Turn, claim: Claim) -> Iterator[None]:
        """Watch ``turn`` inside the block."""
        with self._lock:
            self._turns[turn] = claim
        try:
            yield
        finally:
            with self._lock:
                del self._turns[turn]

    def run_once(self) -> Directive:
        """Look at every turn in progress; what goes wrong with one is raised when all were looked at.

        An outage is raised at once.
        """
        with self._lock:
            turns = list(self._turns.items())
        failed: OutboxError | None = None
        for turn, claim in turns:
            try:
                self._renew(turn, claim)
                self._free_waiting(turn, claim)
            except ConnectionLost:  # all turns share this connection, and it has been retried
                raise
            except OutboxError as error:
                if failed is not None:
                    log.warning(
                        "another lease could not be kept: %s",
                        failed,
                        extra={"event": "outbox.lease_not_kept"},
                    )
                failed = error
        if failed is not None:
            raise failed
        return Sleep(self._sleep)

    def give_back(self) -> None:
        """Leave at once to other processes what is not finished here, because this one ends.

        Its messages are not charged: that a program ends says nothing of them.
        """
        with self._lock:
            turns = list(self._turns)
        for turn in turns:
            if held := turn.surrender():
                self._release(turn, held)

    def close(self) -> None:
        """Close the connection; the worker calls it at the end of its thread."""
        if self._dedicated is not None:
            self._dedicated.close()

    @property
    def _backend(self) -> Backend:
        self._dedicated = self._dedicated or self._shared.dedicated()
        return self._dedicated

    def _renew(self, turn: Turn, claim: Claim) -> None:
        held = turn.to_renew()
        if not held:
            return
        started = self._clock()
        lease = turn.consumer.lease.duration
        kept = retry_once(lambda: self._backend.renew(list(held), token=turn.token, lease=lease))
        unstarted = [delivery.partition_id for delivery in turn.renewed(held, kept, started)]
        if unstarted:
            # Those that are being handled are counted and reported when their ack is refused.
            self._observers.tell(lease_lost(turn.consumer, unstarted))
            claim.again(unstarted)
        self._observers.tell(lease_renewed(turn.consumer, kept))

    def _free_waiting(self, turn: Turn, claim: Claim) -> None:
        waiting = turn.give_up_waiting(self._clock(), PATIENCE)
        if not waiting:
            return
        self._release(turn, waiting)
        claim.again([delivery.partition_id for delivery in waiting])

    def _release(self, turn: Turn, deliveries: list[Delivery]) -> None:
        settlements = [Settlement(d.partition_id, d.cursor, d.attempts, d.last_error) for d in deliveries]
        lease = turn.consumer.lease.duration
        retry_once(
            lambda: self._backend.settle_and_read(settlements, token=turn.token, lease=lease, max_bytes=1)
        )


def retry_once(call: Callable[[], T]) -> T:
    """Retry once on a lost connection: this one is idle for long and may have been dropped."""
    try:
        return call()
    except ConnectionLost:
        return call()
