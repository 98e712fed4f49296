"""The statements of ``dead_letters.sql`` on one connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from outbox.connections.connection import ProducerConnection
from outbox.dead_letters.letter import DeadLetter, DeadLetterStatus
from outbox.dead_letters.scope import DeadLetterFilter, DeadLetterScope
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write
from outbox.statements import Catalog
from outbox.statements.dialect import decode_text, decode_time, encode_time
from outbox.values.headers import decode_headers
from outbox.values.identity import Names
from outbox.values.keys import key_text

# Above every id: a listing begins just below it.
TOP = 2**63 - 1
UNREADABLE = "unreadable-headers"


class Store:
    """Typed statements, in whatever transaction is open on the connection; errors are the driver's."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog, names: Names) -> None:
        self._names = names
        self.connection = connection
        self.catalog = catalog

    def newest(self, wanted: DeadLetterFilter, status: DeadLetterStatus, limit: int) -> list[int]:
        """Return ids of one status, newest first."""
        shown = {**self._where(wanted), "before_id": wanted.after_id or TOP}
        return _ids(self._run("newest_dead_letters", **shown, status=status.value, limit=limit))

    def oldest(self, scope: DeadLetterScope, status: DeadLetterStatus, after: int, limit: int) -> list[int]:
        """Return ids of one status above ``after``, oldest first; claims only once they are overdue."""
        shown = {**self._where(scope), "after_id": after}
        return _ids(self._run("oldest_dead_letters", **shown, status=status.value, limit=limit))

    def among(self, ids: Sequence[int], wanted: DeadLetterScope) -> list[tuple[int, DeadLetterStatus, bool]]:
        """Return which of the ids match, with status and whether their deadline has passed."""
        rows = self._run("dead_letters_among", ids=self._list(ids), **self._where(wanted))
        return [
            (int(id_), DeadLetterStatus(decode_text(status)), bool(int(late))) for id_, status, late in rows
        ]

    def count(self, wanted: DeadLetterFilter, status: DeadLetterStatus) -> int:
        """Count what matches, of one status."""
        shown = {**self._where(wanted), "before_id": wanted.after_id or TOP}
        return int(self._run("count_dead_letters", **shown, status=status.value)[0][0])

    def total(self) -> int:
        """Count all there are."""
        return sum(int(n) for _, n in self._run("count_dead_letters_by_status"))

    def read(self, ids: Sequence[int]) -> list[DeadLetter]:
        """Return whole letters, by id."""
        if not ids:
            return []
        rows = self._run("read_dead_letters", ids=self._list(ids))
        return sorted((letter(row, self._names) for row in rows), key=lambda found: found.id)

    def lock_open(self, ids: Sequence[int]) -> dict[int, int]:
        """Lock those that are pending or overdue, and not locked; return ids with payload sizes."""
        rows = self._run("lock_open_dead_letters", ids=self._list(ids)) if ids else []
        return dict(sorted((int(id_), int(size)) for id_, size in rows))

    def lock_claimed(self, ids: Sequence[int], claim: str) -> list[int]:
        """Lock those that this claim still holds; waits for locked ones."""
        return sorted(_ids(self._run("lock_claimed_dead_letters", ids=self._list(ids), claim=claim)))

    def lock_completed(self, ids: Sequence[int]) -> list[int]:
        """Lock those that are resolved or discarded, and not locked."""
        rows = self._run("lock_completed_dead_letters", ids=self._list(ids)) if ids else []
        return sorted(_ids(rows))

    def claim(self, ids: Sequence[int], claim: str, timeout: float) -> None:
        """Hand locked letters to a claimant, for ``timeout`` seconds by the database's clock."""
        if ids:
            micro = round(timeout * 1_000_000)
            self._run("claim_dead_letters", ids=self._list(ids), claim=claim, timeout_us=micro)

    def complete(self, ids: Sequence[int], status: DeadLetterStatus) -> None:
        """Resolve or discard locked letters."""
        if ids:
            self._run("complete_dead_letters", ids=self._list(ids), status=status.value)

    def reject(self, ids: Sequence[int], reason: str) -> None:
        """Give locked letters back, with one attempt more."""
        if ids:
            sent = self.catalog.dialect.encode_text(reason)
            self._run("reject_dead_letters", ids=self._list(ids), reason=sent)

    def delete(self, ids: Sequence[int]) -> None:
        """Delete locked letters."""
        if ids:
            self._run("delete_dead_letters", ids=self._list(ids))

    def enqueue(self, messages: Sequence[PreparedMessage]) -> list[int]:
        """Write messages to the beginning of the pipeline; return their ids."""
        return write(self.connection, self.catalog, messages)

    def _run(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(self.catalog[statement], parameters)

    def _list(self, ids: Sequence[int]) -> str:
        return self.catalog.dialect.integers(ids)

    def _where(self, scope: DeadLetterScope) -> dict[str, Any]:
        return {
            "partition_id": scope.partition_id,
            "queue": scope.queue,
            "payload_type": scope.payload_type,
            "message_key": self.catalog.dialect.encode_text(key_text(scope.key)),
            "failed_after": encode_time(scope.failed_after),
            "failed_before": encode_time(scope.failed_before),
        }


def _ids(rows: Sequence[tuple[Any, ...]]) -> list[int]:
    return [int(row[0]) for row in rows]


def letter(row: tuple[Any, ...], names: Names) -> DeadLetter:
    """Return a row of ``read_dead_letters``."""
    id_, message_id, queue, partition, partition_id, seq, payload, payload_type, headers, *rest = row
    created_at, failed_at, last_error, attempts, status, completed_at, deadline, claim, *named = rest
    key, uid, origin = map(decode_text, named)
    enqueued = decode_time(created_at)
    return DeadLetter(
        id=int(id_),
        message_id=int(message_id),
        queue=str(decode_text(queue)),
        partition=int(partition),
        partition_id=int(partition_id),
        seq=int(seq),
        payload=bytes(payload),
        payload_type=str(decode_text(payload_type)),
        headers=headers_of(decode_text(headers)),
        created_at=enqueued,
        failed_at=decode_time(failed_at),
        last_error=decode_text(last_error),
        attempts=int(attempts),
        status=DeadLetterStatus(decode_text(status)),
        completed_at=decode_time(completed_at),
        deadline=decode_time(deadline),
        claim=decode_text(claim),
        key=key,
        uid=str(uid) if named[1] else names.uid(int(message_id), enqueued),
        source=names.source(int(partition_id), int(seq)),
        origin=origin,
    )


def headers_of(stored: str | None) -> Mapping[str, str]:
    """Return stored headers; those that cannot be read, for which the letter may be here, under one name."""
    with suppress(ValueError, TypeError, RecursionError):
        headers = decode_headers(stored)
        if all(isinstance(value, str) for value in headers.values()):
            return headers
    return {UNREADABLE: stored or ""}
