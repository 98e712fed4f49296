"""The application's pool: with fewer connections than worker threads, threads wait for each other."""

from __future__ import annotations

from outbox.backends.connect import size_of_users_pool
from outbox.doctor.finding import Finding, not_applicable, ok, problem
from outbox.doctor.patient import Patient
from outbox.facade.assembly import worker_connections

CHECK = "pool"


def examine(patient: Patient) -> list[Finding]:
    """Compare the threads with the pool that they share."""
    options = patient.options
    if options is None:
        return [not_applicable(CHECK, "give --builder module:builder to compare its threads with its pool")]
    threads = worker_connections(options)
    size = size_of_users_pool(options.target)
    if size is None:
        return [ok(CHECK, f"of its own, for {threads} threads and {options.producer_connections} producers")]
    text = f"{size} connections at most for {threads} worker threads"
    if size < threads:
        advice = f"let the pool grow to {threads} and more, or lower processors({options.processors})"
        return [problem(CHECK, f"{text}, beside what the application needs", advice)]
    return [ok(CHECK, text)]
