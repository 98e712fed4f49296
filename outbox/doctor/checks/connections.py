"""The server's limit of connections: the last process to start is refused, or the application is."""

from __future__ import annotations

from outbox.doctor.finding import Finding, not_applicable, ok, warning
from outbox.doctor.patient import Patient
from outbox.facade.assembly import worker_connections
from outbox.facade.options import Options

CHECK = "connections"
# Listener and notifier.
WAKEUP_CONNECTIONS = 2
# A tenth of the limit stays for superusers, backups and a second process in a rolling deployment.
NEARLY_ALL = 0.9


def examine(patient: Patient) -> list[Finding]:
    """Compare the connections that the server has with those that it allows."""
    if patient.is_embedded:
        return [not_applicable(CHECK, "SQLite has no server")]
    facts = patient.facts
    limit = int(facts["max_connections"])
    used = int(facts.get("connections") or facts.get("threads_connected", "0"))
    options = patient.options or Options("")
    wanted = worker_connections(options) + (WAKEUP_CONNECTIONS if patient.backend.can_notify else 0)
    text = f"{used} of {limit} in use; a process with {options.processors} processors takes up to {wanted}"
    if used + wanted > limit * NEARLY_ALL:
        advice = "raise max_connections, put a pooler in between, or start fewer processors"
        return [warning(CHECK, text, advice)]
    return [ok(CHECK, text)]
