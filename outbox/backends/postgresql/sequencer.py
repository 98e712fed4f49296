"""Sequencing on PostgreSQL: one statement each."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from outbox.backends.postgresql.errors import QUEUE_FULL
from outbox.backends.postgresql.kept_plans import MANY
from outbox.backends.postgresql.session import Operations
from outbox.backends.records import Ids, Look, Pending, Sequenced
from outbox.backends.retry import retry_contention
from outbox.clock import monotonic
from outbox.errors import DatabaseError
from outbox.runtime.throttle import Throttle
from outbox.statements import Rows
from outbox.statements.dialect import POSTGRESQL

FEW = 16
"""Messages of one partition that a pass may move in any case: a busy partition is no flood."""


QUIET_SECONDS = 10.0
"""For so long no pass is announced after the server's queue was full: each would be run twice."""

log = logging.getLogger("outbox.backends.postgres")
TROUBLES = Throttle()


class Passed(NamedTuple):
    """A partition that `sequence` locked."""

    partition_id: int
    first_seq: int
    moved: int
    raced: bool


class Sequencing(Operations):
    """See `outbox.backends.protocol.Sequencing`."""

    _channel: str
    _origin: str
    _quiet_until = -math.inf

    def pending(self, partition_ids: Sequence[int]) -> Look:
        rows = self._db.query("pending", partition_ids=POSTGRESQL.integers(partition_ids))
        return Look.of(rows.read(Pending))

    @retry_contention
    def sequence(
        self,
        partition_ids: Ids,
        limit: int,
        *,
        notify: bool = False,
        durable: bool = True,
        behind: Ids = (),
    ) -> list[Sequenced]:
        # With a plan that the server kept it moves few. When there are many, the next passes are planned for
        # themselves and move as many as they may; see `KeptPlans`.
        plans = self._db.plans
        keep = plans.usable("sequence")
        few = max(FEW, MANY // max(len(partition_ids), 1))
        most = min(limit, few) if keep else limit
        run = partial(
            self._db.query,
            "sequence",
            keep=keep,
            count=moved_by,
            partition_ids=POSTGRESQL.integers(partition_ids),
            limit=most,
            origin=self._origin,
            durable=durable,
            behind=POSTGRESQL.integers(behind),
        )
        rows = self._announced(run) if notify else run(channel="")
        passed = rows.read(Passed)
        held_back = {row.partition_id for row in passed if most <= row.moved < limit}
        if held_back or moved_by(rows) >= MANY:
            plans.outgrown("sequence")
        return [
            Sequenced(
                row.partition_id, row.first_seq, row.moved, more=row.raced or row.partition_id in held_back
            )
            for row in passed
        ]

    @retry_contention
    def sequence_due(
        self, partition_ids: Ids, limit: int, *, durable: bool = True, behind: Ids = ()
    ) -> list[Sequenced]:
        # Planned at each run: rare, and a plan kept from an empty table would scan a full one.
        rows = self._db.query(
            "sequence_due",
            keep=False,
            partition_ids=POSTGRESQL.integers(partition_ids),
            limit=limit,
            durable=durable,
            behind=POSTGRESQL.integers(behind),
        )
        return [
            Sequenced(row.partition_id, row.first_seq, row.moved, more=row.raced) for row in rows.read(Passed)
        ]

    def _announced(self, run: Callable[..., Rows]) -> Rows:
        """Run a pass that tells other processes, who find it by polling while the server's queue is full."""
        if monotonic() < self._quiet_until:
            return run(channel="")
        try:
            return run(channel=self._channel)
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) != QUEUE_FULL:
                raise
            self._say_full(error)
        # The whole pass was undone.
        return run(channel="")

    def _say_full(self, error: DatabaseError) -> None:
        self._quiet_until = monotonic() + QUIET_SECONDS
        if TROUBLES.admit(QUEUE_FULL) is not None:
            log.warning(
                "%s; other processes find the messages by polling: end the session that listens and stands "
                "in a transaction, see pg_stat_activity and pg_notification_queue_usage()",
                error,
                extra={"event": "outbox.notifications_full"},
            )


def moved_by(rows: Rows) -> int:
    """Return how many messages a pass moved."""
    return sum(map(rows.getter("moved"), rows))
