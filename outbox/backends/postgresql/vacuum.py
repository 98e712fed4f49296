"""The vacuum on PostgreSQL: one statement."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.postgresql.session import Operations
from outbox.backends.retry import retry_contention
from outbox.statements.dialect import POSTGRESQL


class Vacuuming(Operations):
    """See `outbox.backends.protocol.Vacuuming`."""

    @retry_contention
    def vacuum(self, partition_ids: Sequence[int], limit: int) -> int:
        rows = self._db.query("vacuum", partition_ids=POSTGRESQL.integers(partition_ids), limit=limit)
        return int(rows.value())

    @retry_contention
    def forget_keys(self, limit: int) -> int:
        return int(self._db.query("forget_keys", keep=False, limit=limit).value())
