"""Rows deleted by hand from the outgoing table: a partition waits for a sequence number that is gone."""

from __future__ import annotations

from outbox.doctor.finding import Finding, problem
from outbox.doctor.patient import Patient


def examine(patient: Patient) -> list[Finding]:
    """Report partitions blocked by a deleted row; nothing otherwise."""
    return [
        gap(queue, partition, partition_id, cursor, next_seq)
        for queue, partition, partition_id, cursor, next_seq in patient.backend.query("missing_messages")
    ]


def gap(queue: str, partition: int, partition_id: int, cursor: int, next_seq: int | None) -> Finding:
    """Report one partition."""
    last = "and all after it" if next_seq is None else f"to {next_seq - 1}"
    several = next_seq != cursor + 2
    missing = f"messages {cursor + 1} {last} have" if several else f"message {cursor + 1} has"
    go_on = "the partition's sequence" if next_seq is None else next_seq - 1
    return problem(
        "gaps",
        f"queue {queue}, partition {partition}: {missing} been deleted from the outgoing table, so nothing "
        f"is delivered after message {cursor}",
        f"put the rows back; or give them up: set processed_seq to {go_on} where partition_id is "
        f"{partition_id} in the processor table",
    )
