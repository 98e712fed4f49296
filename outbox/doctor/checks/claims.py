"""Payloads that lie outside the database, and the messages that have them."""

from __future__ import annotations

from functools import partial

from outbox.backends.claimed import claimed_names
from outbox.doctor.finding import Finding, ok, problem, warning
from outbox.doctor.patient import Patient
from outbox.values.claims import claims_of
from outbox.values.readable import count

CHECK = "claims"


def examine(patient: Patient) -> list[Finding]:
    """Report payloads without messages and messages without payloads; nothing where no codec has them."""
    claims = claims_of(patient.options.codec) if patient.options else None
    if claims is None:
        return []
    try:
        orphans, missing = claims.find_stray(partial(claimed_names, patient.backend))
    except Exception as error:
        return [
            problem(CHECK, f"the store of payloads cannot be read: {error}", "make it reachable from here")
        ]
    found = []
    if missing:
        text = f"{count(len(missing), 'message')} have a payload that is not in the store: {some(missing)}"
        found.append(
            problem(CHECK, text, "give the codec the store that they were written to, or restore it")
        )
    if orphans:
        text = f"{count(len(orphans), 'payload')} in the store belong to no message: {some(orphans)}"
        found.append(warning(CHECK, text, "run workers with this codec, whose vacuum deletes them"))
    return found or [ok(CHECK, "every payload in the store has its message")]


def some(names: frozenset[str]) -> str:
    """Return a few of them."""
    return ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
