"""A worker process that relays a queue and dies where it is told."""

from __future__ import annotations

import os
import signal
import threading

from outbox import LeaseConfig, Outbox
from outbox.handlers.batch import Batch
from outbox.values.results import HandlerResult
from tests.contrib.relays.places.kinds import KINDS

QUEUE = "orders"
PARTITIONS = 2


def run_worker(database: str, place: tuple[str, str, str], lease: float, die_after: int) -> None:
    """Relay until killed; kill itself after the confirms of as many batches, before their acknowledgement."""
    kind, url, topic = place
    relay = KINDS[kind].new_relay(url, topic, timeout=5)
    calls = 0

    def handler(batch: Batch) -> HandlerResult:
        nonlocal calls
        answer = relay(batch)
        calls += batch.processed > 0
        if calls == die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    handle = (
        Outbox.builder(database)
        .stats_interval(0)
        .poll_interval(0.05)
        .queue(QUEUE, PARTITIONS)
        .leased_batch(handler, lease=LeaseConfig(lease))
        .start()
    )
    print("started", flush=True)
    threading.Event().wait()
    handle.stop()
