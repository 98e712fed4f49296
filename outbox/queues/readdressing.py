"""Send messages on that came to a retired partition: those of producers that have not heard of a resize.

A message stands where its producer believed its key to be, until a sequencer sees it. Partitions that have
taken the place of others are numbered only up to the first message that is still to be sent on (see
``sequence``), so that no later message of its key goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from outbox.access import Access
from outbox.backends.protocol import Sources
from outbox.queues.numbering import Numbering
from outbox.queues.queue_rows import QueueRows
from outbox.statements.dialect import decode_text

Known = Mapping[int, tuple[Numbering, int]]
"""What is known of retired partitions: the numbering of the queue, and their index in their own time."""

AT_ONCE = 1_000
"""Messages of a transaction, in which other sequencers of the queue wait."""


class Readdressing:
    """Sends on what has come to retired partitions. Thread-safe."""

    def __init__(self, backend: Sources) -> None:
        self._access = Access(backend, Store)

    def waiting(self, known: Known) -> int:
        """Readdress the oldest messages without a number; return how many."""
        return self._access.write(
            None, partial(Store.send_on, known=known, found="waiting_with_keys", moved="readdress")
        )

    def due(self, known: Known) -> int:
        """The same for delayed messages that are due; those that are not stay where they are."""
        return self._access.write(
            None, partial(Store.send_on, known=known, found="due_with_keys", moved="readdress_due")
        )


class Store(QueueRows):
    """The statements of ``sequencer.sql`` about retired partitions, in whatever transaction is open."""

    def send_on(self, known: Known, found: str, moved: str) -> int:
        """Move rows to the partitions that have their keys now; return how many."""
        integers = self._catalog.dialect.integers
        self._run("lock_retired", partition_ids=integers(sorted(known)))
        rows = self._run(found, partition_ids=integers(sorted(known)), limit=AT_ONCE)
        if rows:
            self._run(
                moved,
                partition_ids=integers(row[0] for row in rows),
                body_ids=integers(row[1] for row in rows),
                targets=integers(target(known, *row) for row in rows),
            )
        return len(rows)


def target(known: Known, partition_id: int, _: int, key: str | bytes | None) -> int:
    """Return where a message belongs now."""
    numbering, index = known[int(partition_id)]
    return numbering.target(decode_text(key), index)
