"""The statements of ``dead_letters.sql`` on one connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from outbox.connections.connection import ProducerConnection
from outbox.dead_letters.letter import DeadLetter, DeadLetterGroup, DeadLetterStatus
from outbox.dead_letters.scope import DeadLetterFilter, DeadLetterScope
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write
from outbox.statements import Catalog, Rows
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
        return self._run("newest_dead_letters", **shown, status=status.value, limit=limit).integers()

    def oldest(self, scope: DeadLetterScope, status: DeadLetterStatus, after: int, limit: int) -> list[int]:
        """Return ids of one status above ``after``, oldest first; claims only once they are overdue."""
        shown = {**self._where(scope), "after_id": after}
        return self._run("oldest_dead_letters", **shown, status=status.value, limit=limit).integers()

    def among(self, ids: Sequence[int], wanted: DeadLetterScope) -> list[tuple[int, DeadLetterStatus, bool]]:
        """Return which of the ids match, with status and whether their deadline has passed."""
        rows = self._run("dead_letters_among", ids=self._list(ids), **self._where(wanted))
        return [
            (int(row.id), DeadLetterStatus(decode_text(row.status)), bool(int(row.overdue)))
            for row in rows.named()
        ]

    def count(self, wanted: DeadLetterFilter, status: DeadLetterStatus) -> int:
        """Count what matches, of one status."""
        shown = {**self._where(wanted), "before_id": wanted.after_id or TOP}
        return int(self._run("count_dead_letters", **shown, status=status.value).value())

    def total(self) -> int:
        """Count all there are."""
        return sum(int(row.n) for row in self._run("count_dead_letters_by_status").named())

    def read(self, ids: Sequence[int]) -> list[DeadLetter]:
        """Return whole letters, by id."""
        if not ids:
            return []
        rows = self._run("read_dead_letters", ids=self._list(ids))
        return sorted((letter(row, self._names) for row in rows.named()), key=lambda found: found.id)

    def lock_open(self, ids: Sequence[int]) -> dict[int, int]:
        """Lock those that are pending or overdue, and not locked; return ids with payload sizes."""
        if not ids:
            return {}
        rows = self._run("lock_open_dead_letters", ids=self._list(ids)).named()
        return dict(sorted((int(row.id), int(row.size)) for row in rows))

    def lock_claimed(self, ids: Sequence[int], claim: str) -> list[int]:
        """Lock those that this claim still holds; waits for locked ones."""
        return sorted(self._run("lock_claimed_dead_letters", ids=self._list(ids), claim=claim).integers())

    def lock_completed(self, ids: Sequence[int]) -> list[int]:
        """Lock those that are resolved or discarded, and not locked."""
        return sorted(self._run("lock_completed_dead_letters", ids=self._list(ids)).integers()) if ids else []

    def claim(self, ids: Sequence[int], claim: str, timeout: float) -> None:
        """Hand locked letters to a claimant, for ``timeout`` seconds by the database's clock."""
        if ids:
            micro = round(timeout * 1_000_000)
            self._run("claim_dead_letters", ids=self._list(ids), claim=claim, timeout_us=micro)

    def complete(self, ids: Sequence[int], status: DeadLetterStatus) -> None:
        """Resolve or discard locked letters."""
        if ids:
            self._run("complete_dead_letters", ids=self._list(ids), status=status.value)

    def reject(self, ids: Sequence[int], reason: str, kind: str) -> None:
        """Give locked letters back, with one attempt more."""
        if ids:
            text = self.catalog.dialect.encode_text
            sent = {"reason": text(reason), "fingerprint": text(kind)}
            self._run("reject_dead_letters", ids=self._list(ids), **sent)

    def groups(self, wanted: DeadLetterFilter, status: DeadLetterStatus) -> list[DeadLetterGroup]:
        """Return the groups of one status, the largest first."""
        rows = self._run("group_dead_letters", **self._where(wanted), status=status.value)
        return [
            DeadLetterGroup(
                str(decode_text(row.fingerprint)),
                int(row.letters),
                decode_time(row.first_failed_at),
                decode_time(row.last_failed_at),
                int(row.example),
            )
            for row in rows.named()
        ]

    def delete(self, ids: Sequence[int]) -> None:
        """Delete locked letters."""
        if ids:
            self._run("delete_dead_letters", ids=self._list(ids))

    def enqueue(self, messages: Sequence[PreparedMessage]) -> list[int]:
        """Write messages to the beginning of the pipeline; return their ids."""
        return write(self.connection, self.catalog, messages)

    def _run(self, statement: str, **parameters: Any) -> Rows:
        return self.connection.query(self.catalog[statement], parameters)

    def _list(self, ids: Sequence[int]) -> str:
        return self.catalog.dialect.integers(ids)

    def _where(self, scope: DeadLetterScope) -> dict[str, Any]:
        return {
            "partition_id": scope.partition_id,
            "queue": scope.queue,
            "payload_type": scope.payload_type,
            "fingerprint": self.catalog.dialect.encode_text(scope.group),
            "message_key": self.catalog.dialect.encode_text(key_text(scope.key)),
            "failed_after": encode_time(scope.failed_after),
            "failed_before": encode_time(scope.failed_before),
        }


def letter(row: Any, names: Names) -> DeadLetter:
    """Return a row of ``read_dead_letters``."""
    message_id, partition_id, seq = int(row.message_id), int(row.partition_id), int(row.seq)
    enqueued = decode_time(row.created_at)
    return DeadLetter(
        id=int(row.id),
        message_id=message_id,
        queue=str(decode_text(row.queue)),
        partition=int(row.partition),
        partition_id=partition_id,
        seq=seq,
        payload=bytes(row.payload),
        payload_type=str(decode_text(row.payload_type)),
        headers=headers_of(decode_text(row.headers)),
        created_at=enqueued,
        failed_at=decode_time(row.failed_at),
        last_error=decode_text(row.last_error),
        attempts=int(row.attempts),
        status=DeadLetterStatus(decode_text(row.status)),
        completed_at=decode_time(row.completed_at),
        deadline=decode_time(row.deadline),
        claim=decode_text(row.claim),
        key=decode_text(row.message_key),
        uid=str(decode_text(row.uid)) if row.uid else names.uid(message_id, enqueued),
        source=names.source(partition_id, seq),
        origin=decode_text(row.origin),
        group="" if row.fingerprint is None else str(decode_text(row.fingerprint)),
        first_failed_at=decode_time(row.first_failed_at),
    )


def headers_of(stored: str | None) -> Mapping[str, str]:
    """Return stored headers; those that cannot be read, for which the letter may be here, under one name."""
    with suppress(ValueError, TypeError, RecursionError):
        headers = decode_headers(stored)
        if all(isinstance(value, str) for value in headers.values()):
            return headers
    return {UNREADABLE: stored or ""}
