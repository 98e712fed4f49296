"""Workers whose program does not stop them: it ends, drops their handle, or forks in a handler."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from outbox import ConfigurationError, ForkedProcess, Outbox, OutboxMessage
from tests.acceptance.bench import QUEUE, Bench, at_rest
from tests.support import Database, Spawn, eventually


def end_in_the_middle(url: str) -> None:
    """Come to the end of a program while a handler has a message in its hands."""
    begun = threading.Event()

    def handler(_msg: OutboxMessage) -> None:
        begun.set()
        time.sleep(60)

    Outbox.builder(url).queue(QUEUE, 4).leased(handler).start()
    assert begun.wait(20)


def test_a_program_that_ends_in_the_middle_of_a_message_gives_its_lease_back(
    bench: Bench, spawn: Spawn
) -> None:
    bench.send("a", "b")
    began = time.monotonic()
    spawn(end_in_the_middle, bench.database.url).succeed()
    assert bench.row() == at_rest(0)
    assert time.monotonic() - began < 20


def fork_in_a_handler(url: str, way: str) -> None:
    """Deliver messages of which the first forks; print what became of the child, and who was called for what."""
    calls: list[tuple[bool, int]] = []
    parent = os.getpid()

    def handler(msg: OutboxMessage) -> None:
        if msg.seq == 1 and (child := os.fork()):
            print(f"child {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}", flush=True)
        elif msg.seq == 1 and way == "exits":
            sys.exit(3)
        elif msg.seq == 1 and way == "raises":
            raise OSError("in the child")
        calls.append((os.getpid() == parent, msg.seq))
        print(f"called {len(calls)}", flush=True)

    with Outbox.builder(url).queue(QUEUE, 4).leased(handler).start():
        eventually(lambda: len(calls) == 3)
    assert calls == [(True, 1), (True, 2), (True, 3)]


@pytest.mark.backends("sqlite", "postgresql")
@pytest.mark.parametrize(("way", "status"), [("returns", 0), ("exits", 3), ("raises", 1)])
def test_a_child_that_a_handler_forked_does_not_go_on_as_a_worker(
    bench: Bench, spawn: Spawn, way: str, status: int
) -> None:
    bench.send("a", "b", "c")
    child = spawn(fork_in_a_handler, bench.database.url, way)
    child.wait_for_line(rf"child {status}\b")
    child.succeed()
    assert bench.row() == at_rest(3)


@pytest.mark.backends("sqlite")
def test_the_outbox_of_a_handle_is_closed_by_its_stop_alone(migrated: Database) -> None:
    done: list[object] = []
    builder = Outbox.builder(migrated.url).queue(QUEUE, 1).leased(lambda msg: done.append(msg.json()))
    with builder.start() as handle:
        with pytest.raises(ConfigurationError, match="stop"), handle.outbox:
            pass
        with pytest.raises(ConfigurationError, match="stop"):
            handle.outbox.close()
        handle.outbox.enqueue_now(QUEUE, "a")
        eventually(lambda: done == ["a"])
    handle.outbox.close()


@pytest.mark.backends("sqlite")
def test_a_handle_that_is_dropped_says_so(migrated: Database, caplog: pytest.LogCaptureFixture) -> None:
    handle = Outbox.builder(migrated.url).queue(QUEUE, 1).leased(lambda _msg: None).start()
    running = handle._running
    del handle
    gc.collect()
    assert "dropped without stop()" in caplog.text
    running.end()


def leave_a_child(url: str, way: str) -> None:
    """Start a child in the middle of a transactional handler, and stay there."""

    def handler(conn: Any, _msg: OutboxMessage) -> None:
        conn.cursor().execute("INSERT INTO done VALUES (1)")
        if way == "fork":
            context = multiprocessing.get_context("fork")
            child: Any = context.Process(target=time.sleep, args=(60,))
            child.start()
        else:
            child = subprocess.Popen(["sleep", "60"], close_fds=False)
        print(f"child {child.pid}", flush=True)
        time.sleep(60)

    Outbox.builder(url).queue(QUEUE, 4).transactional(handler).start()
    time.sleep(60)


@pytest.mark.mp
@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.parametrize("way", ["fork", "program"])
def test_the_child_of_a_killed_worker_keeps_nothing_locked(bench: Bench, spawn: Spawn, way: str) -> None:
    bench.database.execute("CREATE TABLE done (n INTEGER)")
    bench.send("locked")
    worker = spawn(leave_a_child, bench.database.url, way)
    child = int(worker.wait_for_line(r"child (\d+)")[1])
    try:
        worker.kill()
        delivered: list[object] = []
        bench.on_threads(lambda queue: queue.transactional(lambda _conn, msg: delivered.append(msg.json())))
        eventually(lambda: delivered == ["locked"])
        os.kill(child, 0)
    finally:
        os.kill(child, signal.SIGKILL)


def fork_under_load(url: str) -> None:
    """Fork children that open an outbox of their own, while threads of this process write all the time."""
    stopping = threading.Event()
    with (
        Outbox.builder(url)
        .queue(QUEUE, 4)
        .transactional(lambda _conn, _msg: time.sleep(0.01))
        .start() as handle
    ):

        def produce() -> None:
            while not stopping.wait(0.005):
                handle.outbox.enqueue_now(QUEUE, b"")

        producers = [threading.Thread(target=produce) for _ in range(2)]
        for each in producers:
            each.start()
        for _ in range(5):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    with Outbox.builder(f"{url}?timeout=10").queue(QUEUE, 4).enqueue_only().open() as own:
                        own.enqueue_now(QUEUE, b"of the child")
                    status = 0
                finally:
                    os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
        with handle.outbox.transaction():
            child = os.fork()
            if child == 0:
                try:
                    Outbox.builder(url).queue(QUEUE, 4).enqueue_only().open()
                except ForkedProcess as error:
                    os._exit(0 if "spawn" in str(error) else 2)
                os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
        stopping.set()
        for each in producers:
            each.join()


@pytest.mark.backends("sqlite")
def test_children_of_a_process_that_writes_open_an_outbox_of_their_own(bench: Bench, spawn: Spawn) -> None:
    spawn(fork_under_load, bench.database.url).succeed()
    count = bench.database.value("SELECT count(*) FROM outbox_body WHERE payload = ?", b"of the child")
    assert count <= 5


def test_a_second_start_over_the_same_queue_is_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    builder = Outbox.builder(bench.database.url).queue("started-twice", 1).leased(lambda _msg: None)
    with builder.start():
        assert not [text for text in caplog.messages if "already" in text]
        with builder.start():
            [line] = [text for text in caplog.messages if "already" in text]
            assert "started-twice" in line
            assert "stop()" in line
    caplog.clear()
    with builder.start():
        assert not [text for text in caplog.messages if "already" in text]
