"""A leased turn in progress: what the lease keeper may see and take from it."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from outbox.backends.records import Delivery
from outbox.values.message import CancelPoint
from outbox.workers.consumer import Consumer

_host = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "-" for c in socket.gethostname())


def fresh_token() -> str:
    """Return a lease token that was never used: ``host:pid:thread:random``, at most 128 ASCII characters.

    Fresh per acquisition, so that not even a zombie of this process can pass for the owner. Its parts tell
    an operator who holds a lease.
    """
    return f"{_host[:48]}:{os.getpid()}:{threading.get_native_id()}:{secrets.token_hex(8)}"


@dataclass(slots=True)
class Hold:
    """A partition under the turn's token, with the batch that was read last."""

    deadline: CancelPoint
    """The cancel point: no further message is started after it."""
    lost: bool = False
    """A renewal was refused: whatever is done now, the next owner does again."""


class Turn:
    """One lease token, the partitions held under it, and the deliveries still to be handed over.

    The processor's thread works through it; the keeper's thread may renew leases, or take away what was
    not started because a handler turned out slow or the lease is gone. One short lock keeps the two
    apart. The leases of a group begin together, but each partition keeps or loses its own.
    """

    def __init__(
        self,
        token: str,
        consumer: Consumer,
        stopping: Callable[[], bool],
        patience_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """``patience_over`` tells that another queue has waited for as long as it should."""
        self.token = token
        self.consumer = consumer
        self.patience_over = patience_over
        self._stopping = stopping
        self.renewals_left = consumer.lease.renewals
        self._lock = threading.Lock()
        self._waiting: deque[Delivery] = deque()
        self._holds: dict[int, Hold] = {}
        self._running_since: float | None = None
        self._running: Delivery | None = None

    def load(self, deliveries: Iterable[Delivery], lease_started: float) -> None:
        """Take in what was just read under leases that start, or start anew, at ``lease_started``."""
        with self._lock:
            self._waiting.extend(deliveries)
            until = self._cancel_point(lease_started)
            self._holds = {
                delivery.partition_id: Hold(CancelPoint(until, self._stopping)) for delivery in self._waiting
            }
            self._running_since = None
            self.renewals_left = self.consumer.lease.renewals

    def hold(self, partition_id: int) -> Hold:
        """Return how a partition of the last `load` is held that was not taken away."""
        with self._lock:
            return self._holds[partition_id]

    @property
    def out_of_time(self) -> bool:
        """Whether every partition's cancel point has passed."""
        with self._lock:
            return all(hold.deadline.passed for hold in self._holds.values())

    def surely_leased(self, partition_id: int, now: float) -> bool:
        """Return whether a lease cannot have run out by itself: it lasts beyond its cancel point."""
        hold = self.hold(partition_id)
        return not hold.lost and now < hold.deadline.at + self.consumer.lease.headroom

    def next(self, now: float) -> Delivery | None:
        """Return the next delivery to hand over, None when none is left."""
        with self._lock:
            self._running_since = now
            self._running = self._waiting.popleft() if self._waiting else None
            return self._running

    def surrender(self) -> list[Delivery]:
        """Take what was not started, and what is in the handler's hands: the process ends."""
        with self._lock:
            running = [self._running] if self._running else []
            return running + self._take_waiting({delivery.partition_id for delivery in self._waiting})

    def give_up_waiting(self, now: float, patience: float) -> list[Delivery]:
        """Take what was not started, if the handler in front has been running for too long."""
        with self._lock:
            if self._running_since is None or now - self._running_since < patience:
                return []
            return self._take_waiting({delivery.partition_id for delivery in self._waiting})

    def to_renew(self) -> dict[int, Hold]:
        """Return the partitions whose lease is to be extended now, none if it is not due or used up."""
        margin = self.consumer.lease.handler_budget / 3
        with self._lock:
            held = {key: hold for key, hold in sorted(self._holds.items()) if not hold.lost}
            due = any(hold.deadline.remaining() <= margin for hold in held.values())
            return held if due and self.renewals_left > 0 else {}

    def renewed(
        self, asked: Mapping[int, Hold], kept: Collection[int], lease_started: float
    ) -> list[Delivery]:
        """Move the cancel points of ``kept``; take and return what was not started of the others.

        A batch that was read on meanwhile has a lease of its own: nothing is changed for it.
        """
        with self._lock:
            for key, hold in asked.items():
                if key in kept:
                    hold.deadline.extend_to(self._cancel_point(lease_started))
                else:
                    hold.lost = True
            ours = {key for key, hold in asked.items() if self._holds.get(key) is hold}
            if ours:
                self.renewals_left -= 1
            return self._take_waiting(ours.difference(kept))

    def _cancel_point(self, lease_started: float) -> float:
        return lease_started + self.consumer.lease.handler_budget

    def _take_waiting(self, partition_ids: Collection[int]) -> list[Delivery]:
        taken = [delivery for delivery in self._waiting if delivery.partition_id in partition_ids]
        self._waiting = deque(d for d in self._waiting if d.partition_id not in partition_ids)
        for delivery in taken:
            del self._holds[delivery.partition_id]
        return taken
