"""Deliver a backlog with one worker process, or several, and a handler that does nothing for each message."""

from __future__ import annotations

import threading
from itertools import count

from benchmarks.load import Load
from benchmarks.measure import Observer
from benchmarks.workloads.producers import produce
from outbox import OutboxMessage


def run(url: str, load: Load) -> None:
    """Print ``drain``: from the start of the workers until the handler has seen every message."""
    done = threading.Event()
    number = count(1)
    expected = load.messages

    def handler(_message: OutboxMessage) -> None:
        if next(number) == expected:
            done.set()

    with load.open(url) as outbox:
        observer = Observer(url)
        produce(outbox, url, load)
    with observer:
        with observer.phase("drain", expected) as phase:
            handle = load.declare(url, lambda queue: queue.leased(handler)).start()
            if not done.wait(600):
                raise TimeoutError("the backlog was not drained within 600 s")
            observer.stop_clock(phase)
            handle.stop()
        phase.extra["counters"] = handle.stats().counters
        print(phase.to_line())
