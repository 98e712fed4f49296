"""Messages that no worker takes: no process declares their queue, or its workers fail."""

from __future__ import annotations

import time
from itertools import groupby
from operator import attrgetter

from outbox.doctor.finding import Finding, ok, problem
from outbox.doctor.patient import Patient
from outbox.facade.status import QueuePartitionStatus, read_status
from outbox.values.readable import count, duration

CHECK = "workers"


def examine(patient: Patient) -> list[Finding]:
    """Find queues with old messages without a lease, whose cursor does not move."""
    rows = sorted(standing(patient).values(), key=attrgetter("queue"))
    if not rows:
        return [ok(CHECK, "every queue with a backlog has a worker")]
    return [report(name, list(group)) for name, group in groupby(rows, attrgetter("queue"))]


def standing(patient: Patient) -> dict[int, QueuePartitionStatus]:
    """Return the partitions that stand still, by id.

    A transactional handler holds a row lock and no lease. Where the database cannot tell who holds a lock,
    only a second look tells a slow handler from none.
    """

    def waits(row: QueuePartitionStatus) -> bool:
        return row.held_for is None and not row.waits and (row.oldest_age or 0.0) > patient.stalled_after

    waiting = {row.partition_id: row for row in patient.status.partitions if waits(row)}
    if not waiting:
        return {}
    time.sleep(patient.watched_for)
    again = {row.partition_id: row for row in read_status(patient.backend).partitions if waits(row)}
    return {
        key: row
        for key, row in waiting.items()
        if key in again
        and again[key].processed_seq == row.processed_seq
        and patient.backend.query("free_processor", partition_id=key)
    }


def report(queue: str, rows: list[QueuePartitionStatus]) -> Finding:
    """Report a queue without a worker."""
    waiting = sum(row.incoming + row.backlog for row in rows)
    oldest = max(row.oldest_age or 0.0 for row in rows)
    return problem(
        CHECK,
        f"queue {queue}: {count(waiting, 'message')} in {count(len(rows), 'partition')} and no worker "
        f"taking them, the oldest for {duration(oldest)}",
        "start a process that declares this queue with a handler (outbox run module:builder), or look why "
        "its workers fail",
    )
