"""Sessions that hold locks on the tables, behind which workers wait or which they skip."""

from __future__ import annotations

from outbox.backends.lock_holders import LockHolder, lock_holders
from outbox.doctor.finding import Finding, not_applicable, problem, warning
from outbox.doctor.patient import Patient
from outbox.errors import PermissionRefused

CHECK = "locks"
# Seconds. Our own statements hold locks for milliseconds, a transactional handler for as long as it runs.
LONG = 10.0
VERY_LONG = 60.0


def examine(patient: Patient) -> list[Finding]:
    """Name the holders and the statements that end them; nothing where there are none."""
    try:
        found = lock_holders(patient.backend, LONG)
    except PermissionRefused as error:
        return [not_applicable(CHECK, f"this user may not see who holds locks: {error}")]
    return [judge(holder) for holder in found]


def judge(holder: LockHolder) -> Finding:
    """Report a session; one of a transactional handler of ours may be at work."""
    level = problem if (holder.seconds or 0.0) >= VERY_LONG else warning
    advice = f"unless it is a transactional handler at work: {holder.repair}"
    return level(CHECK, str(holder), advice)
