"""What a database does for the pipeline: one protocol for each part, with no driver in sight.

Every operation is one short transaction of its own, takes its connection from the backend's pool
for just that long, may be called from any thread, and translates driver errors into
`Contention` (retried inside first), `ConnectionLost`, `ReadOnlyServer` or `DatabaseError`.
All times and delays are seconds by the database's own clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from outbox.backends.records import (
    Commands,
    Component,
    Delivery,
    Ids,
    LeaseRequest,
    LeaseResult,
    Look,
    PartitionStatus,
    Refusal,
    Sequenced,
    Settlement,
    SettleResult,
    Shape,
    Wakeup,
)
from outbox.backends.waiting import Waiting
from outbox.statements import Catalog, Naming


class TransactionalTurn(Protocol):
    """One partition, locked inside an open transaction, with the batch that was read."""

    delivery: Delivery
    connection: Any
    """What the handler gets: the driver's connection, or SQLAlchemy's when built from an Engine."""

    def savepoint(self) -> None:
        """Release the last savepoint, if any, and set the next: one round trip at most."""

    def seal(self) -> None:
        """After the last message: raise `DatabaseError` unless its writes are in the transaction."""

    def rollback(self) -> None:
        """Undo everything since the last savepoint; the transaction is usable again."""

    def settle(self, settlement: Settlement) -> None:
        """Advance the cursor, write dead letters and the head's failure. Does not commit."""


class Listener(Protocol):
    """A dedicated connection on which other processes' wake-ups arrive (PostgreSQL)."""

    def receive(self, timeout: float) -> list[Wakeup]:
        """Block for at most ``timeout`` seconds; return what arrived from other processes."""

    def interrupt(self) -> None:
        """End a `receive` in another thread at once."""

    def close(self) -> None:
        """Close the connection; for the thread that receives."""


class Server(Protocol):
    """Which server it is, and whether it will do."""

    name: str
    """``postgresql``, ``mysql``, ``mariadb`` or ``sqlite``."""

    @property
    def behind_pooler(self) -> bool:
        """Whether a pooler was met whose sessions are not ours alone."""

    def check_server(self, *, reading: bool = False) -> None:
        """Connect once; raise `UnsupportedServer`, `ReadOnlyServer` or `ConnectionLost`.

        For one who is only ``reading`` a server that takes no writes will do.
        """

    def describe_server(self) -> Component:
        """Say which server it is; 1 statement."""

    def describe_driver(self) -> Component:
        """Say what the workers reach it through."""


class Migrations(Protocol):
    """Schema changes: the statements of ``queues.sql`` that know of migrations."""

    def applied_migrations(self) -> list[str] | None:
        """Return the names of the applied migrations, or None when there is no such table."""

    def migrate(self, pending: Sequence[tuple[str, str]]) -> list[str]:
        """Run the ``(name, script)`` pairs not applied yet; safe in any number of processes at once."""

    def rollback(self, scripts: Sequence[tuple[str, str]]) -> list[str]:
        """Run the ``(name, script)`` pairs that are applied, in the given order."""


class Queues(Protocol):
    """Registration: the other statements of ``queues.sql``."""

    def register_queue(self, queue: str, partitions: int) -> list[int]:
        """Create what is missing of a queue's rows; return its partition ids in index order.

        Raises `PartitionCountMismatch` when the queue exists with another count; of two racing
        registrations with different counts one wins and the other raises.
        """

    def find_queue(self, partition_id: int) -> tuple[str, int] | None:
        """Return ``(queue, partition index)`` of a partition id."""


class Sequencing(Protocol):
    """The statements of ``sequencer.sql``."""

    def pending(self, partition_ids: Sequence[int]) -> Look:
        """Tell, in one read-only statement, which partitions have something to do."""

    def sequence(
        self, partition_ids: Ids, limit: int, *, notify: bool = False, durable: bool = True, behind: Ids = ()
    ) -> list[Sequenced]:
        """Move up to ``limit`` committed incoming messages of each partition to outgoing.

        What is asked for and not returned is locked elsewhere. ``notify`` wakes other processes, where the
        backend can. Unless ``durable`` the commit need not wait for the disk: a later one does, before these
        are handed over. What was enqueued later than a message in ``behind``, which a resize retired, stays.
        """

    def sequence_due(
        self, partition_ids: Ids, limit: int, *, durable: bool = True, behind: Ids = ()
    ) -> list[Sequenced]:
        """The same for delayed messages that are due, in the order of becoming so."""


class Leasing(Protocol):
    """The leased turn: the statements of ``processor.sql`` that know of leases."""

    def lease_and_read(
        self,
        requests: Sequence[LeaseRequest],
        *,
        token: str,
        lease: float,
        max_bytes: int,
        one_if_failed: bool,
        solo: bool,
    ) -> LeaseResult:
        """Lease every free partition of ``requests`` that has something to deliver, and read it.

        Partitions with ``attempts > 0`` are taken only ``solo``, and then with one message if the last
        start crashed, or ``one_if_failed``.
        """

    def settle_and_read(
        self, settlements: Sequence[Settlement], *, token: str, lease: float, max_bytes: int
    ) -> SettleResult:
        """Advance cursors under the fence, write dead letters, then release or read on.

        Idempotent: called again after a connection was lost it changes nothing twice.
        """

    def renew(self, partition_ids: Sequence[int], *, token: str, lease: float) -> set[int]:
        """Extend the leases that are still ours; return which those are."""


class Transactions(Protocol):
    """The transactional turn: the other statements of ``processor.sql``."""

    waiting: Waiting
    """``waiting.crowded`` tells whether others of the process wait for what a turn holds."""

    def transactional_turn(
        self, request: LeaseRequest, *, max_bytes: int, one_if_failed: bool, ignore_backoff: bool = False
    ) -> AbstractContextManager[TransactionalTurn | Refusal]:
        """Open a transaction, lock the partition's processor row, read; commit at a clean exit.

        With ``ignore_backoff`` also a partition that rests after a failure, though not one under a lease.
        """

    def record_failure(self, settlement: Settlement) -> bool:
        """Write a head's failure in a transaction of its own, after the handler's one was lost.

        Changes nothing and returns False when the cursor moved meanwhile or a lease is live.
        """

    def is_contention(self, error: BaseException) -> bool:
        """Tell whether an error of the driver, or of SQLAlchemy around it, is a lost race for a lock."""


class Vacuuming(Protocol):
    """The statements of ``vacuum.sql``."""

    def vacuum(self, partition_ids: Sequence[int], limit: int) -> int:
        """Delete up to ``limit`` processed outgoing rows and their bodies; return how many."""

    def forget_keys(self, limit: int) -> int:
        """Delete up to ``limit`` deduplication keys whose window has passed; return how many."""


class Monitoring(Protocol):
    """The statements of ``monitoring.sql``, for people."""

    def partition_status(self, partition_ids: Sequence[int]) -> list[PartitionStatus]:
        """Return backlog, lease and failure of each partition."""

    def dead_letter_counts(self) -> dict[str, int]:
        """Return the number of dead letters by status."""

    def query(self, statement: str, **parameters: Any) -> list[Any]:
        """Run one of the read-only statements for people; return its rows with the columns as attributes."""


class Shapes(Protocol):
    """What the doctor compares."""

    def table_shapes(self, commands: Commands) -> tuple[Shape, Shape]:
        """Return the tables as they are, and as these commands make them on temporary ones.

        For a backend that is closed afterwards: on MySQL the temporary tables stay as long as a connection.
        """


class Wakeups(Protocol):
    """Waking the workers of other processes."""

    can_notify: bool

    def notify(self, partition_ids: Sequence[int], *, more: bool = False) -> None:
        """Wake other processes (PostgreSQL), ``more`` for a later look; elsewhere do nothing."""

    def listen(self) -> Listener:
        """Open a listener and prove that wake-ups arrive; raises `DatabaseError` where they do not."""


class Sources(Protocol):
    """Where connections come from, how long threads wait for them, and what is run on them."""

    naming: Naming
    catalog: Catalog
    waiting: Waiting
    """How long its threads wait; what starts workers sets ``waiting.stopping``.

    Once that says yes, a wait for a connection or a lock, and repeating after contention, end within
    three seconds, so that what is finished can be acknowledged. What is inside a driver or a user's
    pool ends by their own time limits.
    """

    def use(self, catalog: Catalog) -> None:
        """Run the statements of this catalogue from now on; to be called before work begins."""

    def connection(self) -> AbstractContextManager[Any]:
        """Lend the caller a connection with an open transaction: commits at a clean exit, else rolls back.

        At a clean exit it raises `DatabaseError` when the transaction is not sound: the code in the block
        closed or lost the connection, swallowed an error that aborts all of it, or ended the transaction,
        even if it began another one. Errors in the block pass as they are.
        """

    def reading(self) -> AbstractContextManager[Any]:
        """Acquire a driver's connection for the library's own queries, each of which stands for itself."""

    def writing(self) -> AbstractContextManager[Any]:
        """Acquire a driver's connection with an open transaction for the library's own statements.

        Commits at a clean exit, else rolls back; the driver's errors are translated. On SQLite it has the
        write lock from the beginning.
        """

    def dedicated(self) -> Backend:
        """Return the same database through one connection of its own, for one thread at a time.

        However busy the pool is, that thread never waits for it. The connection is opened when it is
        first used, and replaced after it was lost. Closed with this backend, or before by itself.
        """

    def close(self) -> None:
        """Close what the backend opened itself; never a pool or Engine that was passed in."""


class Backend(
    Server,
    Migrations,
    Queues,
    Sequencing,
    Leasing,
    Transactions,
    Vacuuming,
    Monitoring,
    Shapes,
    Wakeups,
    Sources,
    Protocol,
):
    """One database, one family of tables."""
