"""A stop is bounded, whatever the workers wait for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from outbox import HandlerResult, OutboxHandle, OutboxMessage
from outbox.facade.assembly import SERVICE_CONNECTIONS
from outbox.facade.options import PRODUCER_CONNECTIONS
from tests.acceptance.bench import PARTITIONS, Bench
from tests.support import eventually

PROCESSORS = 2
POOL = PROCESSORS + 1 + SERVICE_CONNECTIONS - 1 + PRODUCER_CONNECTIONS
# Three seconds of grace, what is under way, and some for a busy machine.
BOUND = 10.0


@contextmanager
def taken(lend: Callable[[], Any], count: int) -> Iterator[None]:
    """Hold so many connections of a pool, each taken as soon as it is there."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(lend())
        yield


class Gate:
    """A handler that waits to be let through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, _msg: OutboxMessage) -> None:
        self.reached.set()
        assert self.go_on.wait(20)


def assert_stops(handle: OutboxHandle) -> None:
    began = time.monotonic()
    assert handle.stop(30) is True
    assert time.monotonic() - began < BOUND


def busy(handle: OutboxHandle) -> int:
    """Count the workers that have been in one round for a moment."""
    now = time.monotonic()
    workers = handle._threads.supervisor.workers
    return sum(worker.busy_since is not None and now - worker.busy_since > 0.3 for worker in workers)


def start(
    bench: Bench, target: object, handler: Callable[[OutboxMessage], HandlerResult] = print
) -> OutboxHandle:
    return bench.on_threads(lambda queue: queue.leased(handler), target=target, processors=PROCESSORS)


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_stop_does_not_wait_until_the_outboxs_own_pool_has_connections_again(bench: Bench) -> None:
    handle = start(bench, bench.database.url)
    with taken(handle.outbox.backend.connection, POOL):
        for partition in range(PARTITIONS):
            bench.send("a", partition=partition)
        eventually(lambda: busy(handle) >= 1)
        assert_stops(handle)


def test_a_stop_waits_no_longer_for_a_pool_of_the_users_than_the_pool_itself_does(bench: Bench) -> None:
    engine = bench.database.engine(pool_size=2, max_overflow=0, pool_timeout=2)
    handle = start(bench, engine)
    with taken(engine.connect, 2):
        bench.send("a")
        eventually(lambda: busy(handle) >= 1)
        assert_stops(handle)


@pytest.mark.backends("postgresql")
def test_a_stop_does_not_wait_for_a_psycopg_pool_of_the_users(bench: Bench) -> None:
    from psycopg_pool import ConnectionPool

    with ConnectionPool(bench.database.url, min_size=2, max_size=2) as pool:
        handle = start(bench, pool)
        with taken(pool.connection, 2):
            bench.send("a")
            eventually(lambda: busy(handle) >= 1)
            assert_stops(handle)


@pytest.mark.backends("sqlite")
def test_a_stop_does_not_wait_until_the_file_can_be_written_again(bench: Bench) -> None:
    handle = start(bench, f"{bench.database.url}?timeout=2")
    bench.send("a")
    other = bench.database.connect(autocommit=True)
    other.execute("BEGIN EXCLUSIVE")
    eventually(lambda: busy(handle) >= 1)
    assert_stops(handle)
    other.rollback()


@pytest.mark.backends("sqlite")
def test_a_stop_does_not_wait_for_the_write_lock_within_the_process(bench: Bench) -> None:
    gate = Gate()
    handle = start(bench, f"{bench.database.url}?timeout=60", gate)
    bench.send("a")
    assert gate.reached.wait(20)
    with handle.outbox.transaction():
        gate.go_on.set()
        assert_stops(handle)


def test_an_ack_that_is_kept_waiting_at_a_stop_gets_its_connection(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    engine = bench.database.engine(pool_size=1, max_overflow=0, pool_timeout=20)
    gate = Gate()
    handle = start(bench, engine, gate)
    bench.send("a")
    assert gate.reached.wait(20)
    with caplog.at_level(logging.WARNING), engine.connect():
        stopper = threading.Thread(target=handle.stop)
        stopper.start()
        assert handle._threads.stopping.wait(10)
        gate.go_on.set()
        eventually(lambda: busy(handle) >= 1)
    stopper.join(30)
    assert bench.row().cursor == 1
    assert "lost" not in caplog.text
