"""Watch leased turns from a thread and a connection of their own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from outbox.backends.protocol import Backend
from outbox.backends.records import Settlement
from outbox.clock import Clock, monotonic
from outbox.runtime.directive import Directive, Sleep
from outbox.workers.claim import Claim
from outbox.workers.turn import Turn

log = logging.getLogger("outbox.workers.lease_keeper")

# How long a partition of a group waits behind a slow handler before it is set free.
PATIENCE = 1.0
LONGEST_SLEEP = 0.5


class LeaseKeeper:
    """Renews leases whose handlers still run, and frees partitions stuck behind a slow handler.

    Looks at the turns in memory a few times a second; touches the database only when one of them
    needs it. `watching` is for processor threads, `run_once` for the keeper's own.
    """

    def __init__(self, backend: Backend, *, shortest_lease: float = 30.0, clock: Clock = monotonic) -> None:
        self._backend = backend
        self._sleep = min(LONGEST_SLEEP, shortest_lease / 10)
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: dict[Turn, Claim] = {}

    @contextmanager
    def watching(self, turn: Turn, claim: Claim) -> Iterator[None]:
        """Keep an eye on ``turn`` inside the block."""
        with self._lock:
            self._turns[turn] = claim
        try:
            yield
        finally:
            with self._lock:
                del self._turns[turn]

    def run_once(self) -> Directive:
        """Look at every turn in progress."""
        with self._lock:
            turns = list(self._turns.items())
        for turn, claim in turns:
            self._renew(turn)
            self._free_waiting(turn, claim)
        return Sleep(self._sleep)

    def _renew(self, turn: Turn) -> None:
        partition_ids = turn.to_renew()
        if not partition_ids:
            return
        started = self._clock()
        lease = turn.consumer.lease.duration
        kept = self._backend.renew(partition_ids, token=turn.token, lease=lease)
        if not kept:
            # Lost: whoever has it now would only be asked again and again.
            turn.renewals_left = 0
            return
        turn.renewed(started)
        log.debug("renewed the lease of partitions %s of queue %s", sorted(kept), turn.consumer.queue)

    def _free_waiting(self, turn: Turn, claim: Claim) -> None:
        waiting = turn.give_up_waiting(self._clock(), PATIENCE)
        if not waiting:
            return
        self._backend.settle_and_read(
            [Settlement(d.partition_id, d.cursor, d.attempts, d.last_error) for d in waiting],
            token=turn.token,
            lease=turn.consumer.lease.duration,
            max_bytes=1,
        )
        claim.again([delivery.partition_id for delivery in waiting])
