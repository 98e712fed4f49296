"""What people want to know of a SQLite database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from outbox.backends.records import PartitionStatus
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.session import Operations
from outbox.statements.dialect import SQLITE


class Monitoring(Operations):
    """See `outbox.backends.protocol.Monitoring`."""

    @retry_contention
    def partition_status(self, partition_ids: Sequence[int]) -> list[PartitionStatus]:
        rows = self._db.query("partition_status", partition_ids=SQLITE.integers(partition_ids))
        return [row._replace(retired=bool(row.retired)) for row in rows.read(PartitionStatus)]

    @retry_contention
    def dead_letter_counts(self) -> dict[str, int]:
        return self._db.query("count_dead_letters_by_status").mapping("status", "n")

    def query(self, statement: str, **parameters: Any) -> list[Any]:
        return self._db.query(statement, **parameters).named()
