"""Messages of queues that were dropped: a producer was not restarted."""

from __future__ import annotations

from outbox.doctor.finding import Finding, warning
from outbox.doctor.patient import Patient
from outbox.queues.reshaping import is_dropped

CHECK = "dropped queues"


def examine(patient: Patient) -> list[Finding]:
    """Report what came after the drop."""
    late = sorted({row.queue for row in patient.status.partitions if is_dropped(row.queue)})
    return [
        warning(
            CHECK,
            f"messages came for {queue}",
            "restart the producers that still write to it, then rename it back, or purge it: "
            + patient.command(f"purge {queue}"),
        )
        for queue in late
    ]
