"""Group turns: several partitions under one lease statement."""

from __future__ import annotations

from outbox import Outbox
from tests.acceptance.bench.bench import PARTITIONS, QUEUE
from tests.acceptance.bench.hands import Hands

WARM_UP = 3
QUICK_CALLS = 40


def send_everywhere(outbox: Outbox, *payloads: object) -> None:
    """Commit these messages to every partition, in one transaction."""
    with outbox.transaction() as conn:
        for partition in range(PARTITIONS):
            for body in payloads:
                outbox.enqueue(conn, QUEUE, body, partition=partition)


def warm_up(hands: Hands) -> None:
    """Deliver three messages in every partition: now the handler is known to be quick, and groups are large."""
    for _ in range(WARM_UP):
        send_everywhere(hands.outbox, "warm up")
        hands.work()
    for consumer in hands.pipeline.consumers:
        # If the machine stood still for a moment, that is forgotten.
        for _ in range(QUICK_CALLS):
            consumer.speed.note(1, 0.0001)
            consumer.speed.group_size()
