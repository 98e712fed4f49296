"""Give up the head of a partition that no processor owns."""

from __future__ import annotations

import enum
import logging
from contextlib import suppress

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.errors import DatabaseError
from outbox.failures import FailureEntry
from outbox.failures.store import Head, Store
from outbox.values.reasons import clean_reason

log = logging.getLogger("outbox.workers.quarantine")


class Sentence(enum.Enum):
    """What came of an entry."""

    CARRIED_OUT = "carried out"
    """The message is a dead letter."""
    STALE = "stale"
    """It is finished: the entry means nothing any more."""
    DEFERRED = "deferred"
    """Somebody has the partition, or another message is its head."""


class Condemning:
    """Dead-letters a message that is still the head of its partition, under the partition's lock.

    It is one transaction, so no processor can take the partition in between and deliver the message once
    more. It ends every lease that has expired, so whoever had the partition before, a zombie included, can
    neither acknowledge the message afterwards nor move the cursor.
    """

    def __init__(self, backend: Backend, access: Access[Store]) -> None:
        self._backend = backend
        self._access = access

    def carry_out(self, entry: FailureEntry) -> Sentence:
        """Dead-letter the message of an entry, if that can be done now."""
        reason = clean_reason(
            f"given up after {entry.failure_count} failed deliveries; last error: {entry.last_error}"
        )

        def judge(store: Store) -> tuple[Sentence, int]:
            head = store.lock_head(entry.key)
            attempts = max(entry.failure_count, head.attempts if head else 0)
            sentence = sentence_of(entry, head)
            if sentence is Sentence.CARRIED_OUT:
                store.give_up(entry.key, reason, attempts)
            return sentence, attempts

        sentence, attempts = self._access.write(None, judge)
        if sentence is Sentence.CARRIED_OUT:
            self._report(entry, reason, attempts)
        return sentence

    def _report(self, entry: FailureEntry, reason: str, attempts: int) -> None:
        # It is committed: that nobody can say whose it was must not make a failure of it.
        queue, partition = "?", -1
        with suppress(DatabaseError):
            queue, partition = self._backend.find_queue(entry.key.partition_id) or (queue, partition)
        log.error(
            "dead letter: queue %s, partition %d, seq %d, quarantined: %s",
            queue,
            partition,
            entry.key.seq,
            reason,
            extra={"queue": queue, "partition": partition, "seq": entry.key.seq, "attempts": attempts},
        )


def sentence_of(entry: FailureEntry, head: Head | None) -> Sentence:
    """Decide about an entry from how its partition stands."""
    if head is None:
        return Sentence.DEFERRED
    if entry.key.seq <= head.cursor:
        return Sentence.STALE
    if head.is_free and head.is_there and entry.key.seq == head.cursor + 1:
        return Sentence.CARRIED_OUT
    return Sentence.DEFERRED
