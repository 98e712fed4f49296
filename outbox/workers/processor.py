"""Stage three: take ready partitions and hand their messages to the handlers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping

from outbox.queues.rules import Rules
from outbox.runtime.directive import Directive, Idle, Proceed
from outbox.values.rate import Rate
from outbox.wakeups.stages import StageWakeups
from outbox.workers.claim import Claim
from outbox.workers.consumer import Consumer
from outbox.workers.handler_speed import MAX_GROUP
from outbox.workers.leased import LeasedTurns
from outbox.workers.partition_state import PartitionStates
from outbox.workers.rate_limits import Allowance, RateLimits
from outbox.workers.transactional import TransactionalTurns

# Seconds after which a head that may have killed a process looks again whether another such one has ended:
# often enough beside a handler, and no spin.
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
        rates: RateLimits,
        rules: Rules,
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
        self._rates = rates
        self._rules = rules
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
            return Idle(looked=False)
        consumer = self._consumers[keys[0]]
        share = min(max(fair, consumer.speed.quick_group()), consumer.speed.group_size())
        with Claim(self._ready, keys) as claim:
            claim.again(keys[share:])
            wanted = self._without_paused(consumer, claim, keys[:share])
            more = bool(wanted) and self._work(consumer, claim, wanted)
        if not more:
            return Proceed(pause=0) if self._ready.ready_count else Idle()
        return Proceed() if self._paced else Proceed(pause=0)

    def _without_paused(self, consumer: Consumer, claim: Claim, keys: list[int]) -> list[int]:
        """Leave partitions alone from which nothing is to be delivered; return the others."""
        free = []
        for key in keys:
            rest = self._rules.paused_for(consumer.queue, consumer.indexes[key])
            if rest is None:
                free.append(key)
            else:
                claim.defer(key, rest)
        return free

    def _work(self, consumer: Consumer, claim: Claim, keys: list[int]) -> bool:
        try:
            if consumer.rate is not None:
                return self._within_rate(consumer, consumer.rate, claim, keys)
            return self._turn(consumer, claim, keys, None)
        finally:
            self._stages.processed()

    def _within_rate(self, consumer: Consumer, rate: Rate, claim: Claim, keys: list[int]) -> bool:
        """Take deliveries out of the queue's bucket first; without any, the partitions rest as they are."""
        allowance = self._rates.take(consumer.queue, rate, consumer.batch_size * len(keys))
        for key in keys[allowance.granted :]:
            claim.defer(key, allowance.retry_in or 1.0 / rate.per_second)
        if not allowance.granted:
            return False
        try:
            return self._turn(consumer, claim, keys[: allowance.granted], allowance)
        finally:
            self._rates.give_back(consumer.queue, rate, allowance)

    def _turn(self, consumer: Consumer, claim: Claim, keys: list[int], allowance: Allowance | None) -> bool:
        if consumer.leased is None:
            return self._transactional.run(consumer, claim, keys[0], allowance)
        if consumer.max_attempts is not None and self._states[keys[0]].crashed:
            return self._work_on_crashed(consumer, claim, keys[0], allowance)
        return self._leased.run(consumer, claim, keys, allowance)

    def _work_on_crashed(
        self, consumer: Consumer, claim: Claim, key: int, allowance: Allowance | None
    ) -> bool:
        """Run one at a time in this process: the head that runs when it dies is charged with a start."""
        if not self._crashed_lane.acquire(blocking=False):
            claim.defer(key, CRASHED_DELAY)
            return False
        try:
            return self._leased.run(consumer, claim, [key], allowance)
        finally:
            self._crashed_lane.release()
