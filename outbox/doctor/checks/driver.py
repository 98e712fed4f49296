"""The driver: a pure Python one costs several times the CPU for every message."""

from __future__ import annotations

import importlib
import platform
import sqlite3

from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient

CHECK = "driver"


def examine(patient: Patient) -> list[Finding]:
    """Look at the driver that the workers run on."""
    python = f"Python {platform.python_version()}"
    if patient.is_sqlite:
        return [ok(CHECK, f"sqlite3 of {python}, SQLite {sqlite3.sqlite_version}")]
    look = psycopg if patient.backend.catalog.backend == "postgresql" else mysql_connector
    return [look(python)]


def psycopg(python: str) -> Finding:
    """Psycopg runs on its C code, shipped with it or built, or on none."""
    module = importlib.import_module("psycopg")
    text = f"psycopg {module.__version__} ({module.pq.__impl__}) on {python}"
    if module.pq.__impl__ == "python":
        advice = 'install its C code: pip install "psycopg[binary]"'
        return warning(CHECK, f"{text}: every message costs several times the CPU", advice)
    return ok(CHECK, text)


def mysql_connector(python: str) -> Finding:
    """The C extension is left out without a word where it does not fit the system's libraries."""
    module = importlib.import_module("mysql.connector")
    text = f"mysql-connector-python {module.__version__} on {python}"
    if not getattr(module, "HAVE_CEXT", False):
        advice = "install a release whose C extension this system can load, such as mysql-connector-python<26"
        return warning(
            CHECK, f"{text}, without its C extension: every message costs several times the CPU", advice
        )
    return ok(CHECK, f"{text}, with its C extension")
