"""The backstop behind the processors: dead-letter what a failure tracker says has failed too often."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from contextlib import suppress

from outbox import events
from outbox.access import Access
from outbox.backends.protocol import Backend, Transactions
from outbox.backends.records import DeadLetterRecord, Delivery, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.clock import Clock, monotonic
from outbox.errors import ConnectionLost, DatabaseError
from outbox.failures import FailureEntry, FailureTracker
from outbox.failures.quarantine import Quarantine
from outbox.failures.store import Store
from outbox.runtime.directive import Directive, Sleep
from outbox.runtime.observers import Observers
from outbox.values.fingerprints import fingerprint
from outbox.values.readable import failed_deliveries
from outbox.values.reasons import clean_reason
from outbox.wakeups.stages import StageWakeups
from outbox.workers.failure_recorder import FailureRecorder

# How often the counts below the threshold are looked through for messages that are long delivered.
TIDY_INTERVAL = 3600.0


class QuarantineSweeper:
    """The action of the sweeper thread.

    The tracker only proposes. An entry whose message the cursor has passed is dropped; a message is given
    up only as its partition's head and under the partition's lock, so not while a worker has it;
    everything else is put back. Whatever the tracker does, a round returns and nothing is delivered
    differently.
    """

    def __init__(
        self,
        backend: Backend,
        stages: StageWakeups,
        observers: Observers,
        quarantine: Quarantine,
        *,
        tracker: FailureTracker,
        recorder: FailureRecorder,
        stopping: Callable[[], bool],
        clock: Clock = monotonic,
    ) -> None:
        self._stages = stages
        self._observers = observers
        self._quarantine = quarantine
        self._tracker = tracker
        self._recorder = recorder
        self._stopping = stopping
        self._clock = clock
        self._access = Access(backend, Store)
        self._backend = backend
        self._owed: list[FailureEntry] = []
        """Drained, and to be put back: kept over a failing `restore`."""
        self._tidy_at = clock() + TIDY_INTERVAL

    def run_once(self) -> Directive:
        """Pass on what the processors noted, then sweep."""
        self._recorder.flush()
        try:
            self._put_back()
            self._sweep()
        except Exception as error:  # the tracker is the user's code, and advice
            self._observers.tell(
                events.TrackerFailed(
                    what="the quarantine sweep failed; delivery goes on without it", error=error
                )
            )
        return Sleep(self._quarantine.interval)

    def close(self) -> None:
        """Pass on the last notes; the worker calls it at the end of its thread."""
        self._recorder.flush()
        self._put_back()

    def _sweep(self) -> None:
        self._owed = self._tracker.drain_exceeded(self._threshold())
        try:
            if self._owed:
                self._drop_stale()
                self._give_up([entry for entry in self._owed if self._quarantine.applies_to(entry)])
        finally:
            self._put_back()

    def _threshold(self) -> int:
        """Return the threshold, and now and then 1: what is stale must not gather below it."""
        if self._clock() < self._tidy_at:
            return self._quarantine.threshold
        self._tidy_at = self._clock() + TIDY_INTERVAL
        return 1

    def _drop_stale(self) -> None:
        partition_ids = {entry.key.partition_id for entry in self._owed}
        cursors = self._access.read(None, lambda store: store.cursors(partition_ids))
        # A partition that does not exist has delivered everything.
        self._owed = [e for e in self._owed if e.key.seq > cursors.get(e.key.partition_id, e.key.seq)]

    def _give_up(self, ripe: Iterable[FailureEntry]) -> None:
        left = self._quarantine.max_per_sweep
        for entry in ripe:
            if not left:
                self._observers.tell(events.QuarantineFull(limit=self._quarantine.max_per_sweep))
            if not left or self._stopping():
                return
            left -= self._dead_letter(entry)

    def _dead_letter(self, entry: FailureEntry) -> bool:
        """Deal with one entry, whatever is wrong with its partition; return whether it was given up."""
        try:
            result = dead_letter_head(self._backend, entry)
        except ConnectionLost:
            raise
        except Exception as error:  # one bad partition must not keep the others
            what = f"the head of partition {entry.key.partition_id} cannot be given up"
            self._observers.tell(events.TrackerFailed(what=what, error=error))
            return False
        if result is QuarantineResult.DEFERRED:
            return False
        self._owed.remove(entry)
        if result is QuarantineResult.STALE:
            return False
        self._tell(entry.key.partition_id, *result)
        self._given_up(entry)
        return True

    def _tell(self, partition_id: int, letter: DeadLetterRecord, message_id: int) -> None:
        # The letter is committed: an unknown queue must not make a failure of it.
        queue, partition = "?", -1
        with suppress(DatabaseError):
            queue, partition = self._backend.find_queue(partition_id) or (queue, partition)
        self._observers.tell(
            events.DeadLettered(
                queue=queue,
                partition=partition,
                partition_id=partition_id,
                seq=letter.seq,
                message_id=message_id,
                attempts=letter.attempts,
                reason=letter.reason,
                quarantined=True,
            )
        )

    def _given_up(self, entry: FailureEntry) -> None:
        self._stages.found((), (entry.key.partition_id,))
        self._stages.processed()
        # A failure that was recorded between the drain and the dead letter.
        with suppress(Exception):
            self._tracker.record_success(entry.key)

    def _put_back(self) -> None:
        if self._owed:
            self._tracker.restore(self._owed)
            self._owed = []


class QuarantineResult(enum.Enum):
    """Why the message of an entry was not dead-lettered."""

    STALE = "stale"
    """It is finished: the entry means nothing any more."""
    DEFERRED = "deferred"
    """A worker has the partition, or another message is its head."""


@retry_contention
def dead_letter_head(
    backend: Transactions, entry: FailureEntry
) -> tuple[DeadLetterRecord, int] | QuarantineResult:
    """Dead-letter the message of an entry if it is the head; return letter and message id, or why not now.

    That is a transactional turn without a handler: one transaction, so no processor can take the partition
    in between and deliver the message once more. It ends every lease that has expired: the partition's
    previous owner, a zombie included, can neither acknowledge the message afterwards nor move the cursor.
    """
    request = LeaseRequest(entry.key.partition_id, 1)
    # A head that keeps failing is in backoff nearly all of the time, and would never be found free.
    with backend.transactional_turn(request, max_bytes=1, one_if_failed=True, ignore_backoff=True) as turn:
        if isinstance(turn, Refusal):
            return QuarantineResult.STALE if turn.kind is RefusalKind.IDLE else QuarantineResult.DEFERRED
        head = turn.delivery.cursor + 1
        if entry.key.seq != head:
            return QuarantineResult.STALE if entry.key.seq < head else QuarantineResult.DEFERRED
        letter = letter_of(entry, turn.delivery)
        turn.settle(Settlement(entry.key.partition_id, head, dead=(letter,)))
    return letter, turn.delivery.messages[0].message_id


def letter_of(entry: FailureEntry, delivery: Delivery) -> DeadLetterRecord:
    """Return the dead letter of the head of a delivery."""
    reason = clean_reason(
        f"given up after {failed_deliveries(entry.failure_count)}; last error: {entry.last_error}"
    )
    attempts = max(entry.failure_count, delivery.attempts)
    return DeadLetterRecord(entry.key.seq, reason, attempts, fingerprint(reason))
