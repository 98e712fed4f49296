from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from outbox import FailureKey, ForkedProcess, Outbox, OutboxError, SqlFailureTracker
from tests.acceptance.bench import all_delivered
from tests.support import Database, Spawn, eventually


def fork_with_workers(url: str) -> None:
    """Fork a process that has workers and a producer; let the child try everything, then the parent."""
    delivered: list[int] = []
    builder = Outbox.builder(url).queue("orders", 2).leased(lambda msg: delivered.append(msg.id))
    with builder.start() as handle, builder.open() as producer:
        sent = [producer.enqueue_now("orders", b"before")]
        eventually(lambda: delivered == sent)
        print(in_a_child(lambda: json.dumps(try_everything(handle, producer))))
        # What the child tried has broken nothing here.
        sent += [producer.enqueue_now("orders", b"after"), handle.outbox.enqueue_now("orders", b"after")]
        eventually(lambda: sorted(delivered) == sent)
        assert handle.healthy()
    print(json.dumps("the parent went on"))


def in_a_child(attempt: Callable[[], str]) -> str:
    """Return what an attempt in a child of this process came to."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(writer, "w") as pipe:
            pipe.write(attempt())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return said


def enter(outbox: Outbox) -> object:
    return outbox.transaction().__enter__()


def try_everything(handle: Any, producer: Outbox) -> dict[str, str]:
    attempts: dict[str, Callable[[], object]] = {
        "stop": handle.stop,
        "stats": handle.stats,
        "healthy": handle.healthy,
        "leaving the handle": lambda: handle.__exit__(None, None, None),
    }
    for name, outbox in (("handle's", handle.outbox), ("producer's", producer)):
        attempts |= {
            f"{name} enqueue": partial(outbox.enqueue, None, "orders", b""),
            f"{name} enqueue_batch": partial(outbox.enqueue_batch, None, "orders", []),
            f"{name} enqueue_now": partial(outbox.enqueue_now, "orders", b""),
            f"{name} transaction": partial(enter, outbox),
            f"{name} flush": outbox.flush,
            f"{name} register_queue": partial(outbox.register_queue, "other", 1),
            f"{name} queue_of": partial(outbox.queue_of, 1),
            f"{name} status": outbox.status,
            f"{name} close": outbox.close,
        }
    return {name: outcome(attempt) for name, attempt in attempts.items()}


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OutboxError as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:
        return repr(error)
    return "went through"


@pytest.mark.mp
def test_what_was_made_before_a_fork_is_refused_after_it_and_still_works_in_the_parent(
    migrated: Database, spawn: Spawn
) -> None:
    lines = spawn(fork_with_workers, migrated.url).succeed(40).splitlines()
    outcomes = json.loads(lines[0])
    assert len(outcomes) == 22
    assert {text.partition(":")[0] for text in outcomes.values()} == {ForkedProcess.__name__}
    assert all("after the fork" in text for text in outcomes.values())
    assert json.loads(lines[1]) == "the parent went on"
    assert migrated.count("outbox_dead_letters") == 0


def start_after_fork(url: str) -> None:
    """Declare before the fork, as a preloading server does, and start after it, in each child."""
    builder = Outbox.builder(url).queue("orders", 2).leased(lambda msg: None)
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            with builder.start() as handle:
                handle.outbox.enqueue_now("orders", b"x")
                eventually(lambda: all_delivered(handle.outbox) and handle.healthy())
                stopped = handle.stop()
            sys.stdout.flush()
            os._exit(0 if stopped else 1)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    with builder.start() as handle:
        eventually(lambda: all_delivered(handle.outbox))


@pytest.mark.mp
def test_a_builder_may_be_made_before_the_fork(migrated: Database, spawn: Spawn) -> None:
    spawn(start_after_fork, migrated.url).succeed(40)
    assert migrated.count("outbox_incoming") == 0
    assert sum(seq for (seq,) in migrated.query("SELECT processed_seq FROM outbox_processor")) == 2


def quarantine_after_fork(url: str) -> None:
    """Make a tracker before the fork and use it in the child; then use it in the parent, and fork again."""
    tracker = SqlFailureTracker(url)
    key = FailureKey(1, 1)
    for number in (1, 2):
        assert in_a_child(lambda: str(tracker.record_failure(key, "bad"))) == str(number)
    assert tracker.record_failure(key, "bad") == 3
    for use in (
        lambda: tracker.record_failure(key, "bad"),
        lambda: tracker.record_success(key),
        lambda: tracker.drain_exceeded(1),
        tracker.close,
    ):
        print(in_a_child(partial(outcome, use)))
    assert tracker.record_failure(key, "bad") == 4
    tracker.close()


@pytest.mark.mp
def test_a_failure_tracker_may_be_made_before_a_fork_but_not_used(migrated: Database, spawn: Spawn) -> None:
    lines = spawn(quarantine_after_fork, migrated.url).succeed(40).splitlines()
    assert len(lines) == 4
    assert {line.partition(":")[0] for line in lines} == {ForkedProcess.__name__}
    assert all("tracker" in line for line in lines)
