"""The server's version; whether it is too old was checked when it was reached."""

from __future__ import annotations

import sqlite3

from outbox.backends.sqlite.server import wal_is_unsafe
from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient

CHECK = "server"
NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}


def examine(patient: Patient) -> list[Finding]:
    """Name the server and its version."""
    if patient.is_sqlite:
        return [sqlite_version()]
    facts = patient.facts
    version = facts.get("server_version") or facts.get("version", "of an unknown version")
    return [ok(CHECK, f"{NAMES[patient.backend.name]} {version.split('-')[0].split(' ')[0]}")]


def sqlite_version() -> Finding:
    """Some versions can lose a WAL database."""
    version = sqlite3.sqlite_version
    if wal_is_unsafe(sqlite3.sqlite_version_info):
        return warning(
            CHECK,
            f"SQLite {version} can, very rarely, corrupt a WAL database that several connections write",
            "upgrade SQLite to 3.51.3 or later (or 3.50.7, 3.44.6)",
        )
    return ok(CHECK, f"SQLite {version}")
