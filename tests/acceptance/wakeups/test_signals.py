"""Within a process a flush is enough, and without one the next poll finds the message."""

from __future__ import annotations

import time

from tests.acceptance.bench import QUEUE, Bench
from tests.acceptance.wakeups.inbox import QUIET_POLLS, Inbox, polls, quiet
from tests.support import eventually

NEVER = 60.0


def test_enqueue_and_flush_deliver_at_once_without_any_poll(bench: Bench) -> None:
    inbox = Inbox()
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=NEVER)
    before = quiet(handle)
    conn = bench.database.connect()
    if bench.database.backend == "sqlite":
        conn.execute("BEGIN IMMEDIATE")
    handle.outbox.enqueue(conn, QUEUE, "now", partition=1)
    conn.commit()
    committed = time.monotonic()
    handle.outbox.flush()
    assert inbox.delay("now", committed) < 1
    assert polls(handle) == before


def test_sqlalchemy_flushes_by_itself_after_its_commit(bench: Bench) -> None:
    inbox = Inbox()
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=NEVER)
    before = quiet(handle)
    with bench.database.engine().begin() as conn:
        handle.outbox.enqueue(conn, QUEUE, "by itself", partition=2)
    assert inbox.delay("by itself", time.monotonic()) < 1
    assert polls(handle) == before


def test_without_a_flush_a_message_waits_for_the_next_poll_and_no_longer(bench: Bench) -> None:
    inbox = Inbox()
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=1.0)
    quiet(handle)
    conn = bench.database.connect()
    if bench.database.backend == "sqlite":
        conn.execute("BEGIN IMMEDIATE")
    bench.producer.enqueue(conn, QUEUE, "later")
    conn.commit()
    committed = time.monotonic()
    assert inbox.delay("later", committed) < 2


def test_a_flush_before_the_commit_does_no_harm(bench: Bench) -> None:
    inbox = Inbox()
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=1.0)
    conn = bench.database.connect()
    if bench.database.backend == "sqlite":
        conn.execute("BEGIN IMMEDIATE")
    handle.outbox.enqueue(conn, QUEUE, "too early")
    handle.outbox.flush()
    # About three seconds: the look for which the flush asked is long past.
    seen = polls(handle)
    eventually(lambda: polls(handle) >= max(seen, QUIET_POLLS) + 2)
    assert inbox.arrived == {}
    conn.commit()
    committed = time.monotonic()
    assert inbox.delay("too early", committed) < 2
