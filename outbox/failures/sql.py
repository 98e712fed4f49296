"""Failures in the database, shared by all processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from outbox.access import Access
from outbox.backends.connect import check_target, open_backend
from outbox.backends.protocol import Backend
from outbox.failures.store import Store
from outbox.failures.tracker import FailureEntry, FailureKey, FailureTracker, checked_threshold, highest_first
from outbox.runtime.fork import ForkGuard
from outbox.statements import Naming
from outbox.statements.tables import DEFAULT_PREFIX
from outbox.values.reasons import reason_of

if TYPE_CHECKING:
    from typing_extensions import Self

REFUSAL = "this failure tracker was in use before fork; use it, or make its outbox, after the fork"
# An operator's tool and one worker thread at a time.
CONNECTIONS = 2


@runtime_checkable
class HasBackend(Protocol):
    """An `Outbox`, which lends its connections."""

    backend: Backend


class SqlFailureTracker(FailureTracker):
    """Counts in the table ``outbox_failures``: for all processes, and beyond their end. Thread-safe.

    It may be made before a fork; in the child of a process that has used it, it raises `ForkedProcess`. That
    of an outbox is as the outbox is, not to be used across a fork.

    Every method takes ``conn``, any connection that `Outbox.enqueue` accepts: then it runs in the
    transaction that is open there and is undone with it, and raises `TransactionRequired` if there is none.
    Without ``conn`` it has a short transaction of its own.
    """

    def __init__(self, target: object, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> None:
        """Count in the database of ``target``: an `Outbox`, or whatever `Outbox.builder` takes.

        An outbox lends its connections and knows its tables; for a URL there are up to two connections,
        made when needed and closed by `close`.
        """
        self._owns = not isinstance(target, HasBackend)
        if isinstance(target, HasBackend):
            self._backend = target.backend
        else:
            check_target(target)
            self._backend = open_backend(target, naming=Naming(prefix, schema), pool_size=CONNECTIONS)
        self._access = Access(self._backend, Store)
        self._guard = None if self._owns else ForkGuard(REFUSAL)

    def record_failure(self, key: FailureKey, error: object, *, conn: object = None) -> int:
        """Count one more failure and return how many that makes."""
        reason = reason_of(error)
        return self._usable().write(conn, lambda store: store.count(FailureKey(*key), reason))

    def record_success(self, key: FailureKey, *, conn: object = None) -> None:
        """Forget a message's failures."""
        self._usable().write(conn, lambda store: store.forget(FailureKey(*key)))

    def drain_exceeded(self, threshold: int, *, conn: object = None) -> list[FailureEntry]:
        """Remove and return what has at least ``threshold`` failures, highest count first.

        With nothing to drain this is one small query that writes nothing.
        """
        least = checked_threshold(threshold)
        access = self._usable()
        keys = access.read(conn, lambda store: store.exceeded(least))
        return highest_first(access.write(conn, lambda store: store.drain(keys, least))) if keys else []

    def restore(self, entries: Iterable[FailureEntry], *, conn: object = None) -> None:
        """Put drained entries back.

        An entry that was put back already, by a call whose connection broke at its commit, adds nothing.
        """
        merged = merge(entries)
        if merged:
            self._usable().write(conn, lambda store: store.restore(merged))

    def close(self) -> None:
        """Close the connections that the tracker made itself. Idempotent."""
        if self._owns:
            self._usable()
            self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _usable(self) -> Access[Store]:
        """Return the way to the database, from the process that was the first to use it."""
        self._guard = self._guard or ForkGuard(REFUSAL)
        self._guard.check()
        return self._access


def merge(entries: Iterable[FailureEntry]) -> list[FailureEntry]:
    """Return one entry for each message, in the order of their keys, which is that of the locks."""
    by_key: dict[FailureKey, FailureEntry] = {}
    for entry in entries:
        known = by_key.get(entry.key)
        by_key[entry.key] = known.merged(entry) if known else entry
    return [by_key[key] for key in sorted(by_key)]
