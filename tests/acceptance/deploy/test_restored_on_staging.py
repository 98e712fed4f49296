"""Production's database on staging: the steps of the page, beside workers that run."""

from __future__ import annotations

from outbox import OutboxMessage
from tests.acceptance.bench import Bench
from tests.acceptance.bench.bench import QUEUE
from tests.acceptance.bench.fixtures import bench
from tests.acceptance.cli.conftest import shell
from tests.acceptance.cli.shell import Shell
from tests.support import eventually

__all__ = ["bench", "shell"]


def test_nothing_of_production_is_sent_from_staging(bench: Bench, shell: Shell) -> None:
    sent: list[bytes] = []

    def send(msg: OutboxMessage) -> None:
        sent.append(msg.payload)

    bench.send(b"production's", b"too")
    bench.producer.enqueue_now(QUEUE, b"production's, later", deliver_after=0.5)
    assert shell("hold", "--reason", "restored on staging").stdout == "all queues are held\n"

    handle = bench.on_threads(lambda queue: queue.leased(send))
    # They have taken what there is, and know that they may not deliver it.
    eventually(lambda: handle.stats().counters["sequenced"] == 3)
    assert "restored on staging" in shell("status").stdout
    assert shell("purge", QUEUE, "--yes").lines[-1] == "3 messages of queue orders purged"
    assert shell("hold", "--end").stdout == "the hold has ended\n"

    bench.send(b"staging's")
    eventually(lambda: sent == [b"staging's"])
    assert handle.drained() or eventually(handle.drained)
