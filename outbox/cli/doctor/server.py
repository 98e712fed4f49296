"""The server: version, row locks, isolation, binary log."""

from __future__ import annotations

import sqlite3

from outbox.backends.sqlite.monitoring import wal_is_unsafe
from outbox.cli.doctor.finding import Finding, not_applicable, ok, problem, warning
from outbox.cli.doctor.patient import Patient
from outbox.errors import DatabaseError

NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}


def examine(patient: Patient) -> list[Finding]:
    """Look at the server; its age was checked when it was reached."""
    if patient.is_sqlite:
        return [sqlite_version(), journal_mode(patient), *without_server()]
    facts = patient.facts
    version = facts.get("server_version") or facts.get("version", "of an unknown version")
    found = [ok("server", f"{NAMES[patient.backend.name]} {version.split('-')[0].split(' ')[0]}")]
    return [*found, skip_locked(patient), isolation(patient), *binary_log(facts)]


def sqlite_version() -> Finding:
    """Some versions can lose a WAL database."""
    version = sqlite3.sqlite_version
    if wal_is_unsafe(sqlite3.sqlite_version_info):
        return warning(
            "server",
            f"SQLite {version} can, very rarely, corrupt a WAL database that several connections write",
            "upgrade SQLite to 3.51.3 or later (or 3.50.7, 3.44.6)",
        )
    return ok("server", f"SQLite {version}")


def journal_mode(patient: Patient) -> Finding:
    """Readers and the writer wait for each other in every mode but WAL."""
    mode = str(patient.backend.look("journal_mode")[0][0])
    if mode == "wal":
        return ok("journal", "write-ahead log")
    advice = f"run: outbox schema migrate{patient.settings.options()}"
    return warning("journal", f"mode {mode}: readers and the writer wait for each other", advice)


def without_server() -> list[Finding]:
    """Say what SQLite has no need of."""
    return [
        not_applicable("skip locked", "SQLite has one write lock and no row locks"),
        not_applicable("isolation", "SQLite's transactions are serializable"),
    ]


def skip_locked(patient: Patient) -> Finding:
    """Several workers share the tables by skipping each other's rows."""
    try:
        patient.backend.look("skip_locked")
    except DatabaseError as error:
        return problem("skip locked", f"the server refuses it: {error}", "upgrade the server")
    return ok("skip locked", "the server knows it")


def isolation(patient: Patient) -> Finding:
    """The statements are made for READ COMMITTED."""
    facts = patient.facts
    if patient.backend.catalog.backend == "mysql":
        level = facts.get("transaction_isolation") or facts.get("tx_isolation", "unknown")
        return ok("isolation", f"the workers set READ COMMITTED themselves; the server's default is {level}")
    level = facts["default_transaction_isolation"]
    if level != "read committed":
        return warning(
            "isolation",
            f"sessions of this user begin in {level}: workers will retry conflicts that need not be",
            "let the workers' role have default_transaction_isolation = 'read committed'",
        )
    return ok("isolation", level)


def binary_log(facts: dict[str, str]) -> list[Finding]:
    """InnoDB refuses to write in READ COMMITTED while the log holds statements."""
    if facts.get("log_bin", "OFF") in {"OFF", "0"}:
        return []
    form = facts.get("binlog_format", "ROW")
    if form == "STATEMENT":
        advice = "set binlog_format to ROW or MIXED"
        return [
            problem("binary log", "binlog_format is STATEMENT, which refuses READ COMMITTED writes", advice)
        ]
    return [ok("binary log", f"binlog_format is {form}")]
