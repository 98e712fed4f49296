"""Wake-ups: where notifications do not arrive, messages of other processes wait for the next poll."""

from __future__ import annotations

from outbox.doctor.finding import Finding, not_applicable, ok, warning
from outbox.doctor.patient import Patient
from outbox.errors import DatabaseError
from outbox.facade.assembly import wants_notify

CHECK = "wake-ups"


def examine(patient: Patient) -> list[Finding]:
    """Prove that a notification arrives."""
    if not patient.backend.can_notify:
        return [not_applicable(CHECK, "other processes find new messages by polling here")]
    if patient.options is not None and not wants_notify(patient.options, patient.backend):
        return [not_applicable(CHECK, "the builder says wakeup('poll')")]
    try:
        patient.backend.listen().close()
    except DatabaseError as error:
        return [
            warning(
                CHECK,
                f"notifications do not arrive: {error}",
                "a pooler in transaction mode swallows them: name the server itself by "
                "wakeup('auto', listen_url=…), or accept up to one poll interval of delay",
            )
        ]
    return [ok(CHECK, "a notification was sent and arrived")]
