"""Workers whose program does not stop them: it ends, drops their handle, or forks in a handler."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time

import pytest

from outbox import ConfigurationError, Outbox, OutboxMessage
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
