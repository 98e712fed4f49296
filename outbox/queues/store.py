"""The statements of ``administration.sql`` on one connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from outbox.connections.connection import ProducerConnection
from outbox.queues.pause import Pause
from outbox.queues.queue_rows import QueueRows
from outbox.statements import Catalog
from outbox.statements.dialect import decode_text, decode_time, encode_time


class Lasting(NamedTuple):
    """A pause, and for how many seconds from now by the database's clock: None without an end."""

    pause: Pause
    seconds: float | None


class Store(QueueRows):
    """Typed statements, in whatever transaction is open on the connection."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        super().__init__(connection, catalog)
        self._text = catalog.dialect.encode_text

    def raise_revision(self) -> None:
        """Let every process read the settings again; the first statement of a change."""
        self._run("raise_revision")

    def revision(self) -> int | None:
        """Return how often settings were changed; None when the tables were emptied."""
        rows = self._run("read_revision")
        return int(rows[0][0]) if rows else None

    def pauses(self) -> list[Lasting]:
        """Return the pauses that have not ended, oldest first."""
        return [lasting(row) for row in self._run("read_pauses")]

    def old_names(self) -> dict[str, str]:
        """Return what queues are called now that were renamed."""
        rows = self._run("read_old_names")
        return {str(decode_text(old)): str(decode_text(new)) for old, new in rows}

    def pause(
        self, queue: str, partition: int | None, key: str | None, reason: str | None, until: datetime | None
    ) -> None:
        """Write a pause, in the place of an older one of the same."""
        self.resume(queue, partition, key)
        place = {"queue": queue, "partition": partition, "message_key": self._text(key)}
        self._run("insert_pause", **place, reason=self._text(reason), ends_at=encode_time(until))

    def resume(self, queue: str, partition: int | None, key: str | None, *, everything: bool = False) -> int:
        """Delete the pauses of exactly this, or all of the queue; return how many had not ended."""
        which = {"queue": queue, "partition": partition, "message_key": self._text(key)}
        deleted: Sequence[tuple[Any, ...]] = ()
        if "find_pauses" in self._catalog:
            deleted = self._run("find_pauses", **which, everything=everything)
        rows = self._run("delete_pauses", **which, everything=everything)
        return sum(bool(row[0]) for row in deleted or rows)


def lasting(row: tuple[Any, ...]) -> Lasting:
    """Return a row of ``read_pauses``."""
    queue, partition, key, reason, paused_at, ends_at, ends_in = row
    pause = Pause(
        str(decode_text(queue)),
        None if partition is None else int(partition),
        decode_text(key),
        decode_text(reason),
        decode_time(paused_at),
        decode_time(ends_at),
    )
    return Lasting(pause, None if ends_in is None else float(ends_in))
