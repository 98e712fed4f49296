"""What an operator does to queues while workers run."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import TypeAlias

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.clock import Deadline
from outbox.errors import ConfigurationError, Contention, PartitionOutOfRange, QueueNotRegistered
from outbox.queues.pause import EVERY_QUEUE, Pause
from outbox.queues.store import Store
from outbox.values.durations import is_whole, whole
from outbox.values.fingerprints import fingerprint
from outbox.values.reasons import clean_reason
from outbox.values.validation import validate_queue

Pauses: TypeAlias = "list[Pause]"
SKIPPED = "skipped by an operator"
SKIP_WAIT = 10.0
"""Seconds to wait for a partition that a worker has: one batch, for most handlers."""
SKIP_PAUSE = 0.02
"""Seconds between two attempts, in which a worker may let go of it."""


class Administration:
    """Changes what is delivered; all processes obey within a poll. Thread-safe."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._access = Access(backend, Store)

    def pause(
        self,
        queue: str,
        partition: int | None = None,
        *,
        reason: str | None = None,
        until: datetime | None = None,
    ) -> None:
        """Deliver nothing of a queue or partition; see `Outbox.pause`."""
        check_until(until)
        text = None if reason is None else clean_reason(reason)
        self._access.write(None, partial(_pause, queue=queue, partition=partition, reason=text, until=until))

    def resume(self, queue: str, partition: int | None = None) -> int:
        """Deliver again; return how many pauses ended."""
        return self._access.write(None, partial(_resume, queue=queue, partition=partition))

    def hold(self, *, reason: str | None = None) -> None:
        """Deliver nothing of any queue, of those that are registered later neither."""
        text = None if reason is None else clean_reason(reason)
        self._access.write(None, partial(_hold, reason=text))

    def end_hold(self) -> bool:
        """End the hold; return whether there was one."""
        return bool(self._access.write(None, _end_hold))

    def pauses(self) -> Pauses:
        """Return what is paused, oldest first."""
        return [pause for pause, _ in self._access.read(None, Store.pauses)]

    def skip(self, partition_id: int, seq: int, *, reason: object = SKIPPED) -> int:
        """Make a dead letter of a partition's next message; return the message's id; see `Outbox.skip`."""
        number = whole(seq, option="seq", minimum=1)
        key = whole(partition_id, option="partition_id", minimum=1)
        patience = Deadline.after(SKIP_WAIT)
        while (skipped := self._skip_head(key, number, clean_reason(reason))) is None:
            if patience.passed:
                raise Contention(f"a worker has partition {key} all the time; pause its queue first")
            time.sleep(SKIP_PAUSE)
        return skipped

    @retry_contention
    def _skip_head(self, partition_id: int, seq: int, reason: str) -> int | None:
        """Take the head away under the lock of its partition; None while a worker has it."""
        request = LeaseRequest(partition_id, 1)
        # A head that keeps failing is resting nearly all of the time.
        with self._backend.transactional_turn(
            request, max_bytes=1, one_if_failed=True, ignore_backoff=True
        ) as turn:
            if isinstance(turn, Refusal):
                if turn.kind in (RefusalKind.HELD, RefusalKind.LOCKED):
                    return None
                raise not_next(partition_id, seq, turn)
            head = turn.delivery.cursor + 1
            if seq != head:
                raise not_next(partition_id, seq, head)
            letter = DeadLetterRecord(seq, reason, turn.delivery.attempts, fingerprint(reason))
            turn.settle(Settlement(partition_id, head, dead=(letter,)))
        return turn.delivery.messages[0].message_id


def not_next(partition_id: int, seq: int, found: Refusal | int) -> ConfigurationError:
    """Make the error for a message that is not the one that a partition would deliver next."""
    if not isinstance(found, Refusal):
        problem = f"the next message of partition {partition_id} is {found}"
    elif found.kind is RefusalKind.IDLE:
        problem = f"nothing waits in partition {partition_id}"
    else:
        problem = f"the row of the next message of partition {partition_id} is missing"
    return ConfigurationError("seq", seq, f"it cannot be skipped: {problem}")


def check_until(until: object) -> None:
    """Refuse a time that does not say in which zone it is."""
    if until is not None and not (isinstance(until, datetime) and until.utcoffset() is not None):
        raise ConfigurationError("until", until, "give a datetime with a time zone, such as timezone.utc")


def check_place(store: Store, queue: str, partition: int | None) -> None:
    """Refuse a queue that is not in the tables, and a partition that it does not have."""
    count = len(store.partition_ids(validate_queue(queue)))
    if not count:
        raise QueueNotRegistered(queue)
    if partition is not None and not (is_whole(partition) and 0 <= partition < count):
        raise PartitionOutOfRange(queue, partition, count - 1)


def _pause(
    store: Store, *, queue: str, partition: int | None, reason: str | None, until: datetime | None
) -> None:
    store.raise_revision()
    check_place(store, queue, partition)
    store.pause(queue, partition, None, reason, until)


def _resume(store: Store, *, queue: str, partition: int | None) -> int:
    store.raise_revision()
    check_place(store, queue, partition)
    return store.resume(queue, partition, None, everything=partition is None)


def _hold(store: Store, *, reason: str | None) -> None:
    store.raise_revision()
    store.pause(EVERY_QUEUE, None, None, reason, None)


def _end_hold(store: Store) -> int:
    store.raise_revision()
    return store.resume(EVERY_QUEUE, None, None)
