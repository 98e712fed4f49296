r"""What is wrong with an outbox, as data: for the command line, a web page, a readiness probe.

`examine` runs checks on a `Patient` (an open backend, and the application's options when they are known)
and yields `Finding`\ s: which check, how grave, one sentence, and the repair. A finding that is a warning
or a problem always has a repair. Nothing is printed here, and nothing is changed in the database.

To add a check:

1. Write ``outbox/doctor/checks/NAME.py``. Its docstring says what it protects from; its function
   ``examine(patient: Patient) -> Iterable[Finding]`` looks and returns findings made with `ok`,
   `not_applicable`, `warning` and `problem`. One thing found wrong in several places is one finding
   each; nothing wrong is `ok`, or no finding at all where a line would tell the reader nothing.
   SQL is a named statement of ``sql/<backend>/monitoring.sql``, run by ``patient.backend.query``.
2. Add its name to `CHECKS` in ``outbox/doctor/registry.py``, in the group where a reader looks for it.
3. Bring the fault about in a test of ``tests/acceptance/cli/`` and look at the finding.

An `OutboxError` inside of a check becomes a finding too ("could not be examined"), so that one broken
check never hides what the others see. Checks after the migrations run only when the tables are there.
"""

from outbox.doctor.finding import Finding, Level, not_applicable, ok, problem, warning
from outbox.doctor.patient import Patient
from outbox.doctor.registry import CHECKS, examine

__all__ = ["CHECKS", "Finding", "Level", "Patient", "examine", "not_applicable", "ok", "problem", "warning"]
