"""A leased turn in progress: what the lease keeper may see and take from it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from outbox.backends.records import Delivery
from outbox.clock import Deadline
from outbox.workers.consumer import Consumer


class Turn:
    """One lease token, the partitions held under it, and the deliveries still to be handed over.

    The processor's thread works through it; the keeper's thread may renew the lease, or take away what
    was not started because a handler turned out slow. One short lock keeps the two apart.
    """

    def __init__(self, token: str, consumer: Consumer, lease_started: float) -> None:
        self.token = token
        self.consumer = consumer
        self.deadline = Deadline(lease_started + consumer.lease.handler_budget)
        self.renewals_left = consumer.lease.renewals
        self._lock = threading.Lock()
        self._waiting: deque[Delivery] = deque()
        self._held: set[int] = set()
        self._running_since: float | None = None

    def load(self, deliveries: Iterable[Delivery], lease_started: float) -> None:
        """Take in what was just read under a lease that starts, or starts anew, at ``lease_started``."""
        with self._lock:
            self._waiting.extend(deliveries)
            self._held = {delivery.partition_id for delivery in self._waiting}
            self._running_since = None
            self.renewals_left = self.consumer.lease.renewals
            self.deadline = Deadline(lease_started + self.consumer.lease.handler_budget)

    def next(self, now: float) -> Delivery | None:
        """Return the next delivery to hand over, None when none is left."""
        with self._lock:
            self._running_since = now
            return self._waiting.popleft() if self._waiting else None

    def give_up_waiting(self, now: float, patience: float) -> list[Delivery]:
        """Take what was not started, if the handler in front has been running for too long."""
        with self._lock:
            if self._running_since is None or now - self._running_since < patience:
                return []
            return self._take_waiting()

    def to_renew(self) -> list[int]:
        """Return the partitions whose lease is to be extended now, none if it is not due or used up."""
        margin = self.consumer.lease.handler_budget / 3
        with self._lock:
            if self.renewals_left <= 0 or not self._held or self.deadline.remaining() > margin:
                return []
            return sorted(self._held)

    def renewed(self, lease_started: float) -> None:
        """Count a renewal and move the cancel point: the database has extended the lease."""
        self.renewals_left -= 1
        self.deadline.extend_to(lease_started + self.consumer.lease.handler_budget)

    def _take_waiting(self) -> list[Delivery]:
        taken = list(self._waiting)
        self._waiting.clear()
        self._held.difference_update(delivery.partition_id for delivery in taken)
        return taken
