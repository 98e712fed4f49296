"""A slow, steady producer: ``python -m benchmarks.workloads.beat URL LOAD`` in a process of its own."""

from __future__ import annotations

import json
import sys
import time

from benchmarks.load import Load
from benchmarks.servers import connect
from outbox import Outbox

Beat = tuple[int, float, float]
"""A message's number, and the machine's monotonic time before its commit and after."""


def beat(outbox: Outbox, url: str, load: Load, messages: int) -> list[Beat]:
    """Commit one numbered message after the other, at the load's rate; return when each was committed."""
    beats = []
    sqlite = url.startswith("sqlite")
    connection = connect(url, autocommit=False)
    began = time.monotonic()
    for number in range(messages):
        time.sleep(max(0.0, began + number / load.rate - time.monotonic()))
        if sqlite:
            connection.execute("BEGIN IMMEDIATE")
        outbox.enqueue(connection, "q0", number)
        before = time.monotonic()
        connection.commit()
        after = time.monotonic()
        outbox.flush()
        beats.append((number, before, after))
    connection.close()
    return beats


def main() -> None:
    """Produce, then print the beats."""
    url, load = sys.argv[1], Load.from_json(sys.argv[2])
    with load.declare(url, lambda queue: queue.enqueue_only()).open() as outbox:
        print(json.dumps(beat(outbox, url, load, load.messages)))


if __name__ == "__main__":
    main()
