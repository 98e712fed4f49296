"""What an operator does to queues, as methods of `Outbox`."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from outbox.errors import ConfigurationError
from outbox.queues.administration import SKIPPED, Administration
from outbox.queues.parked import Parked
from outbox.queues.pause import Pause
from outbox.queues.reshaping import Reshaping
from outbox.queues.resizing import Resizing
from outbox.values.partitions import Partitions

Pauses: TypeAlias = "list[Pause]"


class QueueMethods:
    """Changes that every process obeys within a poll: what a worker has begun it finishes."""

    _administration: Administration
    _parked: Parked
    _reshaping: Reshaping
    _resizing: Resizing

    def _check_usable(self) -> None:
        raise NotImplementedError

    @property
    def parked(self) -> Parked:
        """The keys that wait apart: list, release or discard them."""
        self._check_usable()
        return self._parked

    def pause(
        self,
        queue: str,
        partition: int | None = None,
        key: str | bytes | None = None,
        *,
        reason: str | None = None,
        until: datetime | None = None,
    ) -> None:
        """Deliver nothing of a queue, or of one of its partitions, until `resume` or the time ``until``.

        With ``key`` only the messages of that key wait, in order, and the others of their partition flow: the
        key is parked (see `parked`), which has no reason and no end.

        Messages are still taken in and numbered. A worker finishes the message that it is at, or the call of
        a batch handler. Pausing again replaces the reason and the time.

        Raises `QueueNotRegistered` for a queue that is not in the tables, `PartitionOutOfRange`.
        """
        self._check_usable()
        if key is None:
            self._administration.pause(queue, partition, reason=reason, until=until)
            return
        for option, value in (("partition", partition), ("reason", reason), ("until", until)):
            if value is not None:
                raise ConfigurationError(option, value, "a key is parked as it is; leave this out")
        self._parked.park(queue, key)

    def resume(self, queue: str, partition: int | None = None, key: str | bytes | None = None) -> int:
        """Deliver again; return how many pauses ended, or with ``key`` how many messages it releases.

        A queue with all of its partitions; with ``partition`` only that one's own pause, so that it waits on
        while the queue as a whole is paused.
        """
        self._check_usable()
        if key is not None:
            return self._parked.release(queue, key)
        return self._administration.resume(queue, partition)

    def hold(self, *, reason: str | None = None) -> None:
        """Deliver nothing at all, of queues that are registered later neither, until `end_hold`.

        For a copy of production that must not send anything: call it before the workers start.
        """
        self._check_usable()
        self._administration.hold(reason=reason)

    def end_hold(self) -> bool:
        """End the hold, leaving pauses as they are; return whether there was one."""
        self._check_usable()
        return self._administration.end_hold()

    def pauses(self) -> Pauses:
        """Return what is paused or held at present, oldest first."""
        self._check_usable()
        return self._administration.pauses()

    def rename_queue(self, queue: str, new: str) -> None:
        """Give a queue another name, with all that it holds. Processes that have the old one work on.

        A process that is started with the old name finds the queue by it, until another one is renamed to it.

        Raises `QueueNotRegistered`, and `ConfigurationError` when there is a queue with the new name.
        """
        self._check_usable()
        self._reshaping.rename(queue, new)

    def resize_queue(self, queue: str, partitions: Partitions | int) -> bool:
        """Give a queue another number of partitions, while its producers and workers run.

        Others take the place of its partitions, and are served when the old ones that may have the same keys
        have delivered what has a number: the order per key stays. Workers learn of it within a poll, and may
        be started with the old number. What producers send that have not heard of it is sent on. Returns
        whether the new partitions wait for the old ones.

        Raises `QueueNotRegistered`, and `ConfigurationError` when the queue has that many already.
        """
        self._check_usable()
        return self._resizing.resize(queue, partitions)

    def purge(self, queue: str) -> int:
        """Delete what waits in a queue, parked and delayed messages too; return how many were not delivered.

        Safe while workers run: a handler finishes the batch that it has, and nothing else that was there is
        delivered. Messages that come meanwhile stay, and so do dead letters. Deduplication keys stay taken.
        """
        self._check_usable()
        return self._reshaping.purge(queue)

    def drop_queue(self, queue: str) -> int:
        """Purge a queue and free its name; return how many messages were not delivered.

        A later queue of the name begins anew. Dead letters stay, under a name that tells of the drop. So does
        what a producer sends that has not heard of it: `status` and the doctor show it.
        """
        self._check_usable()
        return self._reshaping.drop(queue)

    def skip(self, partition_id: int, seq: int, *, reason: object = SKIPPED) -> int:
        """Send the message that a partition would deliver next to the dead letters; return the message's id.

        Done under the partition's lock: a worker that has it finishes first. ``seq`` says which message is
        meant.

        Raises `ConfigurationError` when another message is the next one, and `Contention` when a worker
        has the partition for longer than ten seconds.
        """
        self._check_usable()
        return self._administration.skip(partition_id, seq, reason=reason)
