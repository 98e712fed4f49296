"""Whether the partitions are still those that this process registered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from functools import partial

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.clock import Clock, monotonic
from outbox.installation import Installation
from outbox.queues.queue_rows import QueueRows
from outbox.statements.dialect import decode_text

log = logging.getLogger("outbox.ground")

GROUND_SECONDS = 8.0
"""How often a process looks, to say within ten seconds that the tables are not its own any more."""
EPOCH_SECONDS = 2.0
"""How long a new epoch is there before numbers begin again: every process has read it at a poll since."""

Ids = tuple[int, ...]


class Ground:
    """Looks at the tables under a process, and registers again the queues that are gone from them.

    Tables may be emptied, restored or made anew while processes run. Ids of partitions never come again
    (see ``create_first_partition``), so that what producers write to old ones reaches no stranger. Rows
    that are gone are put back with the ids they had, whose numbers begin again, in a new epoch; where the
    queue has other rows by now, what was written to the old ids is moved to those. Thread-safe.
    """

    def __init__(
        self,
        backend: Backend,
        installation: Installation,
        old_names: Callable[[], Mapping[str, str]],
        *,
        clock: Clock = monotonic,
    ) -> None:
        """``old_names`` reads what queues are called now that were renamed."""
        self._backend = backend
        self._installation = installation
        self._old_names = old_names
        self._clock = clock
        self._lock = threading.Lock()
        self._epoch_at: float | None = None
        self.wrong: frozenset[int] = frozenset()
        """The partitions that the last look did not find as they should be."""
        self._access = Access(backend, Store)
        self._integers = backend.catalog.dialect.integers

    def look(self, queues: Mapping[str, Ids], left_alone: Collection[str] = ()) -> dict[str, Ids]:
        """Return the queues whose partitions are not these, each with those that it has now.

        None at all for one that is about to be put back. Usually one statement. Nothing is done about those
        that are to be ``left_alone``. Raises `DatabaseError`.
        """
        with self._lock:
            lost = self._lost(queues)
            if not lost:
                self._epoch_at = None
                return {}
            # Who the tables are may be new, too.
            self._installation.refresh()
            if self._epoch_at is None:
                self._installation.new_epoch()
                self._epoch_at = self._clock()
            if self._clock() - self._epoch_at < EPOCH_SECONDS:
                return dict.fromkeys(lost, ())
            for queue in lost:
                if queue not in left_alone:
                    self._mend(queue, queues[queue])
            still = self._lost(queues)
            return {queue: self._present(queue) for queue in still}

    def _lost(self, queues: Mapping[str, Ids]) -> list[str]:
        wanted = self._integers([key for ids in queues.values() for key in ids])
        found = {
            int(row.id): decode_text(row.queue) for row in self._backend.query("ground", partition_ids=wanted)
        }
        lost = [name for name, ids in queues.items() if any(found.get(key) != name for key in ids)]
        now = self._old_names() if lost else {}
        wrong = {
            name: {key for key in queues[name] if found.get(key) != now.get(name, name)} for name in lost
        }
        self.wrong = frozenset().union(*wrong.values())
        return [name for name, keys in wrong.items() if keys]

    def _present(self, queue: str) -> Ids:
        return tuple(self._access.read(None, partial(Store.partition_ids, queue=queue)))

    def _mend(self, queue: str, ids: Ids) -> None:
        if self._access.write(None, partial(Store.mend, queue=queue, ids=ids)):
            log.warning(
                "queue %s was gone from the tables, which were emptied or made anew under this process: it "
                "is registered again with the partitions that it had",
                queue,
                extra={"queue": queue},
            )
        elif not self._present(queue):
            # Its ids are another queue's: a dump of other tables was restored.
            self._backend.register_queue(queue, len(ids))


class Store(QueueRows):
    """The statements about a queue's rows, in whatever transaction is open on the connection."""

    def mend(self, queue: str, ids: Ids) -> bool:
        """Put back what is gone, or move what waits to where the queue is now; tell whether rows were put."""
        present = tuple(self.partition_ids(queue))
        if not present and not any(self._run("find_queue", partition_id=key) for key in ids):
            given = self._catalog.dialect.integers(ids)
            self._run("put_back_partitions", queue=queue, partition_ids=given)
            self._make_cursors(queue)
            return True
        if present == ids:
            self._make_cursors(queue)
            return False
        for gone, now in zip(ids, present, strict=False):
            self._run("move_incoming", gone=gone, present=now)
            self._run("move_delayed", gone=gone, present=now)
        return False
