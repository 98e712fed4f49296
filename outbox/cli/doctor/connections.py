"""Connections and wake-ups: what the application's threads need, and what there is."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from outbox.cli.doctor.finding import Finding, not_applicable, ok, problem, warning
from outbox.cli.doctor.patient import Patient
from outbox.errors import DatabaseError
from outbox.facade.assembly import PRODUCER_CONNECTIONS, SERVICE_CONNECTIONS, wants_notify
from outbox.facade.options import Options

# Listener and notifier.
WAKEUP_CONNECTIONS = 2
NEARLY_ALL = 0.9


def examine(patient: Patient) -> list[Finding]:
    """Look at the pool, the server's limit and the wake-ups."""
    return [pool(patient), server_limit(patient), wakeups(patient)]


def needed(options: Options) -> int:
    """Return how many connections a process with these options uses at most, wake-ups apart."""
    return options.processors + options.sequencers + SERVICE_CONNECTIONS


def pool(patient: Patient) -> Finding:
    """Compare the threads with the pool that they share."""
    options = patient.options
    if options is None:
        return not_applicable("pool", "give --builder module:builder to compare its threads with its pool")
    threads = needed(options)
    size = size_of(options.target)
    if size is None:
        return ok("pool", f"of its own, for {threads} threads and {PRODUCER_CONNECTIONS} producers")
    if size < threads:
        return problem(
            "pool",
            f"{size} connections at most for {threads} worker threads, beside what the application needs",
            f"let the pool grow to {threads} and more, or lower processors({options.processors})",
        )
    return ok("pool", f"{size} connections at most for {threads} worker threads")


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


def server_limit(patient: Patient) -> Finding:
    """Compare the connections that the server has with those that it allows."""
    if patient.is_sqlite:
        return not_applicable("connections", "SQLite has no server")
    facts = patient.facts
    limit = int(facts["max_connections"])
    used = int(facts.get("connections") or facts.get("threads_connected", "0"))
    options = patient.options or Options("")
    wanted = needed(options) + (WAKEUP_CONNECTIONS if patient.backend.can_notify else 0)
    text = f"{used} of {limit} in use; a process with {options.processors} processors takes up to {wanted}"
    if used + wanted > limit * NEARLY_ALL:
        advice = "raise max_connections, put a pooler in between, or start fewer processors"
        return warning("connections", text, advice)
    return ok("connections", text)


def wakeups(patient: Patient) -> Finding:
    """Prove that a notification arrives."""
    if not patient.backend.can_notify:
        return not_applicable("wake-ups", "other processes find new messages by polling here")
    if patient.options is not None and not wants_notify(patient.options, patient.backend):
        return not_applicable("wake-ups", "the builder says wakeup('poll')")
    try:
        patient.backend.listen().close()
    except DatabaseError as error:
        return warning(
            "wake-ups",
            f"notifications do not arrive: {error}",
            "a pooler in transaction mode swallows them: name the server itself by "
            "wakeup('auto', listen_url=…), or accept up to one poll interval of delay",
        )
    return ok("wake-ups", "a notification was sent and arrived")
