"""Limits of the server or the user that end statements and sessions, or refuse them."""

from __future__ import annotations

from collections.abc import Iterator

from outbox.doctor.finding import Finding, problem, warning
from outbox.doctor.patient import Patient
from outbox.facade.assembly import worker_connections

CHECK = "limits"
# Milliseconds. A pass over a large backlog takes a second on a slow disk; passes that are ended are halved.
SHORT_STATEMENTS = 5_000
# Seconds without use after which a session of the user's pool is ended: any quiet minute.
SHORT_IDLENESS = 60.0
# A part of the queue that all databases of the server share, and that no commit with a NOTIFY may overflow.
NEARLY_FULL = 0.5


def examine(patient: Patient) -> Iterator[Finding]:
    """Report limits that are too tight; nothing otherwise."""
    yield from time_of_statements(patient)
    yield from time_of_idleness(patient)
    yield from notifications(patient)
    yield from users_connections(patient)


def time_of_statements(patient: Patient) -> Iterator[Finding]:
    """A backlog that is too large for one statement is moved in halves."""
    limit = int(float(patient.facts.get("statement_timeout", 0)))
    if 0 < limit < SHORT_STATEMENTS:
        text = (
            f"the server ends this user's statements after {limit} ms, so large backlogs move in small steps"
        )
        yield warning(
            CHECK, text, f"give the user a statement_timeout of {SHORT_STATEMENTS} ms or more, or 0"
        )


def time_of_idleness(patient: Patient) -> Iterator[Finding]:
    """The outbox's own sessions set this themselves; a pool or an Engine of the user's does not."""
    options = patient.options
    if options is None or isinstance(options.target, str) or checks_connections(options.target):
        return
    facts = patient.facts
    seconds = float(facts.get("wait_timeout", 0)) or float(facts.get("idle_session_timeout", 0)) / 1000
    if 0 < seconds < SHORT_IDLENESS:
        text = f"the server ends sessions after {seconds:g} s without use, and your pool does not notice"
        advice = (
            "check connections at the checkout: pool_pre_ping=True of an Engine, check= of a psycopg pool"
        )
        yield warning(CHECK, text, advice)


def checks_connections(target: object) -> bool:
    """Whether a pool or an Engine of the user's asks a connection whether it lives before it is used."""
    pool = getattr(target, "pool", target)
    return bool(getattr(pool, "_pre_ping", False)) or getattr(pool, "_check", None) is not None


def notifications(patient: Patient) -> Iterator[Finding]:
    """A session that listens and never reads fills the queue; once it is full, no NOTIFY commits."""
    used = float(patient.facts.get("notification_queue", 0))
    if used > NEARLY_FULL:
        text = f"the server's queue of notifications is {used:.0%} full: a session listens and does not read"
        yield problem(CHECK, text, "end the oldest session that is idle in a transaction and listens")


def users_connections(patient: Patient) -> Iterator[Finding]:
    """MySQL and MariaDB may allow a user fewer connections than the server has."""
    limit = int(patient.facts.get("max_user_connections", 0))
    if patient.options is not None and 0 < limit < worker_connections(patient.options):
        text = f"max_user_connections is {limit}, and the workers use {worker_connections(patient.options)}"
        yield problem(CHECK, text, f"raise it, or lower processors({patient.options.processors})")
