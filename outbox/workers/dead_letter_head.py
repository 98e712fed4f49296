"""Give up the head of a partition that no processor owns."""

from __future__ import annotations

import enum

from outbox.backends.protocol import Transactions
from outbox.backends.records import DeadLetterRecord, Delivery, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.failures import FailureEntry
from outbox.values.reasons import clean_reason


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
    # A head that keeps failing is resting nearly all of the time, and would never be found free.
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
        f"given up after {entry.failure_count} failed deliveries; last error: {entry.last_error}"
    )
    return DeadLetterRecord(entry.key.seq, reason, max(entry.failure_count, delivery.attempts))
