"""Stage three: take ready partitions and hand their messages to the handlers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping

from outbox.runtime.directive import Directive, Idle, Proceed
from outbox.wakeups.stages import StageWakeups
from outbox.workers.claim import Claim
from outbox.workers.consumer import Consumer
from outbox.workers.handler_speed import MAX_GROUP
from outbox.workers.leased import LeasedTurns
from outbox.workers.partition_state import PartitionStates
from outbox.workers.transactional import TransactionalTurns

CRASHED_DELAY = 0.05


def grouping(consumers: Mapping[int, Consumer], states: PartitionStates) -> Callable[[int], Hashable]:
    """Return what says which ready partitions may share a turn: those of one queue, if leased and sound."""

    def group_of(key: int) -> Hashable:
        consumer = consumers[key]
        if consumer.leased is None or consumer.max_attempts == 1 or states[key].isolate:
            return key
        return consumer.queue

    return group_of


class Processor:
    """The action of a processor thread; all of them share the ready queue, the turns and the states."""

    def __init__(
        self,
        stages: StageWakeups,
        consumers: Mapping[int, Consumer],
        states: PartitionStates,
        leased: LeasedTurns,
        transactional: TransactionalTurns,
        *,
        threads: int,
        crashed_lane: threading.Lock,
        paced: bool,
    ) -> None:
        self._stages = stages
        self._ready = stages.processing
        self._consumers = consumers
        self._states = states
        self._leased = leased
        self._transactional = transactional
        self._threads = threads
        self._crashed_lane = crashed_lane
        self._paced = paced

    def next_due(self) -> float | None:
        """Return when a deferred partition becomes ready by itself."""
        return self._ready.next_due()

    def run_once(self) -> Directive:
        """Work on this thread's fair share of what is ready, or on all of it where that is quick."""
        fair = -(-self._ready.ready_count // self._threads)
        keys = self._ready.claim(MAX_GROUP)
        if not keys:
            return Idle()
        consumer = self._consumers[keys[0]]
        share = min(max(fair, consumer.speed.quick_group()), consumer.speed.group_size())
        with Claim(self._ready, keys) as claim:
            claim.again(keys[share:])
            more = self._work(consumer, claim, keys[:share])
        if not more:
            return Proceed(pause=0) if self._ready.ready_count else Idle()
        return Proceed() if self._paced else Proceed(pause=0)

    def _work(self, consumer: Consumer, claim: Claim, keys: list[int]) -> bool:
        try:
            if consumer.leased is None:
                return self._transactional.run(consumer, claim, keys[0])
            if consumer.max_attempts is not None and self._states[keys[0]].crashed:
                return self._work_on_crashed(consumer, claim, keys[0])
            return self._leased.run(consumer, claim, keys)
        finally:
            self._stages.processed()

    def _work_on_crashed(self, consumer: Consumer, claim: Claim, key: int) -> bool:
        """Run one at a time in this process: the head that runs when it dies is charged with a start."""
        if not self._crashed_lane.acquire(blocking=False):
            claim.defer(key, CRASHED_DELAY)
            return False
        try:
            return self._leased.run(consumer, claim, [key])
        finally:
            self._crashed_lane.release()
