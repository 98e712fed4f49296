"""The driver: a pure Python one costs several times the CPU for every message."""

from __future__ import annotations

import platform

from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient

CHECK = "driver"


def examine(patient: Patient) -> list[Finding]:
    """Look at the driver that the workers run on."""
    driver = patient.backend.describe_driver()
    text = f"{driver.text} on Python {platform.python_version()}"
    if driver.trouble:
        return [warning(CHECK, f"{text}: {driver.trouble}", driver.advice)]
    return [ok(CHECK, text)]
