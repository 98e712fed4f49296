"""Rows that are locked for longer than any of our statements takes, and who holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from outbox.backends.lock_holders import LockHolder
from outbox.clock import Clock, monotonic
from outbox.errors import DatabaseError, PermissionRefused

# Seconds. Workers lock a row for one statement; told within ten seconds, with the look of the watchdog.
TOO_LONG = 8.0
# Seconds for which a holder has held its locks: what began later is not the cause.
HELD_FOR = 3.0


class LockWatch:
    """Remembers since when each partition's row has been found locked. Thread-safe: each step is atomic.

    Only for rows that nothing but a statement of ours should lock: those of ``partitions``, and those of
    ``processor`` of leased queues. A transactional handler holds its row for as long as it runs.
    """

    def __init__(
        self,
        holders: Callable[[float], Sequence[LockHolder]] = lambda _seconds: (),
        *,
        clock: Clock = monotonic,
    ) -> None:
        """``holders`` asks the database who has held locks for that many seconds."""
        self._holders = holders
        self._clock = clock
        self._since: dict[tuple[str, int], float] = {}

    def locked(self, table: str, partition_id: int) -> None:
        """Note that a row was skipped, being locked."""
        self._since.setdefault((table, partition_id), self._clock())

    def free(self, table: str, partition_ids: Iterable[int]) -> None:
        """Note that rows were reached; costs nothing unless some row was locked."""
        if self._since:
            for partition_id in partition_ids:
                self._since.pop((table, partition_id), None)

    def problem(self) -> str | None:
        """Return a sentence about rows that have been locked for too long, None if there are none."""
        now = self._clock()
        late = {key: since for key, since in list(self._since.items()) if now - since >= TOO_LONG}
        if not late:
            return None
        tables = ", ".join(sorted({table for table, _ in late}))
        count = len({partition_id for _, partition_id in late})
        return (
            f"another session has locked the rows of {count} partitions (in {tables}) for "
            f"{now - min(late.values()):.0f} s, and their messages do not move"
        )

    def explain(self) -> str:
        """Ask the database who holds locks; never raises."""
        try:
            found = self._holders(HELD_FOR)
        except PermissionRefused as error:
            return f"this user may not see who holds locks ({error}); ask as an administrator"
        except DatabaseError as error:
            return f"who holds locks could not be asked: {error}"
        if not found:
            return (
                "no session is seen that holds a lock on the outbox's tables (not every server shows "
                "locks of whole tables)"
            )
        return "; ".join(f"{holder}, end it by {holder.repair}" for holder in found)
