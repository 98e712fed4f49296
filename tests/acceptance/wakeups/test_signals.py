"""Within a process a flush is enough, and without one the next poll finds the message."""

from __future__ import annotations

import time
from statistics import median

import pytest

from tests.acceptance.bench import QUEUE, Bench
from tests.acceptance.wakeups.inbox import (
    NEVER,
    QUIET_POLLS,
    Inbox,
    begin_and_enqueue,
    commit,
    only_one_poll,
    polls,
    quiet,
)
from tests.support import eventually

# Of so many messages, one after the other, the middle one counts: a busy machine may hold any one up.
NAMES = ("first", "second", "third")


def test_enqueue_and_flush_deliver_at_once_without_any_poll(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_one_poll(monkeypatch)
    inbox = Inbox()
    delays: list[float] = []
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=NEVER, wakeup="poll")
    eventually(lambda: polls(handle) == 1)
    for name in NAMES:
        committed = commit(bench.database, handle.outbox, name)
        handle.outbox.flush()
        delays.append(inbox.delay(name, committed))
    assert median(delays) < 1
    assert polls(handle) == 1


def test_sqlalchemy_flushes_by_itself_after_its_commit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    only_one_poll(monkeypatch)
    inbox = Inbox()
    delays: list[float] = []
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=NEVER, wakeup="poll")
    eventually(lambda: polls(handle) == 1)
    engine = bench.database.engine()
    for name in NAMES:
        with engine.begin() as conn:
            handle.outbox.enqueue(conn, QUEUE, name, partition=2)
        delays.append(inbox.delay(name, time.monotonic()))
    assert median(delays) < 1
    assert polls(handle) == 1


def test_without_a_flush_a_message_waits_for_the_next_poll_and_no_longer(bench: Bench) -> None:
    inbox = Inbox()
    delays: list[float] = []
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=1.0)
    for name in NAMES:
        quiet(handle)
        delays.append(inbox.delay(name, commit(bench.database, bench.producer, name)))
    assert median(delays) < 2


def test_a_flush_before_the_commit_does_no_harm(bench: Bench) -> None:
    inbox = Inbox()
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=1.0)
    conn = begin_and_enqueue(bench.database, handle.outbox, "too early")
    handle.outbox.flush()
    # About three seconds: the look for which the flush asked is long past.
    seen = polls(handle)
    eventually(lambda: polls(handle) >= max(seen, QUIET_POLLS) + 2)
    assert inbox.arrived == {}
    conn.commit()
    # The poll interval, and two seconds for a busy machine.
    assert inbox.delay("too early", time.monotonic()) < 3
