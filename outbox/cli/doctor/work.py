"""The work: who does it, who fails at it, and what was given up."""

from __future__ import annotations

import time
from itertools import groupby
from operator import attrgetter

from outbox.cli.doctor.finding import Finding, ok, problem, warning
from outbox.cli.doctor.patient import Patient
from outbox.cli.status_view import fails, failures, read_status
from outbox.cli.words import count, duration, shortened
from outbox.facade.status import OutboxStatus, QueuePartitionStatus

ERROR_WIDTH = 120


def examine(patient: Patient) -> list[Finding]:
    """Look once, and a second time at what seems to stand still."""
    found = read_status(patient.backend)
    return [
        *stalled(patient, found),
        *failing(found),
        *unexplained(found),
        *letters(patient, found),
    ]


def stalled(patient: Patient, found: OutboxStatus) -> list[Finding]:
    """Find queues with old messages that nobody has a lease on and whose cursor does not move.

    A transactional handler holds a row lock and no lease. Where the database has none to ask for, only
    a second look tells it from nobody.
    """

    def waits(row: QueuePartitionStatus) -> bool:
        return row.held_for is None and (row.oldest_age or 0.0) > patient.stalled_after

    suspects = {row.partition_id: row for row in found.partitions if waits(row)}
    if suspects:
        time.sleep(patient.watched_for)
        again = {row.partition_id: row for row in read_status(patient.backend).partitions}
        suspects = {
            key: row
            for key, row in suspects.items()
            if key in again and waits(again[key]) and again[key].processed_seq == row.processed_seq
        }
        suspects = {
            key: row
            for key, row in suspects.items()
            if patient.backend.look("free_processor", partition_id=key)
        }
    if not suspects:
        return [ok("workers", "no queue has a backlog that nobody works on")]
    rows = sorted(suspects.values(), key=attrgetter("queue"))
    return [nobody(name, list(group)) for name, group in groupby(rows, attrgetter("queue"))]


def nobody(queue: str, rows: list[QueuePartitionStatus]) -> Finding:
    """Report a queue that nobody works on."""
    waiting = sum(row.incoming + row.backlog for row in rows)
    oldest = max(row.oldest_age or 0.0 for row in rows)
    return problem(
        "workers",
        f"queue {queue}: {count(waiting, 'message')} in {count(len(rows), 'partition')} and nobody "
        f"working on them, the oldest for {duration(oldest)}",
        "start a process that declares this queue with a handler (outbox run module:builder), or look why "
        "its workers fail",
    )


def failing(found: OutboxStatus) -> list[Finding]:
    """Find partitions whose first message fails again and again."""
    rows = [row for row in found.partitions if fails(row) and row.last_error]
    return [head(row) for row in rows] or [ok("heads", "no partition is held up by a failing message")]


def head(row: QueuePartitionStatus) -> Finding:
    """Report a partition's first message; one whose failures do not count waits for something else."""
    if (times := failures(row)) > 0:
        what = f"has failed {count(times, 'time')}"
        advice = "fix the handler, or declare the queue with max_attempts so that it goes to the dead letters"
    else:
        what = "is tried again and again"
        advice = "see to what its handler waits for: it says that this failure does not count (counts=False)"
    return warning(
        "heads",
        f"queue {row.queue}, partition {row.partition}: message {row.processed_seq + 1} {what} and holds up "
        f"{count(row.incoming + row.backlog - 1, 'message')}: {shortened(row.last_error, ERROR_WIDTH)}",
        advice,
    )


def unexplained(found: OutboxStatus) -> list[Finding]:
    """Find starts that ended without a word: the process died, or the handler took longer than its lease."""
    rows = [row for row in found.partitions if row.lease_holder and without_a_word(row)]
    if not rows:
        return [ok("leases", "no lease has run out under its handler")]
    return [
        warning(
            "leases",
            f"queue {row.queue}, partition {row.partition}: the lease of "
            f"{row.lease_holder if row.held_for is None else 'whoever had it before'} ran out before "
            f"its handler reported back ({count(without_a_word(row), 'start')} of message "
            f"{row.processed_seq + 1})",
            "if the process still lives, its handler takes longer than the lease: give it a longer "
            "LeaseConfig(duration=…) or renewals; if it died, find out why",
        )
        for row in rows
    ]


def without_a_word(row: QueuePartitionStatus) -> int:
    """Return how many starts of a partition's head have come to nothing, as far as the row tells.

    The next owner takes over within a second, so the lease that ran out is rarely seen. But its start is
    still counted, beside the one that runs now; failures are, too, and leave their error.
    """
    if row.held_for is None:
        return row.attempts
    return 0 if row.last_error else row.attempts - 1


def letters(patient: Patient, found: OutboxStatus) -> list[Finding]:
    """Report dead letters that wait for a decision."""
    pending = found.dead_letters.get("pending", 0)
    if not pending:
        return [ok("dead letters", "none is pending")]
    options = patient.settings.options()
    advice = f"look: outbox dead-letters list{options}; then replay, requeue or discard them"
    return [warning("dead letters", f"{count(pending, 'letter')} pending", advice)]
