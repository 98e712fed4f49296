"""The statements of ``failures.sql`` on one connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from outbox.connections.connection import ProducerConnection
from outbox.failures.tracker import FailureEntry, FailureKey
from outbox.statements import Catalog, Rows
from outbox.statements.dialect import decode_text, decode_time, encode_time
from outbox.values.reasons import clean_reason


class Store:
    """Typed statements, in whatever transaction is open on the connection; errors are the driver's."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self.connection = connection
        self._catalog = catalog
        self._dialect = catalog.dialect

    def count(self, key: FailureKey, reason: str) -> int:
        """Add a failure; return how many there are."""
        rows = self._run("count_failure", **key._asdict(), error=self._dialect.encode_text(reason))
        if "failure_count" in self._catalog:
            rows = self._run("failure_count", **key._asdict())
        return int(rows.value())

    def forget(self, key: FailureKey) -> None:
        """Delete a message's row, if there is one."""
        self._run("forget_failure", **key._asdict())

    def exceeded(self, threshold: int) -> list[FailureKey]:
        """Return which messages are at or above the threshold, in the order of their keys."""
        rows = self._run("exceeded_failures", threshold=threshold)
        return sorted(FailureKey(int(row.partition_id), int(row.seq)) for row in rows.named())

    def drain(self, keys: Sequence[FailureKey], threshold: int) -> list[FailureEntry]:
        """Remove and return those of the messages that are still there, not locked, and still exceed."""
        rows = self._run("drain_failures", keys=self._dialect.records(keys), threshold=threshold)
        drained = [entry_of(row) for row in rows.named()]
        if drained and "delete_failures" in self._catalog:
            self._run("delete_failures", keys=self._dialect.records([entry.key for entry in drained]))
        return drained

    def restore(self, entries: Iterable[FailureEntry]) -> None:
        """Insert rows, or add to those that are there."""
        self._run("restore_failures", entries=self._dialect.records(map(self._row, entries)))

    def cursors(self, partition_ids: Iterable[int]) -> dict[int, int]:
        """Return up to where each partition is processed; one that does not exist is left out."""
        rows = self._run("cursors", partition_ids=self._dialect.integers(sorted(partition_ids)))
        return {int(row.partition_id): int(row.processed_seq) for row in rows.named()}

    def _row(self, entry: FailureEntry) -> list[object]:
        """Return an entry as ``restore_failures`` wants it."""
        times = map(encode_time, (entry.first_failed_at, entry.last_failed_at))
        error = self._dialect.encode_text(clean_reason(entry.last_error))
        return [*entry.key, entry.failure_count, *times, error]

    def _run(self, statement: str, **parameters: Any) -> Rows:
        return self.connection.query(self._catalog[statement], parameters)


def entry_of(row: Any) -> FailureEntry:
    """Return a row of ``drain_failures`` as an entry."""
    return FailureEntry(
        FailureKey(int(row.partition_id), int(row.seq)),
        int(row.failure_count),
        decode_time(row.first_failed_at),
        decode_time(row.last_failed_at),
        decode_text(row.last_error) or "",
    )
