"""Give up the head of a partition that no processor owns."""

from __future__ import annotations

import enum
import logging

from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, Delivery, LeaseRequest, RefusalKind, Settlement
from outbox.errors import DatabaseError
from outbox.failures import FailureEntry
from outbox.failures.access import Access
from outbox.values.reasons import clean_reason
from outbox.workers.tokens import Tokens

log = logging.getLogger("outbox.workers.quarantine")

# Nothing runs under this lease but the one statement that ends it.
LEASE = 10.0


class Sentence(enum.Enum):
    """What came of an entry."""

    CARRIED_OUT = "carried out"
    """The message is a dead letter."""
    STALE = "stale"
    """It is finished: the entry means nothing any more."""
    DEFERRED = "deferred"
    """Somebody has the partition, or another message is its head."""


class Condemning:
    """Dead-letters a message under a lease of its own, after checking that it is still the head.

    The lease's token is fresh, so whoever had the partition before, a zombie included, can neither
    acknowledge the message afterwards nor move the cursor.
    """

    def __init__(self, backend: Backend, access: Access) -> None:
        self._backend = backend
        self._access = access
        self._tokens = Tokens()

    def carry_out(self, entry: FailureEntry) -> Sentence:
        """Dead-letter the message of an entry, if that can be done now."""
        # A head that keeps failing is resting nearly all of the time, and would never be found free.
        self._access.write(None, lambda store: store.end_rest(entry.key))
        token = self._tokens.fresh()
        taken = self._backend.lease_and_read(
            [LeaseRequest(entry.key.partition_id, 1)],
            token=token,
            lease=LEASE,
            max_bytes=1,
            cautious=True,
            alone=True,
        )
        if not taken.deliveries:
            idle = all(refusal.kind is RefusalKind.IDLE for refusal in taken.refusals)
            return Sentence.STALE if idle else Sentence.DEFERRED
        return self._settle(entry, taken.deliveries[0], token)

    def _settle(self, entry: FailureEntry, delivery: Delivery, token: str) -> Sentence:
        head = delivery.cursor + 1
        wanted = entry.key.seq == head
        settlement = condemnation(entry, delivery) if wanted else untouched(delivery)
        try:
            answer = self._backend.settle_and_read([settlement], token=token, lease=LEASE, max_bytes=1)
        except DatabaseError:
            # Whatever forbids the dead letter must not keep the processors from the partition too.
            self._backend.settle_and_read([untouched(delivery)], token=token, lease=LEASE, max_bytes=1)
            raise
        if not wanted:
            return Sentence.STALE if entry.key.seq < head else Sentence.DEFERRED
        if answer.lost:
            return Sentence.DEFERRED
        self._report(entry, settlement.dead[0])
        return Sentence.CARRIED_OUT

    def _report(self, entry: FailureEntry, letter: DeadLetterRecord) -> None:
        queue, partition = self._backend.find_queue(entry.key.partition_id) or ("?", -1)
        log.error(
            "dead letter: queue %s, partition %d, seq %d, quarantined: %s",
            queue,
            partition,
            letter.seq,
            letter.reason,
            extra={"queue": queue, "partition": partition, "seq": letter.seq, "attempts": letter.attempts},
        )


def condemnation(entry: FailureEntry, delivery: Delivery) -> Settlement:
    """Return the settlement that makes the head a dead letter."""
    reason = clean_reason(
        f"given up after {entry.failure_count} failed deliveries; last error: {entry.last_error}"
    )
    attempts = max(entry.failure_count, delivery.attempts)
    letter = DeadLetterRecord(entry.key.seq, reason, attempts)
    return Settlement(delivery.partition_id, delivery.cursor + 1, dead=(letter,))


def untouched(delivery: Delivery) -> Settlement:
    """Return the settlement that gives a partition back as it was."""
    return Settlement(delivery.partition_id, delivery.cursor, delivery.attempts, delivery.last_error)
