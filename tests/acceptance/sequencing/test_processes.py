"""Sequencers of several processes, and one that is killed at any point."""

from __future__ import annotations

import signal
import threading
from itertools import count

import pytest

from tests.acceptance.bench import PARTITIONS, Bench, Hands, builder_for
from tests.acceptance.sequencing.outgoing import ids_in_order
from tests.budgets.wire import tapped
from tests.support import Spawn, eventually

TRANSACTIONS = 150
# What a pass sends at least.
STATEMENTS = {"postgresql": 1, "mysql": 5, "mariadb": 5, "sqlite": 5}


def sequence_for_ever(url: str) -> None:
    """Sequence whatever there is until killed, and say how many messages that were so far."""
    hands = Hands(builder_for(url, lambda queue: queue.leased(print)))
    print("sequenced 0", flush=True)
    while True:
        hands.look()
        while hands.stages.sequencing.ready_count:
            hands._sequencer.run_once()
            print("sequenced", hands.pipeline.counters.snapshot()["sequenced"], flush=True)


@pytest.mark.mp
def test_two_processes_sequence_side_by_side_without_a_duplicate_or_a_gap(bench: Bench, spawn: Spawn) -> None:
    children = [spawn(sequence_for_ever, bench.database.url) for _ in range(2)]
    for child in children:
        child.wait_for_line("sequenced")
    sent: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}

    def shares() -> list[int]:
        return [int(child.lines[-1].split()[1]) for child in children]

    def produce(partitions: tuple[int, int]) -> None:
        for number in range(TRANSACTIONS):
            partition = partitions[number % 2]
            sent[partition] += bench.send("x", "y", partition=partition)

    threads = [threading.Thread(target=produce, args=(mine,)) for mine in ((0, 1), (2, 3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    def both_took_part() -> bool:
        """Send a little more, and tell whether each of them has moved something."""
        for partition in range(PARTITIONS):
            sent[partition] += bench.send("x", "y", partition=partition)
        return all(shares())

    eventually(both_took_part, 60, what="both took part")
    eventually(lambda: sum(shares()) == sum(map(len, sent.values())), 30)
    assert bench.database.count("outbox_incoming") == 0
    for partition in range(PARTITIONS):
        assert ids_in_order(bench, partition) == sent[partition]


def sequence_and_die(url: str, number: int) -> None:
    """Run one pass over everything, and be killed before its n-th statement."""
    with tapped(url) as wire:
        hands = Hands(builder_for(wire.url, lambda queue: queue.leased(print)))
        hands.stages.enqueued(hands.pipeline.partition_ids)
        wire.tap.die_at(number)
        hands._sequencer.run_once()


@pytest.mark.mp
def test_a_sequencer_killed_between_any_two_statements_loses_nothing_and_moves_nothing_twice(
    bench: Bench, spawn: Spawn
) -> None:
    sent: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}
    for number in count(1):
        for partition in range(PARTITIONS):
            sent[partition] += bench.send("x", "y", partition=partition)
        child = spawn(sequence_and_die, bench.database.url, number)
        if child.wait() == 0:
            break
        assert child.wait() == -signal.SIGKILL
        assert bench.database.count("outbox_outgoing") == 0, "the transaction died with its process"
    assert number > STATEMENTS[bench.database.backend]
    for partition in range(PARTITIONS):
        assert ids_in_order(bench, partition) == sent[partition]
    assert bench.database.count("outbox_incoming") == 0
