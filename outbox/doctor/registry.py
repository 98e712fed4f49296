"""Which checks there are, in which order, and how they are run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module

from outbox.doctor.finding import Finding, Level, problem
from outbox.doctor.patient import Patient
from outbox.errors import OutboxError

NEEDS = "migrations"
"""The check that tells whether the tables are there; those after it are run only when they are."""

CHECKS: tuple[str, ...] = (
    # This process, and the way to the server.
    "driver",
    "clock",
    "pooler",
    "row_security",
    "migrations",
    # The server and its settings.
    "server",
    "journal",
    "skip_locked",
    "isolation",
    "limits",
    "binary_log",
    # The tables.
    "drift",
    "identities",
    # The application's pool, threads and wake-ups.
    "pool",
    "connections",
    "wakeups",
    # What the workers do.
    "locks",
    "workers",
    "heads",
    "leases",
    "pauses",
    "parked",
    "resizes",
    "rates",
    "kept",
    "dropped",
    "dead_letters",
    "gaps",
    "leftovers",
    "claims",
    "delayed",
)
"""Modules of `outbox.doctor.checks`, in the order in which their findings are read."""


def examine(patient: Patient, checks: Sequence[str] = CHECKS) -> Iterator[Finding]:
    """Yield every finding of the checks; a check that fails is a finding itself."""
    for check in checks:
        found = list(attempt(check, patient))
        yield from found
        if check == NEEDS and any(finding.level is Level.PROBLEM for finding in found):
            return


def attempt(check: str, patient: Patient) -> Iterable[Finding]:
    """Run one check."""
    module = import_module(f"outbox.doctor.checks.{check}")
    try:
        return list(module.examine(patient))
    except OutboxError as error:
        repair = "repair that first, then run the doctor again"
        return [problem(check.replace("_", " "), f"could not be examined: {error}", repair)]
