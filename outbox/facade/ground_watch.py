"""What a producer does when the tables were emptied or made anew under it."""

from __future__ import annotations

import logging

from outbox.clock import Clock, monotonic
from outbox.errors import OutboxError
from outbox.facade.registry import Registry
from outbox.workers import ground
from outbox.workers.ground import Ground

log = logging.getLogger("outbox.ground")


class GroundWatch:
    """Looks whether a producer's partitions are still its queues', and follows them. Thread-safe.

    A producer has no threads: it looks after a message in a transaction of its own, where no connection of
    the caller's is held that it could be waiting for.
    """

    def __init__(self, registry: Registry, ground_: Ground, *, clock: Clock = monotonic) -> None:
        self._registry = registry
        self._ground = ground_
        self._clock = clock
        self._look_at = clock() + ground.GROUND_SECONDS

    def look(self) -> None:
        """Look if it is time; never raises for what the server says."""
        now = self._clock()
        if now < self._look_at:
            return
        # Before the look, which other threads of the process need not repeat.
        self._look_at = now + ground.GROUND_SECONDS
        try:
            lost = self._ground.look({queue.name: queue.partition_ids for queue in self._registry.all()})
        except OutboxError:
            log.debug("the tables could not be looked at", exc_info=True)
            return
        for name, present in lost.items():
            self._follow(name, present)

    def _follow(self, name: str, present: tuple[int, ...]) -> None:
        known = self._registry[name]
        if present == known.partition_ids:  # but without cursors, which is for the workers to say
            return
        if len(present) == known.partitions.count:
            self._registry.move(name, present)
            log.warning(
                "queue %s has other partitions than before: the tables were emptied or made anew; messages "
                "go to those from now on, and what waited in the old ones was moved",
                name,
                extra={"queue": name},
            )
        elif present:
            log.error(
                "queue %s has %d partitions now, and had %d: restart this process",
                name,
                len(present),
                known.partitions.count,
                extra={"queue": name},
            )
        else:
            self._look_at = self._clock() + ground.EPOCH_SECONDS
