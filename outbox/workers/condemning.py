"""Give up the head of a partition that no processor owns."""

from __future__ import annotations

import enum
from contextlib import suppress

from outbox.backends.protocol import Backend, Transactions
from outbox.backends.records import DeadLetterRecord, Delivery, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.errors import DatabaseError
from outbox.events import DeadLettered
from outbox.failures import FailureEntry
from outbox.runtime.observers import Observers
from outbox.values.reasons import clean_reason


class Sentence(enum.Enum):
    """What came of an entry."""

    CARRIED_OUT = "carried out"
    """The message is a dead letter."""
    STALE = "stale"
    """It is finished: the entry means nothing any more."""
    DEFERRED = "deferred"
    """Somebody has the partition, or another message is its head."""


class Condemning:
    """Dead-letters a message that is still the head of its partition.

    That is a transactional turn without a handler: one transaction, so no processor can take the partition
    in between and deliver the message once more. It ends every lease that has expired, so whoever had the
    partition before, a zombie included, can neither acknowledge the message afterwards nor move the cursor.
    """

    def __init__(self, backend: Backend, observers: Observers) -> None:
        self._backend = backend
        self._observers = observers

    def carry_out(self, entry: FailureEntry) -> Sentence:
        """Dead-letter the message of an entry, if that can be done now."""
        sentence = give_up(self._backend, entry)
        if isinstance(sentence, Sentence):
            return sentence
        self._tell(entry.key.partition_id, *sentence)
        return Sentence.CARRIED_OUT

    def _tell(self, partition_id: int, letter: DeadLetterRecord, message_id: int) -> None:
        # It is committed: that nobody can say whose it was must not make a failure of it.
        queue, partition = "?", -1
        with suppress(DatabaseError):
            queue, partition = self._backend.find_queue(partition_id) or (queue, partition)
        self._observers.tell(
            DeadLettered(
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


@retry_contention
def give_up(backend: Transactions, entry: FailureEntry) -> tuple[DeadLetterRecord, int] | Sentence:
    """Write the dead letter of an entry and go past it; return it and its message id, or why not now."""
    request = LeaseRequest(entry.key.partition_id, 1)
    # A head that keeps failing is resting nearly all of the time, and would never be found free.
    with backend.transactional_turn(request, max_bytes=1, one_if_failed=True, ignore_backoff=True) as turn:
        if isinstance(turn, Refusal):
            return Sentence.STALE if turn.kind is RefusalKind.IDLE else Sentence.DEFERRED
        head = turn.delivery.cursor + 1
        if entry.key.seq != head:
            return Sentence.STALE if entry.key.seq < head else Sentence.DEFERRED
        letter = letter_of(entry, turn.delivery)
        turn.settle(Settlement(entry.key.partition_id, head, dead=(letter,)))
    return letter, turn.delivery.messages[0].message_id


def letter_of(entry: FailureEntry, delivery: Delivery) -> DeadLetterRecord:
    """Return the dead letter of the head of a delivery."""
    reason = clean_reason(
        f"given up after {entry.failure_count} failed deliveries; last error: {entry.last_error}"
    )
    return DeadLetterRecord(entry.key.seq, reason, max(entry.failure_count, delivery.attempts))
