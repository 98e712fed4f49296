"""From commit to handler under a light load: ``latency``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from benchmarks.load import Load
from benchmarks.measure import Observer
from benchmarks.workloads.beat import Beat, beat
from outbox import OutboxMessage

WARM_UP = 25
SETTLES_WITHIN = 2.0
"""Seconds: longer than the poll interval, the longest that any message may take."""


def run(url: str, load: Load) -> None:
    """Print one phase; its extra holds milliseconds from commit (its return, its call) to handler."""
    load.open(url).close()
    started: dict[int, float] = {}

    def handler(message: OutboxMessage) -> None:
        started[message.json()] = time.monotonic()

    with load.declare(url, lambda queue: queue.leased(handler)).start() as handle, Observer(url) as observer:
        time.sleep(1.5)  # idle, as a process is under a light load
        with observer.phase("latency", load.messages) as phase:
            if load.elsewhere:
                beats = _beat_elsewhere(url, load)
            else:
                beats = beat(handle.outbox, url, load, WARM_UP + load.messages)
            _wait_for(started, len(beats))
            observer.stop_clock(phase)
    late = beats[WARM_UP:]
    phase.extra["after_commit"] = _summary([(started[n] - after) * 1_000 for n, _, after in late])
    phase.extra["after_commit_call"] = _summary([(started[n] - before) * 1_000 for n, before, _ in late])
    phase.extra["commit"] = _summary([(after - before) * 1_000 for _, before, after in late])
    print(phase.to_line())


def _beat_elsewhere(url: str, load: Load) -> list[Beat]:
    load = load.replace(messages=WARM_UP + load.messages)
    command = [sys.executable, "-m", "benchmarks.workloads.beat", url, load.to_json()]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [(number, before, after) for number, before, after in json.loads(done.stdout)]


def _wait_for(started: Mapping[int, float], messages: int) -> None:
    deadline = time.monotonic() + SETTLES_WITHIN
    while len(started) < messages:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(started)} of {messages} messages came within {SETTLES_WITHIN:g} s")
        time.sleep(0.01)


def _summary(milliseconds: Sequence[float]) -> dict[str, float | list[float]]:
    ordered = sorted(milliseconds)
    last = len(ordered) - 1
    return {
        "p50": ordered[round(last * 0.5)],
        "p90": ordered[round(last * 0.9)],
        "p99": ordered[round(last * 0.99)],
        "max": ordered[last],
        "all": [round(value, 2) for value in ordered],
    }
