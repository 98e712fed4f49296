"""Programs whose threads gevent or eventlet has replaced by its own."""

from __future__ import annotations

import pytest

from tests.support import Database, Spawn

PROGRAM = """
import sys
{patch}
import threading
from outbox import Outbox

leased, transactional = [], []
builder = Outbox.builder(sys.argv[1]).poll_interval(0.2)
builder = builder.queue("leased", 2).leased(lambda msg: leased.append(msg.json()))
builder = builder.queue("transactional", 2).transactional(lambda conn, msg: transactional.append(msg.json()))
all_there = threading.Event()

with builder.start() as handle:
    def produce():
        for number in range(10):
            handle.outbox.enqueue_now("leased", number)
            with handle.outbox.transaction() as conn:
                handle.outbox.enqueue(conn, "transactional", number)

    producers = [threading.Thread(target=produce) for _ in range(3)]
    for each in producers:
        each.start()
    for each in producers:
        each.join()
    for _ in range(200):
        if all_there.wait(0.05) or len(leased) + len(transactional) == 60:
            break
    assert handle.healthy()
    assert handle.stop(10)
print(len(leased), len(transactional))
"""
PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


@pytest.mark.mp
@pytest.mark.parametrize("library", PATCHES)
def test_everything_is_delivered_in_a_monkey_patched_program(
    migrated: Database, spawn: Spawn, library: str
) -> None:
    program = PROGRAM.format(patch=PATCHES[library])
    assert spawn(program, migrated.url).succeed(120).split() == ["30", "30"]
