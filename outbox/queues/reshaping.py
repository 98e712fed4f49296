"""Rename, empty and drop a queue while its workers and producers run."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.errors import ConfigurationError, QueueNotRegistered
from outbox.queues.queue_rows import QueueRows
from outbox.values.validation import validate_queue

AT_ONCE: Final = 1_000
"""Messages deleted in one transaction: the sequencer of their partition waits for it."""
VACUUM_CHUNK: Final = 5_000
DROPPED: Final = re.compile(r"\.dropped-\d+\Z")
"""What a dropped queue's rows are called: they stay, for messages of producers that do not know yet."""

Progress = Callable[[int], object]


class Reshaping:
    """Changes queues as a whole. Thread-safe."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._access = Access(backend, Store)

    def rename(self, queue: str, new: str) -> None:
        """Give a queue another name; see `Outbox.rename_queue`."""
        old, name = validate_queue(queue), validate_queue(new)
        if old == name:
            raise ConfigurationError("new", new, "it is the queue's name already")
        self._access.write(None, partial(Store.rename, queue=old, new=name))

    def purge(self, queue: str, *, progress: Progress | None = None) -> int:
        """Delete what waits in a queue; see `Outbox.purge`."""
        name = validate_queue(queue)
        numbering = self._access.read(None, partial(Store.numbering, queue=name))
        if numbering is None:
            raise QueueNotRegistered(queue)
        # The oldest first: what waits for them is served once they are empty.
        ids = [place.partition_id for places in numbering.generations for place in places]
        newest = self._access.read(None, Store.newest_id)
        purged = 0
        for partition_id in ids:
            purge = partial(Store.purge_some, partition_id=partition_id, newest=newest)
            while True:
                deleted, more = self._access.write(None, purge)
                purged += deleted
                if progress is not None:
                    progress(deleted)
                if not more:
                    break
            passed = self._access.write(None, partial(Store.pass_over, partition_id=partition_id))
            purged += passed
            if progress is not None:
                progress(passed)
        # What had a number lies behind the cursors now: there may be no worker that would clean it up.
        while self._backend.vacuum(ids, VACUUM_CHUNK):
            pass
        return purged

    def drop(self, queue: str, *, progress: Progress | None = None) -> int:
        """Purge a queue and free its name; see `Outbox.drop_queue`."""
        purged = self.purge(queue, progress=progress)
        self._access.write(None, partial(Store.drop, queue=queue))
        return purged


class Store(QueueRows):
    """The statements of ``administration.sql`` about whole queues, in whatever transaction is open."""

    def newest_id(self) -> int:
        """Return the id of the newest message."""
        return int(self._run("newest_id")[0][0])

    def rename(self, queue: str, new: str) -> None:
        """Move everything that is known by the name, and leave the old one as a way to it."""
        self._run("raise_revision")
        if not self.partition_ids(queue):
            raise QueueNotRegistered(queue)
        # A name that the queue itself had before may be taken again.
        if self.partition_ids(new) not in ([], self.partition_ids(queue)):
            raise ConfigurationError("new", new, "there is a queue with that name")
        self._run("forget_settings", queue=new)
        self._move(queue, new)
        self._run("lead_on", queue=queue, new=new)
        self._run("insert_old_name", queue=queue, new=new)

    def drop(self, queue: str) -> None:
        """Free the name; the rows keep another one, as long as something may be written to them."""
        self._run("raise_revision")
        ids = self.partition_ids(queue)
        self._run("forget_dedup", queue=queue)
        self._run("forget_settings", queue=queue)
        self._run("delete_pauses", queue=queue, partition=None, message_key=None, everything=True)
        self._run("rename_partitions", queue=queue, new=f"{queue[:1000]}.dropped-{ids[0]}")

    def purge_some(self, partition_id: int, newest: int) -> tuple[int, bool]:
        """Delete some messages without a number; return how many, and whether there may be more."""
        self._run("lock_partition", partition_id=partition_id)
        shown = {"partition_id": partition_id, "last_id": newest, "limit": AT_ONCE}
        waiting = [int(row[0]) for row in self._run("waiting_ids", **shown)]
        delayed = [int(row[0]) for row in self._run("delayed_ids", **shown)]
        for ids, statement in ((waiting, "take_from_incoming"), (delayed, "delete_delayed")):
            if ids:
                given = self._catalog.dialect.integers(ids)
                self._run(statement, partition_id=partition_id, body_ids=given)
                self._run("delete_messages", body_ids=given)
        return len(waiting) + len(delayed), AT_ONCE in (len(waiting), len(delayed))

    def pass_over(self, partition_id: int) -> int:
        """Deliver nothing more of what has a number, parked messages included; return how many."""
        ((sequence, cursor, _),) = self._run("lock_partition", partition_id=partition_id)
        self._run("delete_parked_of", partition_id=partition_id)
        self._run("delete_parked_keys_of", partition_id=partition_id)
        self._run("pass_over", partition_id=partition_id, sequence=int(sequence))
        return int(sequence) - int(cursor)

    def _move(self, queue: str, new: str) -> None:
        for statement in ("rename_partitions", "rename_settings", "rename_pauses", "rename_dedup"):
            self._run(statement, queue=queue, new=new)


def is_dropped(queue: str) -> bool:
    """Tell whether these rows are what is left of a dropped queue."""
    return DROPPED.search(queue) is not None
