"""The log of a whole run: who reads it learns what went wrong and where, and no secrets."""

from __future__ import annotations

import logging

import pytest

from outbox import OutboxMessage, Reject, WorkerTuning
from tests.acceptance.bench import QUEUE, Bench
from tests.support import Database, eventually

SECRET = "5ecret"
QUICK_RETRY = WorkerTuning.processor_adaptive().replace(retry_base=0.01)


def with_password(database: Database) -> str:
    """Return the URL with a password where the test servers ask for none, and so take any."""
    return (
        database.url.replace("outbox@", f"outbox:{SECRET}@")
        if database.backend == "postgresql"
        else database.url
    )


def troublesome(msg: OutboxMessage) -> Reject | None:
    if msg.seq == 1 and not msg.attempts:
        raise RuntimeError("not yet")
    return Reject("never") if msg.seq == 2 else None


def test_troubles_are_told_with_their_place_and_never_with_a_payload_or_password(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    handle = bench.on_threads(
        lambda queue: queue.leased(troublesome, tuning=QUICK_RETRY), target=with_password(bench.database)
    )
    bench.send({"card": SECRET}, {"card": SECRET}, {"card": SECRET})
    eventually(lambda: bench.row().cursor == 3)
    bench.database.execute("ALTER TABLE outbox_incoming RENAME TO away")
    handle.outbox.flush()
    eventually(lambda: "outbox-reconciler" in handle.stats().failing)
    bench.database.execute("ALTER TABLE away RENAME TO outbox_incoming")
    eventually(lambda: not handle.stats().failing, 20)
    assert handle.stop(20)

    first = {"queue": QUEUE, "partition": 0, "seq": 1}
    assert told(caplog, "handler failed") == [{**first, "attempts": 0}]
    assert told(caplog, "retry") == [{**first, "attempts": 1}]
    assert told(caplog, "dead letter") == [{**first, "seq": 2, "attempts": 1}]
    (failure, *_) = told(caplog, "outbox-reconciler failed")
    assert (failure["worker"], failure["failures"]) == ("outbox-reconciler", 1)
    (recovery, *_) = told(caplog, "outbox-reconciler recovered")
    assert recovery["worker"] == "outbox-reconciler"
    # With the tracebacks, as a log file has them.
    assert "RuntimeError: not yet" in caplog.text
    assert SECRET not in caplog.text


def told(caplog: pytest.LogCaptureFixture, beginning: str) -> list[dict[str, object]]:
    """Return the extra fields of the records of ours whose message begins so."""
    ours = {"queue", "partition", "seq", "attempts", "worker", "failures", "retry_in"}
    records = [
        r for r in caplog.records if r.name.startswith("outbox.") and r.getMessage().startswith(beginning)
    ]
    return [{name: value for name, value in vars(r).items() if name in ours} for r in records]
