"""Starting and stopping again and again, and what a fork may not do."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from outbox import ForkedProcess
from tests.acceptance.bench import QUEUE, Bench, builder_for
from tests.support import Database, Spawn, eventually

TIMES = 15


def connections(database: Database) -> int:
    """Count the connections to the database, other than the one that asks.

    On SQLite, the open write-ahead logs: the file of the database itself stays open for the next connection
    while another one is locked, so there are as many as there ever were connections at a time.
    """
    if database.backend == "postgresql":
        return int(
            database.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    if database.backend == "sqlite":
        log = database.url.removeprefix("sqlite:///") + "-wal"
        return sum(os.path.realpath(name) == log for name in Path("/proc/self/fd").iterdir())
    return int(
        database.value(
            "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
        )
    )


def settled(database: Database) -> int:
    """Return the number of connections once it is the same for a while."""
    seen = [-1]

    def unchanged() -> bool:
        seen.append(connections(database))
        return len(set(seen[-5:])) == 1

    eventually(unchanged)
    return seen[-1]


@pytest.mark.slow
def test_many_starts_and_stops_leave_no_thread_and_no_connection(bench: Bench) -> None:
    seen: list[int] = []
    builder = builder_for(bench.database.url, lambda queue: queue.leased(lambda msg: seen.append(msg.json())))

    def run(number: int, *, with_a_message: bool) -> None:
        with builder.start():
            if with_a_message:
                bench.send(number)
                eventually(lambda: seen[-1:] == [number])

    # The producer's connections are open after the first round.
    run(0, with_a_message=True)
    threads, before = threading.active_count(), settled(bench.database)
    for number in range(1, TIMES + 1):
        run(number, with_a_message=number % 5 == 0)
    assert threading.active_count() == threads
    # The server notices the end of a connection a moment later.
    eventually(lambda: connections(bench.database) <= before)


def test_an_outbox_that_was_opened_and_closed_leaves_no_connection(bench: Bench) -> None:
    def run() -> None:
        with builder_for(bench.database.url, lambda queue: queue.enqueue_only()).open() as producer:
            producer.enqueue_now(QUEUE, "x")

    run()
    before = settled(bench.database)
    for _ in range(10):
        run()
    eventually(lambda: connections(bench.database) <= before)


def use_after_a_fork(url: str) -> None:
    """Start, fork, and use everything in the child of the fork; the parent goes on."""
    seen: list[str] = []
    builder = builder_for(url, lambda queue: queue.leased(lambda msg: seen.append(msg.json())))
    handle = builder.start()
    child = os.fork()
    if child == 0:
        refused = 0
        uses: list[Callable[[], object]] = [
            handle.stats,
            handle.healthy,
            handle.stop,
            handle.outbox.flush,
            handle.outbox.status,
            lambda: handle.outbox.enqueue_now(QUEUE, "forked"),
            lambda: handle.outbox.register_queue("another", 1),
        ]
        for use in uses:
            try:
                use()
            except ForkedProcess as error:
                refused += "after the fork" in str(error)
        os._exit(len(uses) - refused)
    _, status = os.waitpid(child, 0)
    print("child", os.waitstatus_to_exitcode(status), flush=True)
    handle.outbox.enqueue_now(QUEUE, "parent")
    eventually(lambda: seen == ["parent"])
    assert handle.stop()
    print("parent done", flush=True)


@pytest.mark.mp
def test_a_forked_process_is_refused_and_its_parent_goes_on(bench: Bench, spawn: Spawn) -> None:
    child = spawn(use_after_a_fork, bench.database.url)
    assert child.succeed().splitlines() == ["child 0", "parent done"]


def start_after_a_fork(url: str) -> None:
    """Describe the outbox, fork, start in the child: the way of a server that forks."""
    seen: list[str] = []
    builder = builder_for(url, lambda queue: queue.leased(lambda msg: seen.append(msg.json())))
    child = os.fork()
    if child == 0:
        with builder.start() as handle:
            handle.outbox.enqueue_now(QUEUE, "forked")
            eventually(lambda: seen == ["forked"])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print("child", os.waitstatus_to_exitcode(status), flush=True)


@pytest.mark.mp
def test_a_builder_may_be_used_after_a_fork(bench: Bench, spawn: Spawn) -> None:
    assert spawn(start_after_a_fork, bench.database.url).succeed() == "child 0"
