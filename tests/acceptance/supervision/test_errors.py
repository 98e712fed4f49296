"""Workers go on by themselves after an error, whatever it was."""

from __future__ import annotations

import re
import threading

import pytest

from outbox import OutboxMessage, WorkerTuning
from outbox.facade import threads
from tests.acceptance.bench import QUEUE, Bench
from tests.acceptance.wakeups.inbox import NEVER, commit, only_one_poll, polls, quiet
from tests.support import eventually

FAILURES = 100
QUICK_RETRY = WorkerTuning.processor_adaptive().replace(retry_base=0.05)


class Boom(BaseException):
    """Neither an `Exception` nor one of those that end a program."""


def bring_back(bench: Bench) -> None:
    bench.database.execute("ALTER TABLE away RENAME TO outbox_incoming")


def test_a_failed_message_comes_again_on_a_timer_without_any_news(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_one_poll(monkeypatch)
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append(msg.attempts)
        if msg.attempts < 3:
            raise RuntimeError("not yet")

    handle = bench.on_threads(
        lambda queue: queue.leased(handler, tuning=QUICK_RETRY), poll_interval=NEVER, wakeup="poll"
    )
    eventually(lambda: polls(handle) == 1)
    handle.outbox.enqueue_now(QUEUE, "a")
    eventually(lambda: seen == [0, 1, 2, 3])
    assert polls(handle) == 1


def test_workers_whose_statements_failed_work_again_on_a_timer_without_any_news(bench: Bench) -> None:
    seen: list[str] = []
    handle = bench.on_threads(
        lambda queue: queue.leased(lambda msg: seen.append(msg.json())), poll_interval=NEVER
    )
    bench.send("a")
    eventually(lambda: seen == ["a"])
    quiet(handle)
    commit(bench.database, handle.outbox, "b")
    bench.database.execute("ALTER TABLE outbox_incoming RENAME TO away")
    handle.outbox.flush()
    eventually(lambda: "outbox-sequencer-0" in handle.stats().failing)
    bring_back(bench)
    eventually(lambda: seen == ["a", "b"], 20)
    eventually(lambda: not handle.stats().failing, 20)


def test_a_hundred_failures_in_a_row_kill_no_worker_and_show_in_its_health(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "FAILURE_BASE", 0.002)
    monkeypatch.setattr(threads, "FAILURE_CAP", 0.01)
    seen: list[str] = []
    handle = bench.on_threads(lambda queue: queue.leased(lambda msg: seen.append(msg.json())))
    assert handle.healthy()
    workers = [thread for thread in threading.enumerate() if re.match("outbox-(?!pool)", thread.name)]
    bench.send("before")
    eventually(lambda: seen == ["before"])
    reconciler = next(w for w in handle._threads.supervisor.workers if w.name.endswith("reconciler"))

    bench.database.execute("ALTER TABLE outbox_incoming RENAME TO away")
    eventually(lambda: reconciler.failures >= 3)
    assert not handle.healthy()
    assert "outbox_incoming" in handle.stats().failing["outbox-reconciler"]
    eventually(lambda: reconciler.failures >= FAILURES, 30)
    bring_back(bench)

    eventually(handle.healthy)
    bench.send("after")
    eventually(lambda: seen == ["before", "after"])
    assert all(thread.is_alive() for thread in workers)


@pytest.mark.parametrize("mode", ["leased", "leased_batch", "transactional", "transactional_batch"])
def test_no_exception_of_a_handler_kills_its_worker(bench: Bench, mode: str) -> None:
    errors: list[type[BaseException]] = [Boom, GeneratorExit, SystemExit, KeyboardInterrupt]
    calls: list[str] = []

    def handler(*arguments: object) -> None:
        calls.append("called")
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]("out of the handler")

    handle = bench.on_threads(
        lambda queue: getattr(queue, mode)(handler, tuning=QUICK_RETRY), processors=1, poll_interval=NEVER
    )
    bench.send("a")
    eventually(lambda: len(calls) == len(errors) + 1)
    eventually(lambda: bench.row().cursor == 1)
    bench.send("b")
    eventually(lambda: bench.row().cursor == 2)
    eventually(handle.healthy)
    assert bench.dead() == []
