"""A message that another process enqueued."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median

import pytest
from psycopg_pool import ConnectionPool
from sqlalchemy import Engine, create_engine

from outbox import Outbox
from outbox.backends.postgresql import listener as postgres_listener
from outbox.wakeups import listener as worker_listener
from outbox.wakeups.coalescer import GAP
from tests.acceptance.bench import PARTITIONS, QUEUE, Bench, builder_for
from tests.acceptance.wakeups.inbox import NEVER, Inbox, commit, hears, only_one_poll, polls, quiet
from tests.budgets.wire import tapped
from tests.support import Child, Spawn, eventually
from tests.support.gate import open_gate, wait_at

MESSAGES = 5
# Between two of them, so that a machine that stands still for a second does not hold up most of them.
APART = 0.4
STREAMS = 3


def produce(url: str, names: list[str], wakeup: str, gate: str = "") -> None:
    """Commit and flush messages far apart, from when a gate opens, and say when each was committed."""
    builder = Outbox.builder(url).wakeup(wakeup)
    with builder.queue(QUEUE, PARTITIONS).enqueue_only().open() as producer:
        if gate:
            wait_at(gate)
        for name in names:
            with producer.transaction() as conn:
                producer.enqueue(conn, QUEUE, name)
            # The transaction has flushed before this line: the time is late by that, and the limits are wide.
            print("committed", name, time.monotonic(), flush=True)
            time.sleep(APART)


def committed_at(spawn: Spawn, url: str, names: list[str], wakeup: str = "auto") -> dict[str, float]:
    return commits(spawn(produce, url, names, wakeup))


def usual_delay(inbox: Inbox, spawn: Spawn, url: str) -> float:
    """Return the middle one of three ways, one after the other: a busy machine may hold any one up."""
    return median(inbox.delay(name, committed_at(spawn, url, [name])[name]) for name in ("a", "b", "c"))


def commits(producer: Child) -> dict[str, float]:
    """Let it come to its end, and return when it committed each message."""
    lines = [line.split() for line in producer.succeed().splitlines()]
    return {words[1]: float(words[2]) for words in lines if words[0] == "committed"}


@pytest.mark.mp
@pytest.mark.backends("postgresql")
def test_a_notification_brings_it_within_half_a_second_without_any_poll(
    bench: Bench, spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_one_poll(monkeypatch)
    inbox = Inbox()
    names = [f"m{number}" for number in range(MESSAGES)]
    gate = tmp_path / "gate"
    producer = spawn(produce, bench.database.url, names, "auto", str(gate))
    producer.wait_for_line("ready for gate")
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=NEVER)
    eventually(lambda: hears(handle) and polls(handle))
    open_gate(gate, [producer])
    committed = commits(producer)
    # The middle one of them, because a busy machine may hold any one up.
    assert median(inbox.delay(name, at) for name, at in committed.items()) < 0.5
    # One at the start, and one when it could hear.
    assert polls(handle) <= 2
    assert sorted(inbox.arrived) == names


def produce_fast(url: str, count: int) -> None:
    """Commit and flush messages one by one without a pause, from several threads."""
    with Outbox.builder(url).queue(QUEUE, PARTITIONS).enqueue_only().open() as producer:

        def produce_some(thread: int) -> None:
            for number in range(count):
                producer.enqueue_now(QUEUE, f"{thread}/{number}", partition=number % PARTITIONS)

        with ThreadPoolExecutor(STREAMS) as pool:
            list(pool.map(produce_some, range(STREAMS)))


@pytest.mark.mp
@pytest.mark.backends("postgresql")
def test_a_stream_arrives_to_its_end_although_most_of_it_is_not_announced(bench: Bench, spawn: Spawn) -> None:
    inbox = Inbox()
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=NEVER)
    quiet(handle)
    with tapped(bench.database.url) as wire:
        spawn(produce_fast, wire.url, 200).succeed()
        sent = [statement for statement in wire.tap.take() if "pg_notify" in statement.text]
    eventually(lambda: len(inbox.arrived) == STREAMS * 200, 20)
    # One in a gap, and two where messages come just that far apart; the proxy sees them a little later.
    assert len(sent) <= 2 * (sent[-1].at - sent[0].at) / GAP + 10


@pytest.mark.mp
def test_a_poll_brings_it_within_the_interval_and_a_second(bench: Bench, spawn: Spawn) -> None:
    inbox = Inbox()
    handle = bench.on_threads(lambda queue: queue.leased(inbox), poll_interval=1.0, wakeup="poll")
    quiet(handle)
    assert usual_delay(inbox, spawn, bench.database.url) < 2


@pytest.mark.mp
@pytest.mark.backends("postgresql")
def test_lost_notifications_cost_no_more_than_the_poll_interval(bench: Bench, spawn: Spawn) -> None:
    inbox = Inbox()
    with tapped(bench.database.url) as wire:
        assert wire.proxy is not None
        builder = builder_for(wire.url, lambda queue: queue.leased(inbox), poll_interval=1.0)
        with builder.start() as handle:
            eventually(lambda: any(statement.verb == "LISTEN" for statement in wire.tap.seen()))
            quiet(handle)
            wire.proxy.lose_notifications = True
            assert usual_delay(inbox, spawn, bench.database.url) < 2
            assert wire.proxy.dropped >= 1
            assert handle.healthy()


@pytest.mark.backends("postgresql")
def test_where_no_notification_arrives_at_all_the_workers_say_so_and_poll(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox()
    with tapped(bench.database.url) as wire:
        assert wire.proxy is not None
        wire.proxy.lose_notifications = True
        builder = builder_for(wire.url, lambda queue: queue.leased(inbox), poll_interval=1.0)
        with builder.start() as handle:
            bench.send("a")
            inbox.delay("a", time.monotonic())
            eventually(lambda: "polling instead" in caplog.text)
            assert handle.healthy()
            delays = [inbox.delay(name, commit(bench.database, bench.producer, name)) for name in "bcd"]
            assert median(delays) < 2


@contextmanager
def by_url(url: str) -> Iterator[str]:
    yield url


@contextmanager
def by_engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1), pool_size=12)
    yield engine
    engine.dispose()


@contextmanager
def by_pool(url: str) -> Iterator[ConnectionPool]:
    with ConnectionPool(url, min_size=1, max_size=12) as pool:
        yield pool


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("target", [by_url, by_engine, by_pool])
def test_the_workers_listen_where_they_are_told_to_if_a_pooler_swallows_notifications(
    bench: Bench, target: Callable[[str], AbstractContextManager[object]]
) -> None:
    inbox = Inbox()
    with tapped(bench.database.url) as wire, target(wire.url) as given:
        assert wire.proxy is not None
        wire.proxy.lose_notifications = True
        builder = builder_for(given, lambda queue: queue.leased(inbox), poll_interval=NEVER)
        with builder.wakeup("auto", listen_url=bench.database.sqlalchemy_url).start() as handle:
            eventually(lambda: hears(handle))
            bench.send("a")
            inbox.delay("a", time.monotonic())
            assert not [statement for statement in wire.tap.seen() if statement.verb == "LISTEN"]


@pytest.mark.backends("postgresql")
def test_who_could_not_listen_tries_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_listener, "TEST_SECONDS", 0.5)
    monkeypatch.setattr(worker_listener, "RETRY_SECONDS", 0.1)
    with tapped(bench.database.url) as wire:
        assert wire.proxy is not None
        wire.proxy.lose_notifications = True
        builder = builder_for(wire.url, lambda queue: queue.leased(print), poll_interval=NEVER)
        with builder.start() as handle:
            eventually(lambda: wire.proxy and wire.proxy.dropped >= 2)
            assert not hears(handle)
            wire.proxy.lose_notifications = False
            eventually(lambda: hears(handle))
