"""The application's pool: with fewer connections than worker threads, threads wait for each other."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from outbox.doctor.finding import Finding, not_applicable, ok, problem
from outbox.doctor.patient import Patient
from outbox.facade.assembly import PRODUCER_CONNECTIONS, SERVICE_CONNECTIONS
from outbox.facade.options import Options

CHECK = "pool"


def examine(patient: Patient) -> list[Finding]:
    """Compare the threads with the pool that they share."""
    options = patient.options
    if options is None:
        return [not_applicable(CHECK, "give --builder module:builder to compare its threads with its pool")]
    threads = needed(options)
    size = size_of(options.target)
    if size is None:
        return [ok(CHECK, f"of its own, for {threads} threads and {PRODUCER_CONNECTIONS} producers")]
    text = f"{size} connections at most for {threads} worker threads"
    if size < threads:
        advice = f"let the pool grow to {threads} and more, or lower processors({options.processors})"
        return [problem(CHECK, f"{text}, beside what the application needs", advice)]
    return [ok(CHECK, text)]


def needed(options: Options) -> int:
    """Return how many connections a process with these options uses at most, wake-ups apart."""
    return options.processors + options.sequencers + SERVICE_CONNECTIONS


def size_of(target: object) -> int | None:
    """Return how far a pool of the user can grow; None for a URL and for pools without a limit."""
    if isinstance(target, Engine):
        shared = target.pool
        overflow = getattr(shared, "_max_overflow", -1)
        if not isinstance(shared, QueuePool) or overflow < 0:
            return None
        return int(shared.size()) + int(overflow)
    size = getattr(target, "max_size", None)
    return size if isinstance(size, int) else None
