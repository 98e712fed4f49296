"""The server's version; whether it is too old was checked when it was reached."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient

CHECK = "server"


def examine(patient: Patient) -> list[Finding]:
    """Name the server and its version; some can lose data."""
    server = patient.backend.describe_server()
    if server.trouble:
        return [warning(CHECK, f"{server.text}: {server.trouble}", server.advice)]
    return [ok(CHECK, server.text)]
