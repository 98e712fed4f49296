"""``outbox queues`` and ``outbox hold``."""

from __future__ import annotations

from tests.acceptance.bench.bench import QUEUE, Bench
from tests.acceptance.cli.shell import Shell


def test_a_pause_shows_in_the_status_and_in_the_doctor(bench: Bench, shell: Shell) -> None:
    bench.send(b"a")
    assert shell("queues", "pause", QUEUE, "--partition", "0", "--reason", "bank").stdout == (
        "queue orders is paused\n"
    )

    shown = shell("status").stdout
    assert "partition 0 of queue orders is paused: bank" in shown
    assert "outbox queues resume orders" in shell("doctor", "--json").stdout

    assert shell("queues", "resume", QUEUE).stdout == "1 pause of queue orders ended\n"
    assert bench.producer.pauses() == []
