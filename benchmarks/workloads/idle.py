"""What an idle process costs: ``idle``."""

from __future__ import annotations

import threading
import time

from benchmarks.load import Load
from benchmarks.measure import Observer
from benchmarks.workloads.ledger import Ledger

SETTLING = 5.0
WATCHED = 10
"""Seconds."""


def run(url: str, load: Load) -> None:
    """Print one phase whose messages are seconds; its extra tells the threads of the process."""
    load.open(url).close()
    builder = load.declare(url, lambda queue: queue.leased_batch(Ledger().receive))
    with builder.start(), Observer(url) as observer:
        time.sleep(SETTLING)
        with observer.phase("idle", WATCHED) as phase:
            time.sleep(WATCHED)
        phase.extra["threads"] = threading.active_count()
        print(phase.to_line())
